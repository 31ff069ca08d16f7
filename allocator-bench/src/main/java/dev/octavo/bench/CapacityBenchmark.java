package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What the size of the region costs: page runs of 4 KiB on page numbers without memory, in
/// nanoseconds for an allocation and a free.
@State(Scope.Thread)
public class CapacityBenchmark extends AverageTimeBenchmark {

  private static final int LIVE = 8192;
  private static final long PAGES_PER_MIB = 256;

  /// The size of the region in bytes.
  @Param({"64m", "1g", "64g", "1t"})
  private String capacity;

  private final Victims victims = new Victims(LIVE);
  private final long[] live = new long[LIVE];
  private PageAllocator allocator;

  /// Makes the region and the live set, which lies there for the pairs, too.
  @Setup
  public void open() {
    long mib =
        switch (capacity) {
          case "64m" -> 64;
          case "1g" -> 1 << 10;
          case "64g" -> 64 << 10;
          case "1t" -> 1 << 20;
          default -> throw new IllegalArgumentException("unknown capacity: name=" + capacity);
        };
    allocator = Region.ofPages(mib * PAGES_PER_MIB);
    for (int slot = 0; slot < LIVE; slot++) {
      live[slot] = allocator.allocatePageRun(1);
    }
  }

  /// Allocates a page and frees it at once.
  @Benchmark
  public long pair() {
    long page = allocator.allocatePageRun(1);
    allocator.freePageRun(page, 1);
    return page;
  }

  /// Frees a random page of 8,192 and allocates one.
  @Benchmark
  public long liveSet() {
    int slot = victims.next();
    allocator.freePageRun(live[slot], 1);
    long page = allocator.allocatePageRun(1);
    live[slot] = page;
    return page;
  }
}
