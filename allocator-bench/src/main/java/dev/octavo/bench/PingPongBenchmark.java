package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// A block of each order is split out of one block of order 18 (1 GiB) and merged back: nanoseconds
/// for both. No thread caches, no memory.
@State(Scope.Thread)
public class PingPongBenchmark extends AverageTimeBenchmark {

  private static final int REGION_ORDER = 18;

  /// The order of the block; 18 is the whole region, where nothing is left to split.
  @Param({
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16",
    "17", "18"
  })
  private int order;

  private int pages;
  private PageAllocator allocator;

  /// Makes a region that is one free block.
  @Setup
  public void open() {
    pages = 1 << order;
    allocator = Region.uncached(1L << REGION_ORDER);
  }

  /// One split and one merge.
  @Benchmark
  public long splitAndMerge() {
    long page = allocator.allocatePageRun(pages, pages);
    allocator.freePageRun(page, pages);
    return page;
  }
}
