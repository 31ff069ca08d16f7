package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Zeroing: the JDK's fill, and the copy of zeroes that arenas use. Nanoseconds for the whole
/// piece.
@State(Scope.Thread)
public class ZeroBenchmark extends AverageTimeBenchmark {

  private static final long BLOCK_BYTES = 16 << 10;

  /// The size in bytes.
  @Param({"256", "1024", "4096", "16384", "135168"})
  int byteSize;

  private PageAllocator pages;
  private PageArena arena;
  private MemorySegment zeroes;
  private MemorySegment segment;

  /// Gets the memory.
  @Setup
  public void open() {
    pages = PageAllocator.builder().capacity(1 << 20).build();
    arena = pages.openArena();
    zeroes = arena.allocate(BLOCK_BYTES, 64);
    segment = arena.allocate(byteSize, 64);
  }

  /// Gives it back.
  @TearDown
  public void close() {
    arena.close();
    pages.close();
  }

  /// By [MemorySegment#fill].
  @Benchmark
  public void fill() {
    segment.fill((byte) 0);
  }

  /// By copies of a block of zeroes.
  @Benchmark
  public void copy() {
    for (long at = 0; at < byteSize; at += BLOCK_BYTES) {
      MemorySegment.copy(zeroes, 0, segment, at, Math.min(BLOCK_BYTES, byteSize - at));
    }
  }
}
