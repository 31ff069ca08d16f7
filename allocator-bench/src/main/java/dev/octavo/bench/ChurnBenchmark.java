package dev.octavo.bench;

import dev.octavo.bench.strategy.PageStrategy;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/// Random churn on a region of 1 GiB that is half full: each thread frees a block of its own,
/// chosen at random, and allocates one.
public class ChurnBenchmark extends AverageTimeBenchmark {

  private static final int REGION_ORDER = 18;

  /// The region, shared by all threads.
  @State(Scope.Benchmark)
  public static class Shared {

    /// Whose policy.
    @Param({"octavo", "linux", "address-ordered"})
    String strategy;

    /// The order of all blocks.
    @Param({"0", "3", "9"})
    int order;

    PageStrategy pages;

    /// Makes the region.
    @Setup
    public void open() {
      pages = Strategies.open(strategy, REGION_ORDER);
    }
  }

  /// What one thread holds.
  @State(Scope.Thread)
  public static class Mine {

    private static final AtomicInteger THREADS = new AtomicInteger();

    private final SplittableRandom random = new SplittableRandom(THREADS.incrementAndGet());
    private long[] live;

    /// Takes this thread's part of half of the region.
    @Setup
    public void fill(Shared shared, ThreadParams threads) {
      live = new long[(1 << REGION_ORDER >> shared.order) / 2 / threads.getThreadCount()];
      for (int i = 0; i < live.length; i++) {
        live[i] = shared.pages.allocate(shared.order);
      }
    }
  }

  /// One free and one allocation.
  @Benchmark
  public long replace(Shared shared, Mine mine) {
    int victim = mine.random.nextInt(mine.live.length);
    shared.pages.free(mine.live[victim], shared.order);
    long page = shared.pages.allocate(shared.order);
    mine.live[victim] = page;
    return page;
  }
}
