package dev.octavo.bench;

import dev.octavo.bench.peer.Slots;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// 128 buffers are allocated, then all are freed, in one of three orders: nanoseconds a buffer, for
/// its allocation and its free. The memory is not touched, but by peers that zero it or keep their
/// lists in it.
public class BatchBenchmark extends AverageTimeBenchmark {

  private static final int BATCH = 128;

  /// The peer and the size.
  public static class Shared extends PeerState {

    /// The size of every buffer in bytes.
    @Param("4096")
    int byteSize;

    @Override
    int liveBuffers() {
      return BATCH;
    }

    @Override
    int byteSize() {
      return byteSize;
    }
  }

  /// The slots of one thread, empty between two batches.
  @State(Scope.Thread)
  public static class Mine {

    private static final long SEED = 42;

    private final int[] shuffled = new int[BATCH];
    private Slots slots;
    private int byteSize;

    /// Draws the random order.
    @Setup
    public void prepare(Shared shared) {
      slots = shared.join();
      byteSize = shared.byteSize;
      SplittableRandom random = new SplittableRandom(SEED);
      for (int i = 0; i < BATCH; i++) {
        int j = random.nextInt(i + 1);
        shuffled[i] = shuffled[j];
        shuffled[j] = i;
      }
    }

    /// Leaves the peer.
    @TearDown
    public void leave(Shared shared) {
      shared.leave();
    }

    private void allocateAll() {
      for (int slot = 0; slot < BATCH; slot++) {
        slots.allocate(slot, byteSize);
      }
    }
  }

  /// Freed last in, first out.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void lifo(Mine mine) {
    mine.allocateAll();
    for (int slot = BATCH - 1; slot >= 0; slot--) {
      mine.slots.free(slot, mine.byteSize);
    }
  }

  /// Freed first in, first out.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void fifo(Mine mine) {
    mine.allocateAll();
    for (int slot = 0; slot < BATCH; slot++) {
      mine.slots.free(slot, mine.byteSize);
    }
  }

  /// Freed in one random order, the same each time.
  @Benchmark
  @OperationsPerInvocation(BATCH)
  public void random(Mine mine) {
    mine.allocateAll();
    for (int slot : mine.shuffled) {
      mine.slots.free(slot, mine.byteSize);
    }
  }
}
