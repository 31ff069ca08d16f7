package dev.octavo.allocator;

import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.Arrays;
import java.util.Objects;

/// What is free in an allocator, counted at one moment, with Linux's measures of fragmentation.
///
/// Exact if no other call runs while it is counted, else close to it. Immutable.
///
/// The indices are those of `mm/vmstat.c`, in thousandths. With n(o) free blocks of order o, F =
/// sum n(o)·2^o free pages, B = sum n(o) free blocks, S(k) = sum over o >= k of n(o)·2^(o-k):
///
/// | index of order k | no memory free | otherwise |
/// |---|---|---|
/// | fragmentation | 0 | -1000 if S(k) > 0, else 1000 - (1000 + F·1000/2^k)/B |
/// | unusable free | 1000 | (F - S(k)·2^k)·1000/F |
public final class BuddyInfo {

  private static final int PER_MILLE = 1000;
  private static final int MAX_INDEX_ORDER = 30;

  private static final int DEFAULT_PAGE_SIZE = 4096;

  private final String name;
  private final int pageSize;
  private final long pageCount;
  private final long cachedPages;
  private final FreeAreas free;
  private final Watermarks watermarks;

  BuddyInfo(
      String name,
      int pageSize,
      long pageCount,
      long cachedPages,
      FreeAreas free,
      Watermarks watermarks) {
    this.name = Objects.requireNonNull(name);
    this.pageSize = pageSize;
    this.pageCount = pageCount;
    this.cachedPages = cachedPages;
    this.free = free;
    this.watermarks = watermarks;
  }

  /// Counts of an imagined region, to try the formulas on.
  ///
  /// @param freeBlocks free blocks by order, for orders 0 to 30 at most; copied
  /// @return the counts as a `BuddyInfo` of pages of 4 KiB, nothing allocated
  /// @throws IllegalArgumentException if there is no order or one above 30, or a count below 0 or
  ///   above 2^30
  public static BuddyInfo ofFreeBlocks(long... freeBlocks) {
    Checks.range("orders", freeBlocks.length, 1, MAX_INDEX_ORDER + 1L);
    for (long blocks : freeBlocks) {
      Checks.range("free blocks", blocks, 0, 1L << MAX_INDEX_ORDER);
    }
    FreeAreas free = FreeAreas.ofBlocks(freeBlocks);
    return new BuddyInfo("none", DEFAULT_PAGE_SIZE, free.pages(), 0, free, Watermarks.none());
  }

  /// The allocator's name.
  ///
  /// @return the name
  public String name() {
    return name;
  }

  /// The size of a page.
  ///
  /// @return bytes
  public int pageSize() {
    return pageSize;
  }

  /// The capacity.
  ///
  /// @return pages
  public long pageCount() {
    return pageCount;
  }

  /// What is free, whatever thread it is kept by.
  ///
  /// @return pages
  public long freePages() {
    return free.pages();
  }

  /// What of the free pages threads kept to themselves when this was counted, as far as that can be
  /// told while they run. Counting made them give it back.
  ///
  /// @return pages
  public long cachedPages() {
    return cachedPages;
  }

  /// At which amounts of free memory the allocator reclaims and keeps a reserve.
  ///
  /// @return the watermarks
  public Watermarks watermarks() {
    return watermarks;
  }

  /// What is allocated.
  ///
  /// @return pages
  public long allocatedPages() {
    return pageCount - free.pages();
  }

  /// The largest order.
  ///
  /// @return 0..30
  public int maxOrder() {
    return free.maxOrder();
  }

  /// The free area of one order: its blocks that are not part of a larger free block.
  ///
  /// @param order 0..maxOrder
  /// @return how many
  /// @throws IllegalArgumentException if `order` is out of range
  public long freeBlocks(int order) {
    checkOrder(order, maxOrder());
    return free.blocks(order);
  }

  /// The free areas of all orders.
  ///
  /// @return blocks by order, a copy
  public long[] freeBlocks() {
    return free.blocks();
  }

  /// The longest run of free pages, at any alignment.
  ///
  /// @return pages
  public long largestFreeRun() {
    return free.largestRun();
  }

  /// Whether a request of this order would fail for want of memory (towards 0) or because of
  /// fragmentation (towards 1000).
  ///
  /// @param order 0..30
  /// @return -1000 if the request would succeed, else -500..1000; below 0 only if one block is free
  /// @throws IllegalArgumentException if `order` is out of range
  public int fragmentationIndex(int order) {
    checkOrder(order, MAX_INDEX_ORDER);
    long blocks = Arrays.stream(free.blocks()).sum();
    if (blocks == 0) {
      return 0;
    }
    if (suitablePages(order) > 0) {
      return -PER_MILLE;
    }
    long inBlocks = (free.pages() * PER_MILLE) >> order;
    return (int) (PER_MILLE - (PER_MILLE + inBlocks) / blocks);
  }

  /// The share of free memory that a request of this order cannot use.
  ///
  /// @param order 0..30
  /// @return 0 (all of it is usable) to 1000 (none is)
  /// @throws IllegalArgumentException if `order` is out of range
  public int unusableFreeIndex(int order) {
    checkOrder(order, MAX_INDEX_ORDER);
    if (free.pages() == 0) {
      return PER_MILLE;
    }
    return (int) ((free.pages() - suitablePages(order)) * PER_MILLE / free.pages());
  }

  private long suitablePages(int order) {
    long pages = 0;
    for (int o = order; o <= maxOrder(); o++) {
      pages += free.blocks(o) << o;
    }
    return pages;
  }

  private static void checkOrder(int order, int maxOrder) {
    if (order < 0 || order > maxOrder) {
      throw new IllegalArgumentException(
          "order out of range: order=" + order + ", maxOrder=" + maxOrder);
    }
  }

  /// One line in the form of Linux's /proc/buddyinfo: the number of free blocks by order.
  ///
  /// @return for example `Node 0, zone octavo 1 0 3`
  public String toBuddyinfoLine() {
    StringBuilder line = new StringBuilder("Node 0, zone %8s".formatted(name));
    for (long blocks : free.blocks()) {
      line.append(" %6d".formatted(blocks));
    }
    return line.toString();
  }

  @Override
  public String toString() {
    return toBuddyinfoLine();
  }
}
