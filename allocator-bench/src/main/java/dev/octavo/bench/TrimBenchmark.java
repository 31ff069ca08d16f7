package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// Exact sizes in the two ways there are, asked for or trimmed from a block of 64 pages:
/// nanoseconds for the allocation, the trim where there is one, and the free. No memory.
public class TrimBenchmark extends AverageTimeBenchmark {

  private static final int BLOCK_PAGES = 64;
  private static final int EXACT_PAGES = 33;

  /// The region.
  @State(Scope.Thread)
  public static class Pages {

    private PageAllocator allocator;

    /// Opens a word, so that the block next to it is not merged away each time.
    @Setup
    public void open() {
      allocator = Region.ofPages(1 << 20);
      allocator.allocatePageRun(BLOCK_PAGES);
    }

    private long trimmedPair(int newPages) {
      long page = allocator.allocatePageRun(BLOCK_PAGES);
      allocator.trimPageRun(page, BLOCK_PAGES, newPages);
      allocator.freePageRun(page, newPages);
      return page;
    }
  }

  /// What is left of the block.
  @State(Scope.Thread)
  public static class Sweep {

    /// Pages.
    @Param({"1", "3", "17", "33", "48", "63"})
    int newPages;
  }

  /// 33 pages, asked for.
  @Benchmark
  public long exact(Pages pages) {
    long page = pages.allocator.allocatePageRun(EXACT_PAGES);
    pages.allocator.freePageRun(page, EXACT_PAGES);
    return page;
  }

  /// A block of 64 pages, cut to 33.
  @Benchmark
  public long trimmed(Pages pages) {
    return pages.trimmedPair(EXACT_PAGES);
  }

  /// A block of 64 pages, cut to each of several lengths.
  @Benchmark
  public long sweep(Pages pages, Sweep sweep) {
    return pages.trimmedPair(sweep.newPages);
  }
}
