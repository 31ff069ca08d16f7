package dev.octavo.allocator;

import dev.octavo.allocator.internal.cache.PagePool;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Looks at the free memory of one allocator several times a delay, until it is closed or nobody
/// refers to it any more.
///
/// What is free is due at the third look after it was freed: with four looks a delay, when between
/// half and three quarters of the delay are over. The last quarter is left for the work.
final class PurgeTimer implements Runnable {

  private static final Logger LOG = LoggerFactory.getLogger(PurgeTimer.class);

  private static final int LOOKS_A_DELAY = PagePool.LOOKS_UNTIL_PURGE + 1;
  private static final long OVER = -1;

  private final WeakReference<PagePool> pool;
  private final long interval;
  private final LongSupplier clock;
  private long due;

  /// @param pool where to look; nothing else may keep it alive but the allocator
  /// @param clock nanoseconds that only grow, from anywhere on
  PurgeTimer(PagePool pool, Duration delay, LongSupplier clock) {
    this.pool = new WeakReference<>(pool);
    this.clock = clock;
    interval = delay.toNanos() / LOOKS_A_DELAY;
    due = clock.getAsLong() + interval;
  }

  /// Looks, if it is time.
  ///
  /// @return nanoseconds until the next look, or a negative number if there is none
  long tick() {
    PagePool open = pool.get();
    if (open == null || open.isClosed()) {
      return OVER;
    }
    long now = clock.getAsLong();
    if (now - due >= 0) {
      open.look();
      due = now + interval;
    }
    return Math.max(0, due - clock.getAsLong());
  }

  /// A thread that ticks; not started.
  Thread thread(String name) {
    return Thread.ofPlatform()
        .daemon()
        .name("octavo-purge-" + name)
        .inheritInheritableThreadLocals(false)
        .unstarted(this);
  }

  @Override
  public void run() {
    try {
      for (long wait = tick(); wait >= 0; wait = tick()) {
        LockSupport.parkNanos(this, wait);
      }
    } catch (RuntimeException e) {
      LOG.error("free memory is not purged any more", e);
    }
  }
}
