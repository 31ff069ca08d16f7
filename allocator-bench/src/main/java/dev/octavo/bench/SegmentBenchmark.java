package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Segments, as an application sees them: one at a time and in bulk, on 64 MiB of real memory.
@State(Scope.Thread)
public class SegmentBenchmark extends AverageTimeBenchmark {

  private static final int BULK = 64;
  private static final long PAGE_BYTES = 4 << 10;
  private static final long EXACT_BYTES = 132 << 10;

  private final MemorySegment[] bulk = new MemorySegment[BULK];
  private PageAllocator allocator;
  private MemorySegment kept;

  /// Opens a word, so that single pages neither split nor merge.
  @Setup
  public void open() {
    allocator = PageAllocator.builder().capacity(64 << 20).build();
    kept = allocator.allocate(PAGE_BYTES);
  }

  /// Gives the memory back.
  @TearDown
  public void close() {
    allocator.free(kept);
    allocator.close();
  }

  /// 4 KiB, the segment escapes.
  @Benchmark
  public MemorySegment page() {
    MemorySegment segment = allocator.allocate(PAGE_BYTES);
    allocator.free(segment);
    return segment;
  }

  /// 132 KiB, the segment escapes.
  @Benchmark
  public MemorySegment exact() {
    MemorySegment segment = allocator.allocate(EXACT_BYTES);
    allocator.free(segment);
    return segment;
  }

  /// 64 pages at once, freed one by one; time for each page.
  @Benchmark
  @OperationsPerInvocation(BULK)
  public int bulk() {
    int count = allocator.allocateBulk(PAGE_BYTES, bulk);
    for (MemorySegment segment : bulk) {
      allocator.free(segment);
    }
    return count;
  }
}
