package dev.octavo.bench;

import dev.octavo.bench.peer.Exercise;
import dev.octavo.bench.peer.Peer;
import dev.octavo.bench.peer.Peers;
import dev.octavo.bench.peer.Slots;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;

/// One thread allocates, another frees all of it: nanoseconds a buffer handed over, which is the
/// time of the slower of the two. A ring of 1,024 slots lies between them, the same for every peer.
/// The memory is not touched, but by peers that zero it or keep their lists in it.
///
/// The thread that is measured allocates; the other one is started beside it. Run with `-t 1`. A
/// confined arena cannot be closed by another thread, so `jdkConfined` is not here.
@State(Scope.Benchmark)
@Threads(1)
public class ProducerConsumerBenchmark extends AverageTimeBenchmark {

  private static final int RING = 1024;

  /// The peer's name, one of [Peers#NAMES].
  @Param({
    "octavoRun",
    "octavoSegment",
    "octavoTry",
    "jdkShared",
    "nettyPooled",
    "nettyAdaptive",
    "arrow",
    "malloc",
    "mimalloc",
    "lockedBuddy"
  })
  private String peer;

  /// The size of every buffer in bytes.
  @Param("4096")
  private int byteSize;

  private Peer opened;
  private Slots slots;
  private SlotRing ring;
  private Thread consumer;

  /// Opens the peer and uses it for other sizes first.
  @Setup
  public void open() {
    opened = Peers.open(peer, (long) RING * byteSize);
    Exercise.run(opened);
    slots = opened.slots(RING);
  }

  /// Gives the memory back.
  @TearDown
  public void close() {
    opened.close();
  }

  /// Starts the thread that frees.
  @Setup(Level.Iteration)
  public void start() {
    ring = new SlotRing(RING);
    SlotRing filled = ring;
    consumer = Thread.ofPlatform().name("consumer").start(() -> consume(filled));
  }

  /// Waits until all is freed.
  @TearDown(Level.Iteration)
  public void stop() throws InterruptedException {
    ring.end();
    consumer.join();
  }

  private void consume(SlotRing filled) {
    int slot = filled.awaitFilled();
    while (slot != SlotRing.ENDED) {
      slots.free(slot, byteSize);
      filled.emptied();
      slot = filled.awaitFilled();
    }
  }

  /// One buffer allocated and handed over.
  @Benchmark
  public int transfer() {
    int slot = ring.awaitEmpty();
    slots.allocate(slot, byteSize);
    ring.filled();
    return slot;
  }
}
