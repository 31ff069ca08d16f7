package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// The two halves of [CascadeBenchmark], each alone: nanoseconds for one page split out of one
/// block of a whole region, and for the free that merges it all again. No thread caches, no memory.
///
/// 64 regions are split, or merged, one after the other; what undoes it is not measured. Reading
/// the clock adds under a nanosecond to each.
public class SplitMergeBenchmark extends AverageTimeBenchmark {

  private static final int REGIONS = 64;

  /// The regions.
  @State(Scope.Thread)
  public abstract static class Regions {

    /// The order of each region's one block: 18 is 1 GiB of 4 KiB pages.
    @Param({"6", "12", "18"})
    int order;

    private final PageAllocator[] allocators = new PageAllocator[REGIONS];
    private final long[] pages = new long[REGIONS];

    /// Makes regions that are one free block each.
    @Setup
    public void open() {
      for (int i = 0; i < REGIONS; i++) {
        allocators[i] = Region.uncached(1L << order);
      }
    }

    final void splitAll() {
      for (int i = 0; i < REGIONS; i++) {
        pages[i] = allocators[i].allocatePageRun(1);
      }
    }

    final void mergeAll() {
      for (int i = 0; i < REGIONS; i++) {
        allocators[i].freePageRun(pages[i], 1);
      }
    }
  }

  /// Regions that are whole when the measurement starts.
  public static class Whole extends Regions {

    private boolean split;

    /// Merges what the last invocation split.
    @Setup(Level.Invocation)
    public void merge() {
      if (split) {
        mergeAll();
      }
      split = true;
    }
  }

  /// Regions that are split when the measurement starts.
  public static class Split extends Regions {

    /// Splits what the last invocation merged.
    @Setup(Level.Invocation)
    public void split() {
      splitAll();
    }
  }

  /// One page out of each region.
  @Benchmark
  @OperationsPerInvocation(REGIONS)
  public void split(Whole regions) {
    regions.splitAll();
  }

  /// The page back into each region.
  @Benchmark
  @OperationsPerInvocation(REGIONS)
  public void merge(Split regions) {
    regions.mergeAll();
  }
}
