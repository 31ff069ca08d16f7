package dev.octavo.bench.report;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Names the one row of a run that a bar looks at.
///
/// @param benchmark simple class name and method
/// @param params all its parameters; a row with others is another row
/// @param threads how many threads, or [#ANY] where the benchmark itself says how many
record Pick(String benchmark, Map<String, String> params, int threads) {
  static final int ANY = 0;

  /// Returns the row, or null if the run has none; of several the one with the fewest threads.
  @Nullable Row in(Run run) {
    return run.rows(benchmark, params)
        .filter(row -> threads == ANY || row.name().threads() == threads)
        .findFirst()
        .orElse(null);
  }

  /// Returns this row with one more parameter.
  Pick with(String param, Object value) {
    Map<String, String> more = new TreeMap<>(params);
    more.put(param, String.valueOf(value));
    return new Pick(benchmark, more, threads);
  }
}
