package dev.octavo.bench.strategy;

/// Figures derived from counts of free blocks, `freeBlocks[order]` blocks of 2^order pages each.
public final class Fragmentation {
  private Fragmentation() {}

  /// Returns the number of free pages.
  public static long freePages(long[] freeBlocks) {
    return freePagesFrom(freeBlocks, 0);
  }

  /// Returns the share of the free pages, 0..1, that lies in blocks smaller than 2^order pages and
  /// so is of no use to a request of that order; 1 if nothing is free.
  ///
  /// This is Linux's unusable-free index (mm/vmstat.c) without the rounding to thousandths.
  public static double unusableFreeIndex(long[] freeBlocks, int order) {
    long free = freePages(freeBlocks);
    return free == 0 ? 1.0 : (double) (free - freePagesFrom(freeBlocks, order)) / free;
  }

  private static long freePagesFrom(long[] freeBlocks, int order) {
    long pages = 0;
    for (int o = order; o < freeBlocks.length; o++) {
      pages += freeBlocks[o] << o;
    }
    return pages;
  }
}
