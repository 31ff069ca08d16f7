package dev.octavo.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// The two models of how long a buffer lives, with 1,024 live ones: nanoseconds for one free and
/// one allocation. Allocators that keep the last freed buffer at hand do well in one and not in the
/// other. The memory is not touched, but by peers that zero it or keep their lists in it.
public class LifetimeBenchmark extends AverageTimeBenchmark {

  private static final int LIVE = 1024;

  /// The peer and the size.
  public static class Shared extends PeerState {

    /// The size of every buffer in bytes.
    @Param({"4096", "16384"})
    int byteSize;

    @Override
    int liveBuffers() {
      return LIVE;
    }

    @Override
    int byteSize() {
      return byteSize;
    }
  }

  /// The buffers of one thread.
  @State(Scope.Thread)
  public static class Mine {

    private LiveBuffers buffers;

    /// Allocates all.
    @Setup
    public void fill(Shared shared) {
      buffers = new LiveBuffers(shared);
    }

    /// Frees all.
    @TearDown
    public void empty(Shared shared) {
      buffers.close(shared);
    }
  }

  /// Every buffer lives for exactly 1,024 operations.
  @Benchmark
  public int fixedLifetime(Mine mine) {
    return mine.buffers.replaceOldest();
  }

  /// A random live buffer is freed.
  @Benchmark
  public int randomVictim(Mine mine) {
    return mine.buffers.replaceRandom();
  }
}
