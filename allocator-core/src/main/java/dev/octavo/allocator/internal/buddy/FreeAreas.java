package dev.octavo.allocator.internal.buddy;

/// What is free, as counted at one moment; exact if no other call runs. Immutable.
public final class FreeAreas {

  private final long[] blocks;
  private final long pages;
  private final long largestRun;

  private FreeAreas(long[] blocks, long largestRun) {
    this.blocks = blocks;
    this.largestRun = largestRun;
    long sum = 0;
    for (int order = 0; order < blocks.length; order++) {
      sum += blocks[order] << order;
    }
    pages = sum;
  }

  /// The free areas of an imagined region, none of its blocks side by side.
  public static FreeAreas ofBlocks(long... blocks) {
    long largest = 0;
    for (int order = 0; order < blocks.length; order++) {
      largest = blocks[order] > 0 ? 1L << order : largest;
    }
    return new FreeAreas(blocks.clone(), largest);
  }

  static FreeAreas of(BuddyTree tree) {
    Geometry geometry = tree.geometry();
    long[] blocks = new long[geometry.maxOrder() + 1];
    for (int l = 0; l < tree.levelCount(); l++) {
      count(tree, l, blocks);
    }
    return new FreeAreas(blocks, tree.runs().largest(tree.common().stripe()));
  }

  private static void count(BuddyTree tree, int l, long[] blocks) {
    Geometry geometry = tree.geometry();
    Level level = tree.level(l);
    Stripe stripe = tree.common().stripe();
    int lowestOrder = l * geometry.radixLog2();
    int largest = Math.min(geometry.radixLog2(), geometry.maxOrder() - lowestOrder);
    for (int word = level.next(0, level.wordCount(), 0, stripe);
        word >= 0;
        word = level.next(word + 1, level.wordCount(), 0, stripe)) {
      long value = level.word(word);
      for (int s = 0; s < largest; s++) {
        blocks[lowestOrder + s] += Long.bitCount(WordRuns.freeBlockStarts(value, s));
      }
      blocks[lowestOrder + largest] += Long.bitCount(WordRuns.blockStarts(value, largest));
    }
  }

  /// The largest order, 0..30.
  public int maxOrder() {
    return blocks.length - 1;
  }

  /// How many free blocks of this order are no part of a larger one.
  public long blocks(int order) {
    return blocks[order];
  }

  /// The free blocks by order, a copy.
  public long[] blocks() {
    return blocks.clone();
  }

  /// Free pages.
  public long pages() {
    return pages;
  }

  /// The longest run of free pages, whatever its alignment.
  public long largestRun() {
    return largestRun;
  }
}
