package dev.octavo.bench.peer;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;

/// Octavo's page runs, of a region without memory: no object is made.
final class OctavoRunPeer implements Peer {
  private final PageAllocator allocator;

  OctavoRunPeer(long capacity) {
    allocator = PageAllocator.builder().region(MemoryRegion.reserveOnly(capacity)).build();
  }

  @Override
  public Slots slots(int count) {
    return new Runs(allocator, count);
  }

  @Override
  public boolean hasMemory() {
    return false;
  }

  @Override
  public void close() {
    allocator.close();
  }

  private static final class Runs implements Slots {
    private final PageAllocator allocator;
    private final long[] pages;

    Runs(PageAllocator allocator, int count) {
      this.allocator = allocator;
      pages = new long[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      pages[slot] = allocator.allocatePageRun(Sizes.pages(byteSize));
    }

    @Override
    public void free(int slot, long byteSize) {
      allocator.freePageRun(pages[slot], Sizes.pages(byteSize));
    }

    @Override
    public long address(int slot) {
      return pages[slot] * Sizes.PAGE_BYTES;
    }
  }
}
