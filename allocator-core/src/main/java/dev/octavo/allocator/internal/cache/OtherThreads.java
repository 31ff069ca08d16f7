package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.threads.Handshake;

/// How one thread waits for others. Only calls that are about to fail, or that look at the region
/// as a whole, ever do.
class OtherThreads {

  private static final int SPINS_BEFORE_YIELD = 64;

  /// Returns when each thread has passed one point in its program since the call; see [Handshake].
  void handshake() {
    Handshake.withAllThreads();
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
