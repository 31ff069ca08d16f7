package dev.octavo.bench;

import dev.octavo.bench.peer.Slots;
import org.HdrHistogram.Histogram;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/// How long single operations take on buffers of 4 KiB, clock and all: the secondary results `p50`,
/// `p99`, `p9999` and `max` are nanoseconds over all measured operations. The score itself is their
/// mean with the clock and the record of each. The memory is not touched, but by peers that zero it
/// or keep their lists in it.
///
/// Nothing is subtracted: `empty` is what the clock alone shows, two readings with nothing between
/// them. One thread, which starts an operation when the last one is over, so none waits unseen.
///
/// Run with `-t 1` and one fork, since the harness adds up what threads and forks report.
/// Percentiles are of all measured iterations together and reported by the last one; the others
/// report 0.
@Threads(1)
public class LatencyBenchmark extends AverageTimeBenchmark {

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

  /// The slot for pairs.
  @State(Scope.Thread)
  public static class PairMine {

    private Slots slots;

    /// Joins.
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

  /// The peer, for the live set.
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

  /// The live set.
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

  /// The record of all measured operations.
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class Latency {

    private static final long LONGEST_NANOS = 10_000_000_000L;
    private static final int DIGITS = 3;

    private final Histogram histogram = new Histogram(LONGEST_NANOS, DIGITS);
    private int measured;
    private boolean last;

    /// Forgets what was recorded while warming up.
    @Setup(Level.Iteration)
    public void begin(IterationParams iteration) {
      if (iteration.getType() == IterationType.MEASUREMENT) {
        if (measured == 0) {
          histogram.reset();
        }
        measured++;
        last = measured == iteration.getCount();
      }
    }

    private void record(long start) {
      histogram.recordValue(Math.min(System.nanoTime() - start, LONGEST_NANOS));
    }

    private double percentile(double percent) {
      return last ? histogram.getValueAtPercentile(percent) : 0;
    }

    /// Nanoseconds that half of the operations did not exceed.
    public double p50() {
      return percentile(50);
    }

    /// Nanoseconds that 99 of 100 operations did not exceed.
    public double p99() {
      return percentile(99);
    }

    /// Nanoseconds that 9,999 of 10,000 operations did not exceed.
    public double p9999() {
      return percentile(99.99);
    }

    /// Nanoseconds of the slowest operation.
    public double max() {
      return percentile(100);
    }
  }

  /// The clock alone.
  @Benchmark
  public void empty(Latency latency) {
    latency.record(System.nanoTime());
  }

  /// An allocation and its free.
  @Benchmark
  public void pair(PairMine mine, Latency latency) {
    long start = System.nanoTime();
    mine.slots.allocate(0, BYTE_SIZE);
    mine.slots.free(0, BYTE_SIZE);
    latency.record(start);
  }

  /// The free of a random one of 8,192 buffers and an allocation.
  @Benchmark
  public void liveSet(LiveMine mine, Latency latency) {
    long start = System.nanoTime();
    mine.buffers.replaceRandom();
    latency.record(start);
  }
}
