package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// The longest way: a page is split out of one block that is the whole region, through all levels,
/// and its free merges all of them again.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class CascadeBenchmark {

  /// The order of the region's one block: 18 is 1 GiB of 4 KiB pages, 28 is 1 TiB.
  @Param({"6", "12", "18", "28"})
  private int order;

  private PageAllocator allocator;

  /// Makes a region that is one free block.
  @Setup
  public void open() {
    allocator = Region.ofPages(1L << order);
  }

  /// Splits all the way down and merges all the way up.
  @Benchmark
  public long splitAndMerge() {
    long page = allocator.allocatePageRun(1);
    allocator.freePageRun(page, 1);
    return page;
  }
}
