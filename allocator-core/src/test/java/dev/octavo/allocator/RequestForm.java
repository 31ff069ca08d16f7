package dev.octavo.allocator;

import java.lang.foreign.MemorySegment;

/// Public call that asks an allocator for a number of pages and may wait for them.
enum RequestForm {
  SEGMENT,
  BLOCK,
  RUN,
  BULK,
  RUNS,
  ARENA,
  RESIZE;

  private static final int PAGE = 4096;

  /// A request that has all it needs but the pages.
  interface Asker {
    /// Asks for pages, a power of two of them; returns what frees them.
    Runnable ask(int count);
  }

  /// Prepares a request; a resize gets its first page now.
  Asker prepare(PageAllocator pages) {
    return switch (this) {
      case SEGMENT -> count -> freeing(pages, pages.allocate((long) count * PAGE));
      case BLOCK ->
          count -> freeing(pages, pages.allocatePages(Integer.numberOfTrailingZeros(count)));
      case RUN -> count -> run(pages, count);
      case BULK -> count -> bulk(pages, count);
      case RUNS -> count -> runs(pages, count);
      case ARENA -> count -> arena(pages, count);
      case RESIZE -> resize(pages, pages.allocate(PAGE));
    };
  }

  private static Runnable freeing(PageAllocator pages, MemorySegment segment) {
    return () -> pages.free(segment);
  }

  private static Runnable run(PageAllocator pages, int count) {
    long page = pages.allocatePageRun(count);
    return () -> pages.freePageRun(page, count);
  }

  private static Runnable bulk(PageAllocator pages, int count) {
    MemorySegment[] into = new MemorySegment[count];
    pages.allocateBulk(PAGE, into);
    return () -> {
      for (MemorySegment segment : into) {
        pages.free(segment);
      }
    };
  }

  private static Runnable runs(PageAllocator pages, int count) {
    long[] into = new long[count];
    pages.allocatePageRuns(1, into);
    return () -> {
      for (long page : into) {
        pages.freePageRun(page, 1);
      }
    };
  }

  private static Runnable arena(PageAllocator pages, int count) {
    PageArena arena = pages.openSharedArena();
    boolean served = false;
    try {
      arena.allocate((long) count * PAGE);
      served = true;
    } finally {
      if (!served) {
        arena.close();
      }
    }
    return arena::close;
  }

  private static Asker resize(PageAllocator pages, MemorySegment held) {
    return count -> {
      boolean served = false;
      try {
        MemorySegment moved = pages.resize(held, (long) count * PAGE);
        served = true;
        return () -> pages.free(moved);
      } finally {
        if (!served) {
          pages.free(held);
        }
      }
    };
  }
}
