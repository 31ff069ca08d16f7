package dev.octavo.bench.strategy;

import dev.octavo.allocator.PageAllocator;

/// Octavo's page runs behind the common face: a block of 2^order pages is a run of as many pages
/// with as great an alignment. The allocator stays the caller's, who closes it.
public final class OctavoStrategy implements PageStrategy {
  private final PageAllocator allocator;
  private final int maxOrder;

  /// Wraps an allocator.
  public OctavoStrategy(PageAllocator allocator) {
    this.allocator = allocator;
    maxOrder = allocator.maxOrder();
  }

  @Override
  public String name() {
    return "octavo";
  }

  @Override
  public long pageCount() {
    return allocator.pageCount();
  }

  @Override
  public int maxOrder() {
    return maxOrder;
  }

  @Override
  public long allocate(int order) {
    Orders.check(order, maxOrder);
    int pages = 1 << order;
    return allocator.tryAllocatePageRun(pages, pages);
  }

  @Override
  public void free(long page, int order) {
    Orders.check(order, maxOrder);
    allocator.freePageRun(page, 1 << order);
  }

  @Override
  public long[] freeBlocks() {
    return allocator.buddyInfo().freeBlocks();
  }
}
