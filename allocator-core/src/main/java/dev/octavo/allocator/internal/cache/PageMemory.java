package dev.octavo.allocator.internal.cache;

import org.jspecify.annotations.Nullable;

/// What is to be known of the memory behind the pages.
///
/// @param zeroFrom from this page on all memory is zero at first, at least 0
/// @param granule how many pages make the smallest piece that can go back to the system, a power of
///   two; pieces are aligned to it
/// @param step no more pages than this, or one unit, go back at once, as others may have to wait
/// @param back where pages go back to the system, or null if they cannot
public record PageMemory(long zeroFrom, int granule, int step, @Nullable Back back) {

  /// Nothing is known and nothing goes back.
  public static final PageMemory NONE = new PageMemory(Long.MAX_VALUE, 1, 1, null);

  /// Gives the memory of pages back to the system; it is zero afterwards.
  @FunctionalInterface
  public interface Back {
    /// Gives back pages that nobody else can allocate before it returns.
    ///
    /// @return false if the system refused; it is not asked again
    boolean give(int page, int pages);
  }

  /// Marks for the units of a new region, or null if nobody would look at them.
  @Nullable UnitMarks marksFor(int pageCount) {
    return back == null && zeroFrom >= pageCount
        ? null
        : new UnitMarks(pageCount, granule, (int) Math.min(zeroFrom, pageCount));
  }
}
