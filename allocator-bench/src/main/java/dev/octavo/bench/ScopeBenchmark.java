package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
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

/// A scope, as of a request or a frame: some small pieces of memory of mixed sizes are allocated, a
/// byte of each is written and read, and all of them go. Nanoseconds for the whole scope.
@State(Scope.Thread)
public class ScopeBenchmark extends AverageTimeBenchmark {

  private static final long CAPACITY = 64 << 20;
  private static final int[] BYTE_SIZES = {16, 24, 32, 48, 64, 96, 128, 256};
  private static final int BYTE_ALIGNMENT = 8;
  private static final int MOST_BYTES = 64 << 10;

  /// How many pieces.
  @Param({"8", "64"})
  int pieces;

  private PageAllocator pages;
  private PageArena arena;
  private Arena prepared;
  private MemorySegment block;
  private ByteBufAllocator netty;
  private ByteBuf[] buffers;

  /// Opens what is used again and again.
  @Setup
  public void open() {
    pages = PageAllocator.builder().capacity(CAPACITY).build();
    arena = pages.openArena();
    prepared = Arena.ofConfined();
    block = prepared.allocate(MOST_BYTES, BYTE_ALIGNMENT);
    netty = new AdaptiveByteBufAllocator(true);
    buffers = new ByteBuf[pieces];
  }

  /// Closes it.
  @TearDown
  public void close() {
    arena.close();
    pages.close();
    prepared.close();
  }

  private static int byteSize(int piece) {
    return BYTE_SIZES[piece & BYTE_SIZES.length - 1];
  }

  private static int touch(MemorySegment segment) {
    segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    return segment.get(ValueLayout.JAVA_BYTE, segment.byteSize() - 1);
  }

  /// An arena of pages that is rewound after each scope.
  @Benchmark
  public int octavoRewind() {
    int sum = 0;
    for (int i = 0; i < pieces; i++) {
      sum += touch(arena.allocate(byteSize(i), BYTE_ALIGNMENT));
    }
    arena.rewind();
    return sum;
  }

  /// The same, not zeroed.
  @Benchmark
  public int octavoRewindUninitialized() {
    int sum = 0;
    for (int i = 0; i < pieces; i++) {
      sum += touch(arena.allocateUninitialized(byteSize(i), BYTE_ALIGNMENT));
    }
    arena.rewind();
    return sum;
  }

  /// An arena of pages a scope.
  @Benchmark
  public int octavoOpen() {
    int sum = 0;
    try (PageArena scope = pages.openArena()) {
      for (int i = 0; i < pieces; i++) {
        sum += touch(scope.allocate(byteSize(i), BYTE_ALIGNMENT));
      }
    }
    return sum;
  }

  /// A confined arena of the JDK a scope.
  @Benchmark
  public int jdkConfined() {
    int sum = 0;
    try (Arena scope = Arena.ofConfined()) {
      for (int i = 0; i < pieces; i++) {
        sum += touch(scope.allocate(byteSize(i), BYTE_ALIGNMENT));
      }
    }
    return sum;
  }

  /// A shared arena of the JDK a scope.
  @Benchmark
  public int jdkShared() {
    int sum = 0;
    try (Arena scope = Arena.ofShared()) {
      for (int i = 0; i < pieces; i++) {
        sum += touch(scope.allocate(byteSize(i), BYTE_ALIGNMENT));
      }
    }
    return sum;
  }

  /// A slicing allocator over memory that stays.
  @Benchmark
  public int slicingAllocator() {
    int sum = 0;
    SegmentAllocator slices = SegmentAllocator.slicingAllocator(block);
    for (int i = 0; i < pieces; i++) {
      sum += touch(slices.allocate(byteSize(i), BYTE_ALIGNMENT));
    }
    return sum;
  }

  /// Buffers of Netty's adaptive allocator, not zeroed.
  @Benchmark
  public int nettyAdaptive() {
    int sum = 0;
    for (int i = 0; i < pieces; i++) {
      ByteBuf buffer = netty.directBuffer(byteSize(i));
      buffer.setByte(0, 1);
      sum += buffer.getByte(byteSize(i) - 1);
      buffers[i] = buffer;
    }
    for (ByteBuf buffer : buffers) {
      buffer.release();
    }
    return sum;
  }
}
