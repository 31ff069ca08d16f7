package dev.octavo.bench.report;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/// JMH's units, and the one that all tables use: nanoseconds an operation takes one thread.
final class TimeUnits {
  static final String NANOS = "ns/op";

  private static final String TIME_SUFFIX = "/op";
  private static final String RATE_PREFIX = "ops/";

  private static final Map<String, Double> NANOS_OF =
      Map.of("ns", 1.0, "us", 1e3, "ms", 1e6, "s", 1e9, "min", 60e9, "hr", 3600e9, "day", 86400e9);

  private TimeUnits() {}

  /// Returns a time or a rate as nanoseconds an operation, or null if its unit is neither.
  ///
  /// A rate is that of all threads together, as JMH reports it.
  static @Nullable Figure toNanos(Figure figure, int threads) {
    String unit = figure.unit();
    if (unit.endsWith(TIME_SUFFIX)) {
      Double nanos = NANOS_OF.get(unit.substring(0, unit.length() - TIME_SUFFIX.length()));
      return nanos == null ? null : figure.map(time -> time * nanos, NANOS);
    }
    if (unit.startsWith(RATE_PREFIX)) {
      Double nanos = NANOS_OF.get(unit.substring(RATE_PREFIX.length()));
      return nanos == null ? null : figure.map(rate -> threads * nanos / rate, NANOS);
    }
    return null;
  }
}
