package dev.octavo.bench;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageAllocatorBuilder;
import dev.octavo.allocator.reclaim.Watermarks;

/// Regions that benchmarks share: page numbers without memory, so that only the allocator is
/// measured.
final class Region {

  private static final long PAGE_SIZE = PageAllocator.DEFAULT_PAGE_SIZE;

  private Region() {}

  /// An allocator of this many pages, nothing allocated.
  static PageAllocator ofPages(long pageCount) {
    return describe(pageCount).build();
  }

  /// An allocator of this many pages without thread caches, nothing allocated.
  static PageAllocator uncached(long pageCount) {
    return describe(pageCount).threadCache(0, 0).build();
  }

  private static PageAllocatorBuilder describe(long pageCount) {
    return PageAllocator.builder()
        .watermarks(Watermarks.none())
        .region(MemoryRegion.reserveOnly(pageCount * PAGE_SIZE));
  }
}
