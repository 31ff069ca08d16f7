package dev.octavo.bench.strategy;

import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/// The textbook buddy system under one lock: split and merge live here, the choice among free
/// blocks is a subclass's policy.
///
/// Every method called under the lock says so by being package-private; the public ones take it.
abstract class LockedBuddy implements PageStrategy {
  private static final byte NOT_A_HEAD = -1;

  final int pageCount;
  final int maxOrder;

  private final ReentrantLock lock = new ReentrantLock();

  /// The order of the free block whose first page this is, or -1.
  private final byte[] freeOrder;

  private final long[] freeBlocks;

  LockedBuddy(int pageCount, int maxOrder) {
    if (pageCount < 1) {
      throw new IllegalArgumentException("page count must be positive: pageCount=" + pageCount);
    }
    if (maxOrder < 0 || maxOrder > 30) {
      throw new IllegalArgumentException("max order must be in 0..30: maxOrder=" + maxOrder);
    }
    this.pageCount = pageCount;
    this.maxOrder = maxOrder;
    freeOrder = new byte[pageCount];
    freeBlocks = new long[maxOrder + 1];
    Arrays.fill(freeOrder, NOT_A_HEAD);
  }

  /// Chooses and detaches a block of 2^order pages; returns its first page or [#NO_PAGE].
  abstract int take(int order, Mobility mobility);

  /// Puts a free block where the policy keeps it; `last`: behind the others of its order.
  abstract void insert(int page, int order, boolean last);

  /// Takes a free block from where [#insert] put it.
  abstract void remove(int page, int order);

  /// Told before a free block joins its buddy, which has been detached.
  void joining(int page, int buddy, int order) {}

  /// Frees the whole region as the largest blocks that fit, lowest address first.
  final void freeEverything() {
    int page = 0;
    while (page < pageCount) {
      int alignment = page == 0 ? maxOrder : Integer.numberOfTrailingZeros(page);
      int fitting = 31 - Integer.numberOfLeadingZeros(pageCount - page);
      int order = Math.min(maxOrder, Math.min(alignment, fitting));
      attach(page, order, true);
      page += 1 << order;
    }
  }

  @Override
  public final long allocate(int order) {
    return allocate(order, Mobility.MOVABLE);
  }

  @Override
  public final long allocate(int order, Mobility mobility) {
    Orders.check(order, maxOrder);
    lock.lock();
    try {
      return take(order, mobility);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final void free(long page, int order) {
    Orders.check(order, maxOrder);
    lock.lock();
    try {
      release((int) page, order);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final long[] freeBlocks() {
    lock.lock();
    try {
      return freeBlocks.clone();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public final long pageCount() {
    return pageCount;
  }

  @Override
  public final int maxOrder() {
    return maxOrder;
  }

  /// Detaches a free block and cuts it down to 2^order pages: the lowest part is returned, the
  /// upper halves stay free.
  final int takeFrom(int page, int fromOrder, int order) {
    detach(page, fromOrder);
    for (int o = fromOrder - 1; o >= order; o--) {
      attach(page + (1 << o), o, false);
    }
    return page;
  }

  /// Returns the order of the free block that starts at this page, or -1.
  final int freeOrderAt(int page) {
    return freeOrder[page];
  }

  private void release(int page, int order) {
    int head = page;
    int o = order;
    while (o < maxOrder && isFree(head ^ (1 << o), o)) {
      int buddy = head ^ (1 << o);
      detach(buddy, o);
      joining(head, buddy, o);
      head &= buddy;
      o++;
    }
    attach(head, o, isMergeLikely(head, o));
  }

  /// Says whether the buddy of the block's parent is free: if so the block is kept for last, since
  /// the return of its own buddy would make a block four times as large.
  private boolean isMergeLikely(int page, int order) {
    if (order >= maxOrder - 1) {
      return false;
    }
    int parent = page & ~(1 << order);
    return isFree(parent ^ (1 << (order + 1)), order + 1);
  }

  /// A block that crosses the end of the region is never free, so its head is never marked.
  private boolean isFree(int page, int order) {
    return page < pageCount && freeOrder[page] == order;
  }

  private void attach(int page, int order, boolean last) {
    freeOrder[page] = (byte) order;
    freeBlocks[order]++;
    insert(page, order, last);
  }

  private void detach(int page, int order) {
    freeOrder[page] = NOT_A_HEAD;
    freeBlocks[order]--;
    remove(page, order);
  }
}
