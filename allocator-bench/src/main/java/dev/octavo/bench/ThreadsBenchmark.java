package dev.octavo.bench;

import dev.octavo.bench.peer.Slots;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// Threads that share a peer and nothing else: 4 KiB, nanoseconds of one thread for an allocation
/// and a free, so the throughput of all is the number of threads by this. Run with `-t 1`, `-t 2`
/// and `-t 16`. The memory is not touched, but by peers that zero it or keep their lists in it.
public class ThreadsBenchmark extends AverageTimeBenchmark {

  private static final int BYTE_SIZE = 4096;
  private static final int LIVE = 8192;

  /// The peer, for pairs.
  public static class PairShared extends PeerState {

    @Override
    int liveBuffers() {
      return 1;
    }

    @Override
    int byteSize() {
      return BYTE_SIZE;
    }
  }

  /// The slot of one thread.
  @State(Scope.Thread)
  public static class PairMine {

    private Slots slots;

    /// Joins the others.
    @Setup
    public void join(PairShared shared) {
      slots = shared.join();
    }

    /// Leaves the peer.
    @TearDown
    public void leave(PairShared shared) {
      shared.leave();
    }
  }

  /// The peer, for live sets.
  public static class LiveShared extends PeerState {

    @Override
    int liveBuffers() {
      return LIVE;
    }

    @Override
    int byteSize() {
      return BYTE_SIZE;
    }
  }

  /// The buffers of one thread.
  @State(Scope.Thread)
  public static class LiveMine {

    private LiveBuffers buffers;

    /// Allocates all.
    @Setup
    public void fill(LiveShared shared) {
      buffers = new LiveBuffers(shared);
    }

    /// Frees all.
    @TearDown
    public void empty(LiveShared shared) {
      buffers.close(shared);
    }
  }

  /// Allocates a buffer and frees it at once.
  @Benchmark
  public void pair(PairMine mine) {
    mine.slots.allocate(0, BYTE_SIZE);
    mine.slots.free(0, BYTE_SIZE);
  }

  /// Frees a random one of 8,192 buffers of its own and allocates one.
  @Benchmark
  public int liveSet(LiveMine mine) {
    return mine.buffers.replaceRandom();
  }
}
