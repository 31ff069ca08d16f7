package dev.octavo.bench;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;

/// Regions that benchmarks share: page numbers without memory, so that only the allocator is
/// measured.
final class Region {

  private static final long PAGE_SIZE = PageAllocator.DEFAULT_PAGE_SIZE;

  private Region() {}

  /// An allocator of this many pages, nothing allocated.
  static PageAllocator ofPages(long pageCount) {
    return PageAllocator.builder().region(MemoryRegion.reserveOnly(pageCount * PAGE_SIZE)).build();
  }
}
