package dev.octavo.allocator.internal.buddy;

/// The shape of a tree: how pages, units, words and levels relate.
///
/// Level k counts in units of `radix`^k pages; a word of level k holds `radix` units, that is one
/// unit of level k+1. With the radix of 64 that a `long` gives: level 0 counts pages, level 1
/// counts 64 pages, level 2 counts 4,096. An order o lives at level `o / radixLog2`, as an aligned
/// run of 2^`(o % radixLog2)` units in one word.
///
/// @param pageCount how many pages there are, 1..[#MAX_PAGES]
/// @param maxOrder the largest order, 0..floor(log2(pageCount))
/// @param radixLog2 log2 of the units in a word: 6, or 2 in tests, so that every path is near
public record Geometry(int pageCount, int maxOrder, int radixLog2) {

  /// A page index is an `int` and metadata are arrays: 2^30 pages, 4 TiB of 4 KiB pages.
  public static final int MAX_PAGES = 1 << 30;

  /// The radix of a `long`.
  public static final int RADIX_LOG2 = 6;

  public Geometry {
    check(pageCount >= 1 && pageCount <= MAX_PAGES, "page count", pageCount);
    check(maxOrder >= 0 && maxOrder <= largestOrder(pageCount), "max order", maxOrder);
    check(radixLog2 == RADIX_LOG2 || radixLog2 == 2, "radix log2", radixLog2);
  }

  private static void check(boolean rule, String name, int value) {
    if (!rule) {
      throw new IllegalArgumentException(name + " out of range: value=" + value);
    }
  }

  /// The largest order of which one block fits.
  public static int largestOrder(int pageCount) {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(pageCount);
  }

  /// The smallest order whose blocks hold `pages` pages.
  public static int orderFor(int pages) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(pages - 1);
  }

  public static boolean isPowerOfTwo(int pages) {
    return (pages & (pages - 1)) == 0;
  }

  /// Whether the region has a place for a run of this length and alignment, free or not.
  ///
  /// @param pages 1 or more
  /// @param alignOrder 0..62: the run's first page plus `phase` must be a multiple of
  ///   2^`alignOrder`
  /// @param phase any number; only its remainder counts
  public boolean canHold(long pages, int alignOrder, long phase) {
    long lowestFirstPage = -phase & ((1L << alignOrder) - 1);
    return lowestFirstPage <= pageCount - pages;
  }

  public int topLevel() {
    return maxOrder / radixLog2;
  }

  /// log2 of the pages in a unit of `level`.
  public int unitShift(int level) {
    return level * radixLog2;
  }

  public int unitsInWord() {
    return 1 << radixLog2;
  }

  /// How many units of `level` lie wholly inside the region.
  int wholeUnits(int level) {
    return pageCount >>> unitShift(level);
  }

  int wordCount(int level) {
    return ((pageCount - 1) >>> unitShift(level) >>> radixLog2) + 1;
  }

  /// log2 of the words in a chunk, the stretch of words that a [Slot] fills before it moves on: at
  /// level 0 eight words, 2 MiB if pages have 4 KiB; above one word.
  int chunkWordsLog2(int level) {
    return level == 0 ? radixLog2 / 2 : 0;
  }

  /// The order of a chunk of level 0.
  int chunkOrder() {
    return radixLog2 + chunkWordsLog2(0);
  }
}
