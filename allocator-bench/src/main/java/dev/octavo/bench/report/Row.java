package dev.octavo.bench.report;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One result of a run.
///
/// @param name benchmark, parameters and threads
/// @param mode JMH's short name of the mode: `avgt`, `thrpt`, `sample`, `ss`
/// @param cost time an operation takes one thread, in nanoseconds, whatever the mode
/// @param secondary what profilers and counters added, by name
record Row(RowName name, String mode, Figure cost, Map<String, Figure> secondary) {
  private static final String GARBAGE = "gc.alloc.rate.norm";

  /// Returns the bytes of garbage an operation makes, or null if no profiler looked.
  @Nullable Figure garbageBytes() {
    return secondary.get(GARBAGE);
  }

  /// Returns operations a nanosecond, all threads together.
  double throughput() {
    return name.threads() / cost.median();
  }
}
