package dev.octavo.allocator.oom;

import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/// What all accounts of a tree share, and how its threads wait for each other.
///
/// `moves` counts calls that take bytes for a moment which they may give back: a charge that climbs
/// and may yet be refused above, a stock that is filled or drained. Low bits: how many are under
/// way; the bits above: how many have ended. Who was refused and finds that nobody else moved
/// meanwhile, was refused rightly.
class AccountTree {

  private static final int UNDER_WAY_BITS = 20;
  private static final long ENDED = 1L << UNDER_WAY_BITS;
  private static final long UNDER_WAY = ENDED - 1;
  private static final int SPINS_BEFORE_YIELD = 4;
  private static final long LEAST_BATCHES_LEFT = 8;

  private final AtomicLong ids = new AtomicLong();
  private final Counter moves = newCounter();
  private final LongSupplier clock;
  private final long batch;

  /// @param clock nanoseconds, as `System::nanoTime`
  /// @param batch bytes, at least 0
  AccountTree(LongSupplier clock, long batch) {
    this.clock = clock;
    this.batch = batch;
  }

  long nextId() {
    return ids.incrementAndGet();
  }

  long nanoTime() {
    return clock.getAsLong();
  }

  /// Bytes that a thread charges in advance.
  long batch() {
    return batch;
  }

  /// No stock is filled where less than this would be left below a max, bytes.
  long leastLeft() {
    return LEAST_BATCHES_LEFT * batch;
  }

  // ---- moves

  /// Announces a move. Returns the state before.
  long beginMove() {
    return moves.getAndAdd(1);
  }

  /// Returns the state just before the end.
  long endMove() {
    return moves.getAndAdd(ENDED - 1);
  }

  /// Whether no other move was under way between these.
  static boolean wasAlone(long begun, long ended) {
    return (begun & UNDER_WAY) == 0 && ended == begun + 1;
  }

  // ---- threads

  /// Whether a thread may have a stock of its own. Virtual threads are too many.
  boolean mayStock(Thread thread) {
    return !thread.isVirtual();
  }

  Stock newStock(Ledger ledger, Thread thread) {
    return new Stock(ledger, thread);
  }

  Counter newCounter() {
    return new Counter();
  }

  /// Returns when each thread has passed one point in its program since the call; see the class
  /// `OtherThreads` of the cache. Costs 30 to 60 microseconds.
  void handshake() {
    Arena.ofShared().close();
  }

  /// Gives other threads time for their next step.
  ///
  /// @param round how often the caller has looked already
  @SuppressWarnings("ThreadPriorityCheck") // nothing is right only because the scheduler is kind
  void await(int round) {
    if (round < SPINS_BEFORE_YIELD) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }
}
