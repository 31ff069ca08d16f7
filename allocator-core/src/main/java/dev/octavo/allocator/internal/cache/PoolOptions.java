package dev.octavo.allocator.internal.cache;

/// What a pool is to be like.
///
/// @param processors how many threads may run at once
/// @param limits what threads may keep to themselves
/// @param memory what is behind the pages
/// @param trusting whether callers never free or resize one allocation twice at the same time
/// @param tagged whether allocations have tags, which take two bytes a page
/// @param watch who is told of shortages
public record PoolOptions(
    int processors,
    CacheLimits limits,
    PageMemory memory,
    boolean trusting,
    boolean tagged,
    PoolWatch watch) {

  public PoolOptions(int processors, CacheLimits limits) {
    this(processors, limits, PageMemory.NONE);
  }

  PoolOptions(int processors, CacheLimits limits, PageMemory memory) {
    this(processors, limits, memory, false, false, PoolWatch.NONE);
  }

  /// The same without pages of one's own for threads.
  public PoolOptions withoutCache() {
    CacheLimits none = new CacheLimits(0, 0, limits.low());
    return new PoolOptions(processors, none, PageMemory.NONE, false, tagged, watch);
  }
}
