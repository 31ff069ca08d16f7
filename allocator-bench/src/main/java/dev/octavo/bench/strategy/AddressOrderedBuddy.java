package dev.octavo.bench.strategy;

/// A buddy system that takes the lowest address of the smallest sufficient order.
///
/// The classic remedy against fragmentation: old memory fills from the bottom and the top stays
/// whole. Costs a search of one step per factor of 64 where [LinuxBuddy] pops a list.
public final class AddressOrderedBuddy extends LockedBuddy {
  /// For each order, the free blocks by number: block n starts at page n << order.
  private final PageSet[] blocks;

  /// Makes a region of free pages with orders 0..maxOrder.
  ///
  /// @throws IllegalArgumentException if `pageCount` is not positive or `maxOrder` not in 0..30
  public AddressOrderedBuddy(int pageCount, int maxOrder) {
    super(pageCount, maxOrder);
    blocks = new PageSet[maxOrder + 1];
    for (int order = 0; order <= maxOrder; order++) {
      blocks[order] = new PageSet(pageCount >>> order);
    }
    freeEverything();
  }

  @Override
  public String name() {
    return "address-ordered";
  }

  @Override
  int take(int order, Mobility mobility) {
    for (int from = order; from <= maxOrder; from++) {
      int block = blocks[from].first();
      if (block >= 0) {
        return takeFrom(block << from, from, order);
      }
    }
    return (int) NO_PAGE;
  }

  @Override
  void insert(int page, int order, boolean last) {
    blocks[order].add(page >>> order);
  }

  @Override
  void remove(int page, int order) {
    blocks[order].remove(page >>> order);
  }
}
