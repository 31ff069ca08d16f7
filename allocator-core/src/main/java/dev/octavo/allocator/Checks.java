package dev.octavo.allocator;

import java.time.Duration;

/// Checks of arguments; each error names the rule and the value.
final class Checks {

  private static final Duration MOST = Duration.ofNanos(Long.MAX_VALUE);

  private Checks() {}

  static void range(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + " out of range: value=" + value + ", min=" + min + ", max=" + max);
    }
  }

  static void powerOfTwo(String name, long value) {
    if (value < 1 || (value & value - 1) != 0) {
      throw new IllegalArgumentException(name + " must be a power of two: value=" + value);
    }
  }

  /// A duration in nanoseconds, or the most there are.
  static long nanos(String name, Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException(name + " must not be negative: value=" + duration);
    }
    return duration.compareTo(MOST) > 0 ? Long.MAX_VALUE : duration.toNanos();
  }

  static void neverWaits(AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING) {
      throw new IllegalArgumentException("a try never waits: mode=" + mode);
    }
  }

  static void multiple(String name, long value, long divisor) {
    if (value % divisor != 0) {
      throw new IllegalArgumentException(
          name + " must be a multiple of the page size: value=" + value + ", pageSize=" + divisor);
    }
  }
}
