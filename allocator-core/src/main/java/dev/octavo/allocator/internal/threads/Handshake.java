package dev.octavo.allocator.internal.threads;

import java.lang.foreign.Arena;

/// A barrier that one thread raises for all threads of the JVM.
///
/// Fast paths store to one word and then load another with nothing but a fence for the compiler
/// between (the asymmetric form of Dekker's algorithm; Linux has `membarrier` for it). The caller
/// of [#withAllThreads] pays for the order that they need and cannot afford.
public final class Handshake {

  private Handshake() {}

  /// Returns when each thread has passed one point in its program since the call.
  ///
  /// What a thread stored before its point is seen by the caller afterwards, and what the caller
  /// stored before the call is seen by every load behind the point.
  ///
  /// Closing a shared arena is such a point: HotSpot stops each thread at a safepoint poll, one by
  /// one, to make sure that none is in the middle of an access (JEP 454). Costs 30 to 60
  /// microseconds, and waits for threads that are long between two polls.
  public static void withAllThreads() {
    Arena.ofShared().close();
  }
}
