package dev.octavo.allocator.internal.reclaim;

import java.util.concurrent.locks.LockSupport;

/// The time, and sleeping and waking by it; tests have one that jumps.
public interface WaitClock {

  /// The machine's.
  WaitClock SYSTEM =
      new WaitClock() {
        @Override
        public long nanoTime() {
          return System.nanoTime();
        }

        @Override
        public void park(Object blocker, long nanos) {
          LockSupport.parkNanos(blocker, nanos);
        }

        @Override
        public void unpark(Thread thread) {
          LockSupport.unpark(thread);
        }
      };

  /// Nanoseconds from anywhere on; only differences mean something.
  long nanoTime();

  /// Sleeps until woken by [#unpark], which may have happened before, until the time is over or the
  /// thread is interrupted; it may also return for no reason.
  ///
  /// @param blocker shown in thread dumps
  void park(Object blocker, long nanos);

  void unpark(Thread thread);
}
