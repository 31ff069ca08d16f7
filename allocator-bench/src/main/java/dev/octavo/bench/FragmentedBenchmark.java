package dev.octavo.bench;

import dev.octavo.bench.strategy.PageStrategy;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/// What fragmentation costs those who allocate and free: 1 GiB of page numbers, half of it free,
/// without memory.
public class FragmentedBenchmark extends AverageTimeBenchmark {

  private static final int REGION_ORDER = 18;
  private static final int HALF_PAGES = 1 << (REGION_ORDER - 1);
  private static final int BURST = 64;

  /// A region in a given state.
  @State(Scope.Benchmark)
  public static class Fragmented {

    /// Whose policy.
    @Param({"octavo", "linux", "address-ordered"})
    String strategy;

    /// The order of the blocks that are allocated and freed.
    @Param({"0", "3", "9"})
    int order;

    /// The share of the free pages that lies in blocks of less than 2^9 pages.
    @Param({"0.25", "0.5", "0.9"})
    double index;

    private PageStrategy pages;

    /// Makes the region.
    @Setup
    public void open() {
      pages = Strategies.open(strategy, REGION_ORDER);
      new Fragmenter(pages).freeHalf(index);
    }
  }

  /// A region of which every second page is free, whenever it is asked for.
  @State(Scope.Thread)
  public abstract static class Checkerboard {

    /// Whose policy.
    @Param({"octavo", "linux", "address-ordered"})
    String strategy;

    PageStrategy pages;
    Fragmenter fragmenter;

    /// Makes the region.
    @Setup
    public final void make() {
      pages = Strategies.open(strategy, REGION_ORDER);
      fragmenter = new Fragmenter(pages);
      fragmenter.freeEven();
    }
  }

  /// A checkerboard that fills up and is emptied again.
  public static class Filling extends Checkerboard {

    private int left = HALF_PAGES;

    /// Frees the even pages again when all are taken.
    @Setup(Level.Invocation)
    public void makeRoom() {
      if (left == 0) {
        fragmenter.freeEven();
        left = HALF_PAGES;
      }
    }
  }

  /// A checkerboard that is used once.
  public static class Fresh extends Checkerboard {

    /// Makes another region.
    @Setup(Level.Invocation)
    public void makeAnother() {
      make();
    }
  }

  /// A block of an order, allocated and freed: nanoseconds for both.
  @Benchmark
  public long pair(Fragmented region) {
    long page = region.pages.allocate(region.order);
    region.pages.free(page, region.order);
    return page;
  }

  /// Single pages out of the checkerboard until it is full: nanoseconds for each allocation.
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(BURST)
  public long checkerboard(Filling region) {
    long last = 0;
    for (int i = 0; i < BURST; i++) {
      last = region.pages.allocate(0);
    }
    region.left -= BURST;
    return last;
  }

  /// The other pages are freed and the whole region is allocated as one block: nanoseconds for each
  /// page freed, the block included.
  @Benchmark
  @BenchmarkMode(Mode.SingleShotTime)
  @Warmup(iterations = 10)
  @Measurement(iterations = 20)
  @Threads(1)
  @OperationsPerInvocation(HALF_PAGES)
  public long recovery(Fresh region) {
    region.fragmenter.freeOdd();
    return region.pages.allocate(REGION_ORDER);
  }
}
