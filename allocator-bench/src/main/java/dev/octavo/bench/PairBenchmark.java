package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// Allocate a run and free it at once, on a region of 4 GiB of which every third page of the first
/// 64 MiB is taken: single pages find an opened word, longer runs split and merge a unit each time.
@State(Scope.Benchmark)
public class PairBenchmark extends AverageTimeBenchmark {

  private static final long PAGES = 1 << 20;
  private static final int TAKEN = 1 << 14;

  /// The length of the run in pages; 33 pages of 4 KiB are 132 KiB.
  @Param({"1", "8", "33", "64", "512"})
  private int pages;

  private PageAllocator allocator;

  /// Takes a stretch and frees two pages of three.
  @Setup
  public void open() {
    allocator = Region.ofPages(PAGES);
    for (int i = 0; i < TAKEN; i++) {
      allocator.allocatePageRun(1);
    }
    for (int page = 0; page < TAKEN; page++) {
      if (page % 3 != 0) {
        allocator.freePageRun(page, 1);
      }
    }
  }

  /// One allocation and one free.
  @Benchmark
  public long pair() {
    long page = allocator.allocatePageRun(pages);
    allocator.freePageRun(page, pages);
    return page;
  }
}
