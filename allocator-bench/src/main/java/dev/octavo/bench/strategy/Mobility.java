package dev.octavo.bench.strategy;

/// What Linux assumes about the life of a block when it groups blocks by mobility.
public enum Mobility {
  /// Stays where it is until it is freed: most of the kernel's own memory.
  UNMOVABLE(0),
  /// Can be moved by compaction: anonymous memory and the page cache.
  MOVABLE(1),
  /// Stays, but can be dropped under pressure: caches of the file system.
  RECLAIMABLE(2);

  /// How many kinds there are; their indices are below it.
  static final int COUNT = 3;

  private final int index;

  Mobility(int index) {
    this.index = index;
  }

  /// Returns a number in 0..[#COUNT] - 1 of this kind's own.
  int index() {
    return index;
  }
}
