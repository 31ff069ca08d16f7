package dev.octavo.examples;

import dev.octavo.bench.strategy.PageStrategy;
import java.util.Arrays;
import java.util.BitSet;

/// Where LLFree places single pages (USENIX ATC'23), as far as one core is concerned: a simulation
/// of the rule, without its data structures.
///
/// A chunk is 512 pages, a tree 32 chunks. The core reserves a tree and takes pages from there,
/// from the row of 64 pages of the last one onward, around the tree. When the tree has none left,
/// the core reserves another, near the start of a group of trees around the last one, outward to
/// both sides: one that is less than half free and more than 1/64, else the one that is half free
/// or more, else what has pages at all; and if there is nothing near, whatever comes first, whole
/// trees included. Its option to reserve the tree of recent frees is left out.
final class LlfreeRule implements PageStrategy {

  private static final int TREE_PAGES = 32 * 512;
  private static final int ROW_PAGES = 64;
  private static final int LEAST_NEAR_TREES = 4;
  private static final int GOOD_FROM = TREE_PAGES / 64;
  private static final int GOOD_TO = TREE_PAGES / 2;

  private final int pageCount;
  private final BitSet free;
  private final int[] freeInTree;
  private int tree;
  private int row;

  /// @param pageCount a multiple of the pages of a tree, all free
  LlfreeRule(int pageCount) {
    if (pageCount % TREE_PAGES != 0) {
      throw new IllegalArgumentException("not whole trees: pageCount=" + pageCount);
    }
    this.pageCount = pageCount;
    free = new BitSet(pageCount);
    free.set(0, pageCount);
    freeInTree = new int[pageCount / TREE_PAGES];
    Arrays.fill(freeInTree, TREE_PAGES);
  }

  @Override
  public String name() {
    return "llfree's rule";
  }

  @Override
  public long pageCount() {
    return pageCount;
  }

  @Override
  public int maxOrder() {
    return 0;
  }

  @Override
  public long allocate(int order) {
    check(order);
    if (freeInTree[tree] == 0) {
      int next = nextTree();
      if (next < 0) {
        return NO_PAGE;
      }
      reserve(next);
    }
    int page = nextPage();
    row = page / ROW_PAGES;
    free.clear(page);
    freeInTree[tree]--;
    return page;
  }

  private static void check(int order) {
    if (order != 0) {
      throw new IllegalArgumentException("order out of range: order=" + order + ", max=0");
    }
  }

  private int nextPage() {
    int page = free.nextSetBit(row * ROW_PAGES);
    return page >= 0 && page < (tree + 1) * TREE_PAGES ? page : free.nextSetBit(tree * TREE_PAGES);
  }

  private void reserve(int next) {
    tree = next;
    row = next * (TREE_PAGES / ROW_PAGES);
  }

  private int nextTree() {
    int near = Math.max(freeInTree.length / 16, LEAST_NEAR_TREES);
    int start = tree & -(2 * Integer.highestOneBit(2 * near - 1));
    int best = first(start, 1, near, GOOD_FROM, GOOD_TO - 1);
    if (best < 0) {
      best = first(start, 1, near, GOOD_TO, TREE_PAGES - 1);
    }
    if (best < 0) {
      best = first(start, 1, near, 1, GOOD_FROM - 1);
    }
    return best >= 0 ? best : first(start, 0, freeInTree.length, 1, TREE_PAGES);
  }

  /// The first tree of some around `start` that has so many free pages, or -1.
  private int first(int start, int from, int to, int least, int most) {
    for (int i = from; i < to; i++) {
      int candidate = outward(start, i);
      if (freeInTree[candidate] >= least && freeInTree[candidate] <= most) {
        return candidate;
      }
    }
    return -1;
  }

  /// The trees around `start`: itself, one before, one behind, two before and so on.
  private int outward(int start, int i) {
    int distance = i % 2 == 0 ? i / 2 : -((i + 1) / 2);
    return Math.floorMod(start + distance, freeInTree.length);
  }

  @Override
  public void free(long page, int order) {
    check(order);
    free.set((int) page);
    freeInTree[(int) page / TREE_PAGES]++;
  }

  @Override
  public long[] freeBlocks() {
    return new long[] {free.cardinality()};
  }
}
