package dev.octavo.bench;

import dev.octavo.bench.peer.Exercise;
import dev.octavo.bench.peer.Peer;
import dev.octavo.bench.peer.Peers;
import dev.octavo.bench.peer.Sizes;
import dev.octavo.bench.peer.Slots;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.BenchmarkParams;

/// One peer, shared by all threads of a benchmark, which work in slots of their own.
@State(Scope.Benchmark)
public abstract class PeerState {

  /// The peer's name, one of [Peers#NAMES].
  @Param({
    "octavoRun",
    "octavoSegment",
    "octavoTry",
    "jdkConfined",
    "jdkShared",
    "nettyPooled",
    "nettyAdaptive",
    "arrow",
    "malloc",
    "mimalloc",
    "lockedBuddy"
  })
  String peer;

  private final AtomicInteger joined = new AtomicInteger();
  private Peer opened;

  /// Returns how many buffers one thread holds at once.
  abstract int liveBuffers();

  /// Returns the size of each buffer in bytes.
  abstract int byteSize();

  /// Opens the peer and uses it for other sizes first.
  @Setup
  public void open(BenchmarkParams params) {
    long eachBytes = (long) Sizes.pages(byteSize()) * Sizes.PAGE_BYTES;
    opened = Peers.open(peer, eachBytes * liveBuffers() * params.getThreads());
    Exercise.run(opened);
  }

  /// Gives a thread its slots.
  Slots join() {
    joined.incrementAndGet();
    return opened.slots(liveBuffers());
  }

  /// Told by each thread that has emptied its slots; the last one closes the peer. The harness
  /// itself may take down what is shared while another thread still holds buffers.
  void leave() {
    if (joined.decrementAndGet() == 0) {
      opened.close();
    }
  }
}
