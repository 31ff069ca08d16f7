package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// An arena is opened, gives out one piece of memory and is closed, as in the JDK's own test of
/// arenas: nanoseconds for all three. A byte of the memory is written and read.
///
/// Beside the JDK's arenas, a slicing allocator over memory that is there already (which ends
/// nothing and zeroes nothing), and a buffer of Netty (which is not zeroed).
@State(Scope.Thread)
public class ArenaBenchmark extends AverageTimeBenchmark {

  private static final long CAPACITY = 64 << 20;

  /// The size in bytes.
  @Param({"5", "512", "4096", "8000", "135168"})
  int byteSize;

  private PageAllocator pages;
  private Arena prepared;
  private MemorySegment block;
  private ByteBufAllocator nettyPooled;
  private ByteBufAllocator nettyAdaptive;

  /// Opens what is used again and again.
  @Setup
  public void open() {
    pages = PageAllocator.builder().capacity(CAPACITY).build();
    prepared = Arena.ofConfined();
    block = prepared.allocate(byteSize, 64);
    nettyPooled = new PooledByteBufAllocator(true);
    nettyAdaptive = new AdaptiveByteBufAllocator(true);
    exercise();
  }

  /// Other sizes from other places, so that no code is compiled for one size alone.
  private void exercise() {
    for (int i = 0; i < 20_000; i++) {
      try (PageArena arena = pages.openArena()) {
        touch(arena.allocate(1L << i % 18, 8));
        touch(arena.allocateUninitialized(i, 1));
      }
      try (PageArena arena = pages.openUnscopedArena()) {
        touch(arena.allocateUninitialized(1L << i % 18, 8));
      }
    }
  }

  /// Closes it.
  @TearDown
  public void close() {
    pages.close();
    prepared.close();
  }

  private static byte touch(MemorySegment segment) {
    if (segment.byteSize() == 0) {
      return 0;
    }
    segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    return segment.get(ValueLayout.JAVA_BYTE, segment.byteSize() - 1);
  }

  /// A confined arena over pages.
  @Benchmark
  public byte octavo() {
    try (PageArena arena = pages.openArena()) {
      return touch(arena.allocate(byteSize, 1));
    }
  }

  /// The same, not zeroed.
  @Benchmark
  public byte octavoUninitialized() {
    try (PageArena arena = pages.openArena()) {
      return touch(arena.allocateUninitialized(byteSize, 1));
    }
  }

  /// A shared arena over pages whose close is cheap.
  @Benchmark
  public byte octavoUnscoped() {
    try (PageArena arena = pages.openUnscopedArena()) {
      return touch(arena.allocate(byteSize, 1));
    }
  }

  /// The same, not zeroed.
  @Benchmark
  public byte octavoUnscopedUninitialized() {
    try (PageArena arena = pages.openUnscopedArena()) {
      return touch(arena.allocateUninitialized(byteSize, 1));
    }
  }

  /// A shared arena over pages, as safe as the JDK's.
  @Benchmark
  public byte octavoShared() {
    try (PageArena arena = pages.openSharedArena()) {
      return touch(arena.allocate(byteSize, 1));
    }
  }

  /// The JDK's confined arena.
  @Benchmark
  public byte jdkConfined() {
    try (Arena arena = Arena.ofConfined()) {
      return touch(arena.allocate(byteSize, 1));
    }
  }

  /// The JDK's shared arena.
  @Benchmark
  public byte jdkShared() {
    try (Arena arena = Arena.ofShared()) {
      return touch(arena.allocate(byteSize, 1));
    }
  }

  /// A slicing allocator over memory that stays.
  @Benchmark
  public byte slicingAllocator() {
    return touch(SegmentAllocator.slicingAllocator(block).allocate(byteSize, 1));
  }

  /// A buffer of Netty's pooled allocator.
  @Benchmark
  public byte nettyPooled() {
    return touch(nettyPooled);
  }

  /// A buffer of Netty's adaptive allocator.
  @Benchmark
  public byte nettyAdaptive() {
    return touch(nettyAdaptive);
  }

  private byte touch(ByteBufAllocator netty) {
    ByteBuf buffer = netty.directBuffer(byteSize);
    buffer.setByte(0, 1);
    byte last = buffer.getByte(byteSize - 1);
    buffer.release();
    return last;
  }
}
