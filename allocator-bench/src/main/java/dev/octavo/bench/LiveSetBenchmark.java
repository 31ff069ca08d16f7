package dev.octavo.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// A live set of 8,192 buffers of one size, of which a random one is freed and another allocated in
/// its place: nanoseconds for both together. The memory is not touched, but by peers that zero it
/// (the JDK) or keep their lists in it (malloc, mimalloc).
public class LiveSetBenchmark extends AverageTimeBenchmark {

  private static final int LIVE = 8192;

  /// The peer and the size.
  public static class Shared extends PeerState {

    /// The size of every buffer in bytes.
    @Param({"256", "1024", "4096", "16384", "65536"})
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

  /// One free and one allocation.
  @Benchmark
  public int replace(Mine mine) {
    return mine.buffers.replaceRandom();
  }
}
