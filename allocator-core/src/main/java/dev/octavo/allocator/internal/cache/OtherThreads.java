package dev.octavo.allocator.internal.cache;

import java.lang.foreign.Arena;

/// How one thread waits for others. Only calls that are about to fail, or that look at the region
/// as a whole, ever do.
class OtherThreads {

  private static final int SPINS_BEFORE_YIELD = 64;

  /// Returns when each thread has passed one point in its program since the call.
  ///
  /// What a thread stored before its point is seen by the caller afterwards, and what the caller
  /// stored before is seen by every load behind the point. So the caller pays for an order that
  /// fast paths need and cannot afford: they store to one word and then load another with nothing
  /// but a fence for the compiler between (the asymmetric form of Dekker's algorithm; Linux has
  /// `membarrier` for it).
  ///
  /// Closing a shared arena is such a point: HotSpot stops each thread at a safepoint poll, one by
  /// one, to make sure that none is in the middle of an access (JEP 454). Costs 30 to 60
  /// microseconds, and waits for threads that are long between two polls.
  void handshake() {
    Arena.ofShared().close();
  }

  /// A clock, for those who do not wait for ever.
  long nanoTime() {
    return System.nanoTime();
  }

  /// Gives another thread time for its next step.
  ///
  /// @param spins how often the caller has looked already
  @SuppressWarnings("ThreadPriorityCheck") // nothing is right only because the scheduler is kind
  void await(int spins) {
    if (spins < SPINS_BEFORE_YIELD) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }
}
