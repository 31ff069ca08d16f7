package dev.octavo.bench.report;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Figures as the tables write them, the same in every locale.
final class Numbers {
  static final String NONE = "-";

  private Numbers() {}

  /// Returns nanoseconds: `1.52`, `38.0`, `1,234`.
  static String nanos(double value) {
    if (value >= 1000) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    return String.format(Locale.ROOT, value < 10 ? "%.2f" : "%.1f", value);
  }

  /// Returns a ratio: `0.0042`, `0.118`, `1.02`, `5,120`.
  static String ratio(double value) {
    if (value >= 100) {
      return String.format(Locale.ROOT, "%,.0f", value);
    }
    if (value >= 1) {
      return String.format(Locale.ROOT, "%.2f", value);
    }
    return String.format(Locale.ROOT, value < 0.01 ? "%.5f" : "%.3f", value);
  }

  /// Returns bytes of garbage an operation, or [#NONE] where nobody looked.
  ///
  /// Less than half a byte an operation is what the benchmark's own loop leaves.
  static String garbage(@Nullable Figure bytes) {
    return bytes == null ? NONE : String.format(Locale.ROOT, "%,.0f", bytes.median());
  }

  /// Returns a limit or an aim without needless digits.
  static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
