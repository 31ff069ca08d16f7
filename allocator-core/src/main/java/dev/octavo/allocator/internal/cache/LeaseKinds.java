package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.Geometry;

/// Which words an owner may hold, and which requests each serves.
///
/// The lower and the upper half of the orders of levels 0 and 1 have a lease each, and so have runs
/// whose length is no power of two and that fit into a word of pages. With a small limit, some
/// share one.
final class LeaseKinds {

  static final int SMALL = 0;
  static final int MEDIUM = 1;
  static final int RUNS = 2;
  static final int LARGE = 3;
  static final int HUGE = 4;

  /// How many leases an owner may have.
  static final int COUNT = 5;

  private static final int NONE = -1;
  private static final int NIBBLE_BITS_LOG2 = 2;
  private static final int NIBBLE_MASK = 15;
  private static final int ORDERS = Long.SIZE >>> NIBBLE_BITS_LOG2;

  private final int radixLog2;
  private final int ofPages;
  private final int ofUnits;
  private final int ofRuns;

  /// Lease plus one by order, a nibble each.
  private final long byOrder;

  private LeaseKinds(Geometry geometry, int ofPages, int ofUnits) {
    radixLog2 = geometry.radixLog2();
    this.ofPages = ofPages;
    this.ofUnits = ofUnits;
    ofRuns = ofPages == 0 ? NONE : Math.min(RUNS, ofPages - 1);
    long table = 0;
    for (int order = Math.min(geometry.maxOrder(), 2 * radixLog2 - 1); order >= 0; order--) {
      boolean upper = order % radixLog2 >= radixLog2 / 2;
      int lease = order < radixLog2 ? shared(SMALL, upper, ofPages) : shared(LARGE, upper, ofUnits);
      table |= (lease + 1L) << (order << NIBBLE_BITS_LOG2);
    }
    byOrder = table;
  }

  private static int shared(int lower, boolean upper, int count) {
    return count == 0 ? NONE : upper && count > 1 ? lower + 1 : lower;
  }

  /// As many leases as hold no more than so many pages.
  static LeaseKinds within(Geometry geometry, int pages) {
    int wordPages = geometry.unitsInWord();
    int ofPages = Math.min(pages / wordPages, LARGE);
    int rest = pages - ofPages * wordPages;
    int ofUnits = Math.min(rest / (wordPages * wordPages), COUNT - LARGE);
    return new LeaseKinds(geometry, ofPages, geometry.topLevel() == 0 ? 0 : ofUnits);
  }

  /// The most pages that these leases can hold.
  int mostPages() {
    return (ofPages << radixLog2) + (ofUnits << (2 * radixLog2));
  }

  /// For [#leaseOf(long, int)].
  long byOrder() {
    return byOrder;
  }

  /// The lease that serves blocks of an order, or -1.
  static int leaseOf(long byOrder, int order) {
    return order >= ORDERS
        ? NONE
        : ((int) (byOrder >>> (order << NIBBLE_BITS_LOG2)) & NIBBLE_MASK) - 1;
  }

  private int leaseOf(int order) {
    return leaseOf(byOrder, order);
  }

  /// The lease that serves runs whose length is no power of two, or -1.
  int leaseOfRuns() {
    return ofRuns;
  }

  /// The lease that serves such runs, or -1.
  int leaseFor(int pages, int alignOrder) {
    if (!Geometry.isPowerOfTwo(pages)) {
      return pages < 1 << radixLog2 && alignOrder < radixLog2 ? ofRuns : NONE;
    }
    int lease = leaseOf(Math.max(Geometry.orderFor(pages), alignOrder));
    return lease >= 0 && pages >>> unitShift(lease) > 0 ? lease : NONE;
  }

  /// The level of the word of a lease.
  static int level(int lease) {
    return lease < LARGE ? 0 : 1;
  }

  /// log2 of the pages in a unit of the word.
  int unitShift(int lease) {
    return lease < LARGE ? 0 : radixLog2;
  }
}
