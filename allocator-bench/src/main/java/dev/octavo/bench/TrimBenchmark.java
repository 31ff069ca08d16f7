package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/// Exact sizes in the two ways there are: asked for, or trimmed from a block.
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class TrimBenchmark {

  private static final int BLOCK_PAGES = 64;
  private static final int EXACT_PAGES = 33;

  private PageAllocator allocator;

  /// Opens a word, so that the block next to it is not merged away each time.
  @Setup
  public void open() {
    allocator = Region.ofPages(1 << 20);
    allocator.allocatePageRun(BLOCK_PAGES);
  }

  /// 33 pages, asked for.
  @Benchmark
  public long exact() {
    long page = allocator.allocatePageRun(EXACT_PAGES);
    allocator.freePageRun(page, EXACT_PAGES);
    return page;
  }

  /// A block of 64 pages, cut to 33.
  @Benchmark
  public long trimmed() {
    long page = allocator.allocatePageRun(BLOCK_PAGES);
    allocator.trimPageRun(page, BLOCK_PAGES, EXACT_PAGES);
    allocator.freePageRun(page, EXACT_PAGES);
    return page;
  }
}
