package dev.octavo.allocator.internal.reclaim;

import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;

/// A clock for one thread that sleeps for no time at all: who parks either makes the next thing
/// happen that a test has planned, or jumps to the end of the sleep.
public final class JumpingClock implements WaitClock {

  static final long MILLI = 1_000_000;
  static final long SECOND = 1000 * MILLI;

  private final Queue<Runnable> events = new ArrayDeque<>();
  private final Set<Thread> permits = new HashSet<>();
  private Runnable beforeNextLook = () -> {};

  /// Overflows soon, as it may.
  private long now = Long.MAX_VALUE - SECOND;

  /// Makes this happen in the next sleep that nothing else was planned for. The sleep then ends.
  public void plan(Runnable event) {
    events.add(event);
  }

  /// Runs something before the next look at the clock.
  void beforeNextLook(Runnable event) {
    beforeNextLook = event;
  }

  public void advance(long nanos) {
    now += nanos;
  }

  /// Whether the thread would not sleep.
  boolean isWoken(Thread thread) {
    return permits.contains(thread);
  }

  @Override
  public long nanoTime() {
    Runnable event = beforeNextLook;
    beforeNextLook = () -> {};
    event.run();
    return now;
  }

  @Override
  public void park(Object blocker, long nanos) {
    Thread me = Thread.currentThread();
    if (permits.remove(me) || me.isInterrupted()) {
      return;
    }
    Runnable event = events.poll();
    if (event == null) {
      now += nanos;
    } else {
      event.run();
      permits.remove(me);
    }
  }

  @Override
  public void unpark(Thread thread) {
    permits.add(thread);
  }
}
