package dev.octavo.bench;

import dev.octavo.bench.peer.Exercise;
import dev.octavo.bench.peer.Peer;
import dev.octavo.bench.peer.Peers;
import dev.octavo.bench.peer.Slots;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/// Virtual threads that share a peer: buffers of 4 KiB, allocated and freed at once. The memory is
/// not touched, but by peers that zero it or keep their lists in it. Run with `-t 1`: one thread
/// starts the virtual ones and waits for them, on as many carriers as there are processors.
///
/// Nanoseconds are of the clock on the wall, so with two carriers at work a pair shows half of what
/// it costs. Shared arenas are not here: a pair takes as long as 10,000 of the others.
public class VirtualThreadsBenchmark extends AverageTimeBenchmark {

  private static final int BYTE_SIZE = 4096;
  private static final int FEW_THREADS = 16;
  private static final int PAIRS_EACH = 8192;
  private static final int MANY_THREADS = 10_000;

  /// The peer.
  @State(Scope.Benchmark)
  public static class Shared {

    /// The peer's name, one of [Peers#NAMES].
    @Param({
      "octavoRun",
      "octavoSegment",
      "octavoTry",
      "jdkConfined",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "malloc",
      "mimalloc",
      "lockedBuddy"
    })
    String peer;

    private Peer opened;

    /// Opens the peer and uses it for other sizes first.
    @Setup
    public void open() {
      opened = Peers.open(peer, (long) MANY_THREADS * BYTE_SIZE);
      Exercise.run(opened);
    }

    /// Gives the memory back.
    @TearDown
    public void close() {
      opened.close();
    }

    private void pairs(int count) {
      Slots slots = opened.slots(1);
      for (int i = 0; i < count; i++) {
        slots.allocate(0, BYTE_SIZE);
        slots.free(0, BYTE_SIZE);
      }
    }
  }

  private static int startAndJoin(int threadCount, Runnable work) throws InterruptedException {
    Thread[] threads = new Thread[threadCount];
    for (int i = 0; i < threadCount; i++) {
      threads[i] = Thread.startVirtualThread(work);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    return threadCount;
  }

  /// 16 threads with 8,192 pairs each; nanoseconds a pair.
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(FEW_THREADS * PAIRS_EACH)
  public int pairs(Shared shared) throws InterruptedException {
    return startAndJoin(FEW_THREADS, () -> shared.pairs(PAIRS_EACH));
  }

  /// 10,000 threads with one pair each; nanoseconds a thread.
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(MANY_THREADS)
  public int start10000(Shared shared) throws InterruptedException {
    return startAndJoin(MANY_THREADS, () -> shared.pairs(1));
  }

  /// 10,000 threads that do nothing: what the threads cost without a peer.
  @Benchmark
  @Threads(1)
  @OperationsPerInvocation(MANY_THREADS)
  public int start10000Idle() throws InterruptedException {
    return startAndJoin(MANY_THREADS, () -> {});
  }
}
