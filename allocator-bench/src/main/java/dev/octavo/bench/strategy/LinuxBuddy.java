package dev.octavo.bench.strategy;

/// Linux's page allocation policy without its per-CPU caches and without mobility grouping: one
/// list of free blocks an order, last in first out, under one lock.
///
/// A request takes the first block of the smallest sufficient order and its lowest part. A freed
/// block goes to the front of its list (its pages are still in the CPU's cache), but to the back if
/// the buddy of its parent is free (mm/page_alloc.c, `buddy_merge_likely`). The lists of a new
/// region ascend by address. 9 bytes of metadata a page.
public final class LinuxBuddy extends LockedBuddy {
  /// The largest order of the kernel's own page allocator.
  public static final int LINUX_MAX_ORDER = 10;

  private final FreeLists lists;

  /// Makes a region of free pages with orders 0..10.
  public LinuxBuddy(int pageCount) {
    this(pageCount, LINUX_MAX_ORDER);
  }

  /// Makes a region of free pages with orders 0..maxOrder.
  ///
  /// @throws IllegalArgumentException if `pageCount` is not positive or `maxOrder` not in 0..30
  public LinuxBuddy(int pageCount, int maxOrder) {
    super(pageCount, maxOrder);
    lists = new FreeLists(pageCount, maxOrder + 1);
    freeEverything();
  }

  @Override
  public String name() {
    return "linux";
  }

  @Override
  int take(int order, Mobility mobility) {
    for (int from = order; from <= maxOrder; from++) {
      int page = lists.first(from);
      if (page >= 0) {
        return takeFrom(page, from, order);
      }
    }
    return (int) NO_PAGE;
  }

  @Override
  void insert(int page, int order, boolean last) {
    if (last) {
      lists.addLast(order, page);
    } else {
      lists.addFirst(order, page);
    }
  }

  @Override
  void remove(int page, int order) {
    lists.remove(order, page);
  }
}
