package dev.octavo.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/// Runs a strategy and keeps the naive truth beside it: which pages are taken, by whom.
final class BlockLedger {
  record Block(long page, int order) {}

  final List<Block> live = new ArrayList<>();
  private final PageStrategy strategy;
  private final BitSet taken = new BitSet();

  BlockLedger(PageStrategy strategy) {
    this.strategy = strategy;
  }

  /// Allocates and checks the block against everything live: bounds, alignment, overlap.
  boolean allocate(int order, Mobility mobility) {
    long page = strategy.allocate(order, mobility);
    if (page == PageStrategy.NO_PAGE) {
      return false;
    }
    int pages = 1 << order;
    assertThat(page).isBetween(0L, strategy.pageCount() - pages);
    assertThat(page % pages).as("alignment").isZero();
    int overlap = taken.nextSetBit((int) page);
    assertThat(overlap < 0 || overlap >= page + pages).as("page %s is free", page).isTrue();
    taken.set((int) page, (int) page + pages);
    live.add(new Block(page, order));
    return true;
  }

  void free(int index) {
    Block block = live.remove(index);
    taken.clear((int) block.page(), (int) block.page() + (1 << block.order()));
    strategy.free(block.page(), block.order());
  }

  void freeAll() {
    while (!live.isEmpty()) {
      free(live.size() - 1);
    }
  }

  void checkConservation() {
    long free = Fragmentation.freePages(strategy.freeBlocks());
    assertThat(free + taken.cardinality()).as("free + taken").isEqualTo(strategy.pageCount());
  }

  /// Says whether an aligned run of 2^order free pages exists anywhere.
  boolean hasRoom(int order) {
    int pages = 1 << order;
    for (int page = 0; page + pages <= strategy.pageCount(); page += pages) {
      int next = taken.nextSetBit(page);
      if (next < 0 || next >= page + pages) {
        return true;
      }
    }
    return false;
  }
}
