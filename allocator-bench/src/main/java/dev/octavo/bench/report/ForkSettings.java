package dev.octavo.bench.report;

import java.time.Duration;

/// What a fork measures, and how long.
///
/// @param warmups iterations that do not count, 0 or more
/// @param iterations iterations that count, 1 or more
/// @param millis length of an iteration
/// @param isCpuTime true for the CPU time of an operation, false for the time that passes
record ForkSettings(int warmups, int iterations, int millis, boolean isCpuTime) {

  /// Two starts of a JVM: JMH's own and that of its fork.
  private static final Duration START = Duration.ofMillis(800);

  /// Room for a benchmark's own preparations.
  private static final Duration SPARE = Duration.ofMinutes(1);

  private static final int LIMIT_FACTOR = 4;

  /// Returns how long a fork will take, roughly.
  Duration planned() {
    return START.plusMillis((long) millis * (warmups + iterations));
  }

  /// Returns the time after which a fork is taken for hanging.
  Duration limit() {
    return SPARE.plus(planned().multipliedBy(LIMIT_FACTOR));
  }
}
