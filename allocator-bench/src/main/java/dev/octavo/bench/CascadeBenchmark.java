package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// The longest way: a page is split out of one block that is the whole region, through all levels,
/// and its free merges all of them again. Nanoseconds for both, of page numbers without memory.
///
/// With thread caches the page stays with the thread and nothing is split or merged after the first
/// time; that is what users see, `off` is what a cascade costs.
@State(Scope.Thread)
public class CascadeBenchmark extends AverageTimeBenchmark {

  /// The order of the region's one block: 18 is 1 GiB of 4 KiB pages, 28 is 1 TiB.
  @Param({"6", "12", "18", "28"})
  private int order;

  /// Whether threads may cache: `on` as by default, `off` not at all.
  @Param({"on", "off"})
  private String cache;

  private PageAllocator allocator;

  /// Makes a region that is one free block.
  @Setup
  public void open() {
    long pageCount = 1L << order;
    allocator = cache.equals("on") ? Region.ofPages(pageCount) : Region.uncached(pageCount);
  }

  /// Splits all the way down and merges all the way up.
  @Benchmark
  public long splitAndMerge() {
    long page = allocator.allocatePageRun(1);
    allocator.freePageRun(page, 1);
    return page;
  }
}
