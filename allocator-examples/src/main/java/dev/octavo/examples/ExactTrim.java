package dev.octavo.examples;

import dev.octavo.allocator.BuddyInfo;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// The 132 KiB case, acted out: what an allocator of 64 pages has left after one odd request.
///
/// @param byteSize what was asked for
/// @param firstPage where the allocation starts
/// @param usedPages pages it costs
/// @param freeBlocks free blocks by order right after
record ExactTrim(long byteSize, long firstPage, long usedPages, List<Long> freeBlocks) {
  /// 32 pages and one more: just above a power of two.
  static final long REQUEST_BYTES = 132 << 10;

  static final int PAGE_SIZE = 4096;

  /// The power-of-two block that a plain buddy system would have taken, and the allocator's size.
  static final int BLOCK_PAGES = 64;

  /// Allocates 132 KiB on a new allocator of 64 pages of 4 KiB and reports what is seen.
  static ExactTrim observe() {
    long capacity = (long) BLOCK_PAGES * PAGE_SIZE;
    try (PageAllocator pages =
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .capacity(capacity)
            .pageSize(PAGE_SIZE)
            .build()) {
      MemorySegment everything = pages.allocate(capacity);
      long base = everything.address();
      pages.free(everything);
      MemorySegment odd = pages.allocate(REQUEST_BYTES);
      BuddyInfo after = pages.buddyInfo();
      List<Long> counts = new ArrayList<>();
      for (long count : after.freeBlocks()) {
        counts.add(count);
      }
      long firstPage = (odd.address() - base) / PAGE_SIZE;
      pages.free(odd);
      return new ExactTrim(odd.byteSize(), firstPage, after.allocatedPages(), counts);
    }
  }

  /// Returns the pages that are free beside the allocation.
  long givenBackPages() {
    long pages = 0;
    for (int order = 0; order < freeBlocks.size(); order++) {
      pages += freeBlocks.get(order) << order;
    }
    return pages;
  }

  /// Returns the order of every free block, smallest first.
  List<Integer> givenBackOrders() {
    List<Integer> orders = new ArrayList<>();
    for (int order = 0; order < freeBlocks.size(); order++) {
      for (long i = 0; i < freeBlocks.get(order); i++) {
        orders.add(order);
      }
    }
    return orders;
  }
}
