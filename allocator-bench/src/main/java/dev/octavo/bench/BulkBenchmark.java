package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Single pages, 64 at once, until a region is full: nanoseconds a page, of the allocation alone.
/// They are freed one by one outside of what is measured, so each time the region is one free block
/// again. The memory is not touched.
public class BulkBenchmark extends AverageTimeBenchmark {

  private static final int BULK = 64;
  private static final int RUN_PAGES = 1 << 20;
  private static final int SEGMENT_PAGES = 1 << 16;
  private static final long PAGE_BYTES = 4096;

  /// 4 GiB of page numbers.
  @State(Scope.Thread)
  public static class Runs {

    private final long[] bulk = new long[BULK];
    private PageAllocator allocator;

    /// Makes the region.
    @Setup
    public void open() {
      allocator = Region.ofPages(RUN_PAGES);
    }

    /// Frees all, by number.
    @TearDown(Level.Invocation)
    public void free() {
      freeAll(allocator);
    }
  }

  /// 256 MiB of real memory.
  @State(Scope.Thread)
  public static class Segments {

    private final MemorySegment[] bulk = new MemorySegment[BULK];
    private PageAllocator allocator;

    /// Makes the region.
    @Setup
    public void open() {
      allocator =
          PageAllocator.builder()
              .watermarks(Watermarks.none())
              .capacity(SEGMENT_PAGES * PAGE_BYTES)
              .build();
    }

    /// Frees all, by number.
    @TearDown(Level.Invocation)
    public void free() {
      freeAll(allocator);
    }

    /// Gives the memory back.
    @TearDown
    public void close() {
      allocator.close();
    }
  }

  private static void freeAll(PageAllocator allocator) {
    for (long page = 0; page < allocator.pageCount(); page++) {
      allocator.freePageRun(page, 1);
    }
  }

  /// Page runs into an array of 64.
  @Benchmark
  @OperationsPerInvocation(RUN_PAGES)
  public long pages64(Runs runs) {
    for (int i = 0; i < RUN_PAGES / BULK; i++) {
      runs.allocator.allocatePageRuns(1, runs.bulk);
    }
    return runs.bulk[0];
  }

  /// Segments of 4 KiB into an array of 64.
  @Benchmark
  @OperationsPerInvocation(SEGMENT_PAGES)
  public MemorySegment segments64(Segments segments) {
    for (int i = 0; i < SEGMENT_PAGES / BULK; i++) {
      segments.allocator.allocateBulk(PAGE_BYTES, segments.bulk);
    }
    return segments.bulk[0];
  }
}
