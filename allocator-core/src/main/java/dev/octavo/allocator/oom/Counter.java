package dev.octavo.allocator.oom;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// A number that many threads change. Its accesses are methods so that tests can run other threads
/// just before them; with no subclass loaded the calls are static to the compiler.
class Counter {

  private static final VarHandle VALUE;

  static {
    try {
      VALUE = MethodHandles.lookup().findVarHandle(Counter.class, "value", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("UnusedVariable") // by VALUE
  private volatile long value;

  long get() {
    return value;
  }

  boolean compareAndSet(long expected, long update) {
    return VALUE.compareAndSet(this, expected, update);
  }

  /// Returns the value before.
  long getAndAdd(long delta) {
    return (long) VALUE.getAndAdd(this, delta);
  }

  /// Adds unless the sum exceeds `most`, or the value is negative.
  ///
  /// @param delta not negative
  final boolean tryAdd(long delta, long most) {
    long old = get();
    while (old >= 0 && delta <= most - old) {
      if (compareAndSet(old, old + delta)) {
        return true;
      }
      old = get();
    }
    return false;
  }

  /// Subtracts unless more is asked for than there is.
  ///
  /// @param delta not negative
  final boolean trySubtract(long delta) {
    long old = get();
    while (delta <= old) {
      if (compareAndSet(old, old - delta)) {
        return true;
      }
      old = get();
    }
    return false;
  }

  /// Raises the value to `least` if it is lower.
  final void raiseTo(long least) {
    long old = get();
    while (old < least && !compareAndSet(old, least)) {
      old = get();
    }
  }
}
