package dev.octavo.bench;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.bench.peer.ArrowRoot;
import dev.octavo.bench.peer.Exercise;
import dev.octavo.bench.peer.Malloc;
import dev.octavo.bench.peer.Mimalloc;
import dev.octavo.bench.peer.Peer;
import dev.octavo.bench.peer.Peers;
import dev.octavo.bench.peer.Sizes;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.PageStrategy;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// A buffer is allocated and freed at once, written for each peer as its users write it:
/// nanoseconds for both together. The memory is not touched, but by the JDK, which zeroes it. The
/// address is returned, so that the pair cannot vanish; the object around it may, if the JIT proves
/// that it does not escape.
///
/// Before that the peer has served other sizes to other callers ([Exercise]). With several threads
/// they share the peer. `mimalloc` is left out by [Main] where the library is absent.
public class PairPeersBenchmark extends AverageTimeBenchmark {

  private static final long REGION_BYTES = 64 << 20;

  /// The size, and a past for the peer's classes.
  @State(Scope.Benchmark)
  public abstract static class Sized {

    /// The size of the buffer in bytes; 135,168 are 33 pages, just over a power of two.
    @Param({"4096", "135168"})
    int byteSize;

    /// Runs the peer of this name, another instance with the same code, on other sizes.
    final void exercise(String peer) {
      try (Peer other = Peers.open(peer, 0)) {
        Exercise.run(other);
      }
    }
  }

  /// Page runs of a region without memory.
  public static class Runs extends Sized {

    private PageAllocator allocator;
    private int pages;

    /// Opens it.
    @Setup
    public void open() {
      exercise("octavoRun");
      pages = Sizes.pages(byteSize);
      allocator = PageAllocator.builder().region(MemoryRegion.reserveOnly(REGION_BYTES)).build();
    }
  }

  /// Segments of real memory.
  public static class Segments extends Sized {

    private PageAllocator allocator;

    /// Opens it.
    @Setup
    public void open() {
      exercise("octavoSegment");
      exercise("octavoTry");
      allocator = PageAllocator.builder().capacity(REGION_BYTES).build();
    }

    /// Gives the memory back.
    @TearDown
    public void close() {
      allocator.close();
    }
  }

  /// The JDK's arenas.
  public static class Arenas extends Sized {

    /// Uses them.
    @Setup
    public void open() {
      exercise("jdkConfined");
      exercise("jdkShared");
    }
  }

  /// Netty's pooled allocator.
  public static class Pooled extends Sized {

    private ByteBufAllocator allocator;

    /// Opens it.
    @Setup
    public void open() {
      exercise("nettyPooled");
      allocator = new PooledByteBufAllocator(true);
    }
  }

  /// Netty's adaptive allocator.
  public static class Adaptive extends Sized {

    private ByteBufAllocator allocator;

    /// Opens it.
    @Setup
    public void open() {
      exercise("nettyAdaptive");
      allocator = new AdaptiveByteBufAllocator(true);
    }
  }

  /// Arrow's root allocator.
  public static class Arrow extends Sized {

    private BufferAllocator allocator;

    /// Opens it.
    @Setup
    public void open() {
      exercise("arrow");
      allocator = ArrowRoot.open();
    }

    /// Checks that nothing leaked.
    @TearDown
    public void close() {
      allocator.close();
    }
  }

  /// The C library.
  public static class CLibrary extends Sized {

    /// Uses it.
    @Setup
    public void open() {
      exercise("malloc");
    }
  }

  /// The mimalloc library.
  public static class MimallocLibrary extends Sized {

    /// Uses it.
    @Setup
    public void open() {
      exercise("mimalloc");
    }
  }

  /// Linux's policy under a lock.
  public static class Locked extends Sized {

    private PageStrategy strategy;
    private int order;

    /// Opens it.
    @Setup
    public void open() {
      exercise("lockedBuddy");
      order = Sizes.order(byteSize);
      strategy = new LinuxBuddy(Sizes.pages(REGION_BYTES));
    }
  }

  /// Page run.
  @Benchmark
  public long octavoRun(Runs runs) {
    long page = runs.allocator.allocatePageRun(runs.pages);
    runs.allocator.freePageRun(page, runs.pages);
    return page;
  }

  /// Segment.
  @Benchmark
  public long octavoSegment(Segments segments) {
    MemorySegment segment = segments.allocator.allocate(segments.byteSize);
    long address = segment.address();
    segments.allocator.free(segment);
    return address;
  }

  /// Segment, or null.
  @Benchmark
  public long octavoTry(Segments segments) {
    MemorySegment segment = segments.allocator.tryAllocate(segments.byteSize);
    if (segment == null) {
      return -1;
    }
    long address = segment.address();
    segments.allocator.free(segment);
    return address;
  }

  /// Confined arena.
  @Benchmark
  public long jdkConfined(Arenas arenas) {
    try (Arena arena = Arena.ofConfined()) {
      return arena.allocate(arenas.byteSize).address();
    }
  }

  /// Shared arena.
  @Benchmark
  public long jdkShared(Arenas arenas) {
    try (Arena arena = Arena.ofShared()) {
      return arena.allocate(arenas.byteSize).address();
    }
  }

  /// Pooled direct buffer.
  @Benchmark
  public long nettyPooled(Pooled pooled) {
    ByteBuf buffer = pooled.allocator.directBuffer(pooled.byteSize);
    long address = buffer.memoryAddress();
    buffer.release();
    return address;
  }

  /// Adaptive direct buffer.
  @Benchmark
  public long nettyAdaptive(Adaptive adaptive) {
    ByteBuf buffer = adaptive.allocator.directBuffer(adaptive.byteSize);
    long address = buffer.memoryAddress();
    buffer.release();
    return address;
  }

  /// Arrow buffer.
  @Benchmark
  public long arrow(Arrow arrow) {
    try (ArrowBuf buffer = arrow.allocator.buffer(arrow.byteSize)) {
      return buffer.memoryAddress();
    }
  }

  /// C's malloc.
  @Benchmark
  public long malloc(CLibrary library) {
    long address = Malloc.allocate(library.byteSize);
    Malloc.free(address);
    return address;
  }

  /// The malloc of mimalloc.
  @Benchmark
  public long mimalloc(MimallocLibrary library) {
    long address = Mimalloc.allocate(library.byteSize);
    Mimalloc.free(address);
    return address;
  }

  /// Block of 2^order pages.
  @Benchmark
  public long lockedBuddy(Locked locked) {
    long page = locked.strategy.allocate(locked.order);
    locked.strategy.free(page, locked.order);
    return page;
  }
}
