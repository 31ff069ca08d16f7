package dev.octavo.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Hands slots 0..size - 1, again and again, from one producer that fills them to one consumer that
/// empties them.
///
/// Each side owns a counter, written by release and read by the other side by acquire, which also
/// publishes what stands in the slot. It remembers what it last saw of the other's counter, and
/// looks again only when that is used up. The counters lie in cache lines of their own.
final class SlotRing {
  /// What the consumer gets when nothing will follow.
  static final int ENDED = -1;

  private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

  /// Longs from one counter to the next: two cache lines, as lines are fetched in pairs.
  private static final int APART = 16;

  private static final int FILLED = APART;
  private static final int EMPTIED_SEEN = FILLED + 1;
  private static final int EMPTIED = 2 * APART;
  private static final int FILLED_SEEN = EMPTIED + 1;
  private static final int SPINS_BEFORE_YIELD = 1000;

  private final long[] counters = new long[3 * APART];
  private final int size;
  private volatile boolean ended;

  /// Makes a ring of empty slots; `size` is a power of two.
  SlotRing(int size) {
    this.size = size;
  }

  /// Producer: waits for an empty slot.
  int awaitEmpty() {
    long filled = counters[FILLED];
    int spins = 0;
    while (filled - counters[EMPTIED_SEEN] == size) {
      counters[EMPTIED_SEEN] = (long) COUNTER.getAcquire(counters, EMPTIED);
      spins = pause(spins);
    }
    return (int) filled & (size - 1);
  }

  /// Producer: hands over the slot that it got.
  void filled() {
    COUNTER.setRelease(counters, FILLED, counters[FILLED] + 1);
  }

  /// Producer: says that nothing will follow.
  void end() {
    ended = true;
  }

  /// Consumer: waits for a filled slot, or for [#ENDED].
  int awaitFilled() {
    long emptied = counters[EMPTIED];
    int spins = 0;
    while (emptied == counters[FILLED_SEEN]) {
      boolean last = ended;
      counters[FILLED_SEEN] = (long) COUNTER.getAcquire(counters, FILLED);
      if (last && emptied == counters[FILLED_SEEN]) {
        return ENDED;
      }
      spins = pause(spins);
    }
    return (int) emptied & (size - 1);
  }

  /// Consumer: gives the slot back that it got.
  void emptied() {
    COUNTER.setRelease(counters, EMPTIED, counters[EMPTIED] + 1);
  }

  @SuppressWarnings("ThreadPriorityCheck") // the other side may be waiting for this processor
  private static int pause(int spins) {
    if (spins < SPINS_BEFORE_YIELD) {
      Thread.onSpinWait();
      return spins + 1;
    }
    Thread.yield();
    return 0;
  }
}
