package dev.octavo.allocator.oom;

/// The share of time that was lost, as decaying averages in the kernel's fixed point arithmetic
/// (`calc_load` and `calc_avgs`, kernel/sched/psi.c).
final class StallAverages {

  /// The averages move once in so many nanoseconds.
  static final long PERIOD_NANOS = 2_000_000_000L;

  private static final int FRACTION_BITS = 11;
  private static final long ONE = 1L << FRACTION_BITS;
  private static final long PERCENT = 100;

  /// `ONE / e^(2 s / window)` for windows of 10, 60 and 300 s.
  private static final long[] DECAY = {1677, 1981, 2034};

  private final long[] averages = new long[DECAY.length];
  private long totalNanos;
  private long nanosInPeriod;

  /// Adds lost time of the current period.
  void lose(long nanos) {
    totalNanos += nanos;
    nanosInPeriod += nanos;
  }

  void endPeriod() {
    long sample = PERCENT * nanosInPeriod / PERIOD_NANOS * ONE;
    nanosInPeriod = 0;
    for (int i = 0; i < DECAY.length; i++) {
      averages[i] = next(averages[i], DECAY[i], sample);
    }
  }

  private static long next(long average, long decay, long sample) {
    long sum = average * decay + sample * (ONE - decay);
    return (sample >= average ? sum + ONE - 1 : sum) / ONE;
  }

  /// Whether more periods like this change no average.
  ///
  /// @param isLost all of their time, or nothing
  boolean isSettled(boolean isLost) {
    long sample = isLost ? PERCENT * ONE : 0;
    for (int i = 0; i < DECAY.length; i++) {
      if (next(averages[i], DECAY[i], sample) != averages[i]) {
        return false;
      }
    }
    return true;
  }

  /// Adds lost time of periods that change no average.
  void loseSettled(long nanos) {
    totalNanos += nanos;
  }

  long totalNanos() {
    return totalNanos;
  }

  MemoryPressure.Figures figures() {
    return new MemoryPressure.Figures(percent(0), percent(1), percent(2), totalNanos);
  }

  /// With two decimals, as the kernel prints it.
  private double percent(int window) {
    long average = averages[window];
    long hundredths = ((average & (ONE - 1)) * PERCENT) >> FRACTION_BITS;
    return (double) ((average >> FRACTION_BITS) * PERCENT + hundredths) / PERCENT;
  }
}
