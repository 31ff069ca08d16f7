package dev.octavo.bench.peer;

import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.PageStrategy;

/// Linux's policy under one lock: page numbers only, sizes rounded up to a power of two, frees
/// trusted.
final class LockedBuddyPeer implements Peer {
  private final PageStrategy strategy;

  LockedBuddyPeer(long capacity) {
    strategy = new LinuxBuddy(Sizes.pages(capacity));
  }

  @Override
  public Slots slots(int count) {
    return new Blocks(strategy, count);
  }

  @Override
  public boolean hasMemory() {
    return false;
  }

  private static final class Blocks implements Slots {
    private final PageStrategy strategy;
    private final long[] pages;

    Blocks(PageStrategy strategy, int count) {
      this.strategy = strategy;
      pages = new long[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      long page = strategy.allocate(Sizes.order(byteSize));
      if (page == PageStrategy.NO_PAGE) {
        throw new IllegalStateException("peer has no memory left: byteSize=" + byteSize);
      }
      pages[slot] = page;
    }

    @Override
    public void free(int slot, long byteSize) {
      strategy.free(pages[slot], Sizes.order(byteSize));
    }

    @Override
    public long address(int slot) {
      return pages[slot] * Sizes.PAGE_BYTES;
    }
  }
}
