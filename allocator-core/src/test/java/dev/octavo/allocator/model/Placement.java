package dev.octavo.allocator.model;

/// Where the model places a run, and by which part of the rule.
///
/// @param page the first page
/// @param way which part of the placement rule found it
/// @param level the level whose free block was taken, 0 for the ways that look for runs
public record Placement(int page, Way way, int level) {

  /// The parts of the placement rule, in the order in which they are tried.
  public enum Way {
    /// The lowest fitting place in the window of the slot's last run.
    WINDOW,
    /// The first block of a slot, where its home is from then on.
    SETTLE,
    /// A block in an opened word of the chunk that the slot last used at this level.
    CHUNK,
    /// A unit of that chunk that the level above owns.
    CHUNK_UNIT,
    /// A block at or after the slot's home chunk.
    HOME,
    /// A block before the home chunk.
    LOWEST,
    /// The lowest fitting place of the region.
    FIRST_FIT
  }
}
