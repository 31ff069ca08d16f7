package dev.octavo.bench.report;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The judgement on a row of two builds: whether `after` is slower than `before` by more than a
/// limit.
enum Verdict {
  /// The whole interval of the ratio is at or below the limit.
  OK,
  /// The whole interval of the ratio is above the limit.
  SLOWER,
  /// The limit is inside the interval, or there are too few pairs for an interval.
  UNCLEAR,
  /// A fork of the row gave no result.
  FAILED;

  /// Judges an interval of ratios after/before; null means that there is none.
  static Verdict of(@Nullable MedianInterval ratio, double limit) {
    if (ratio == null) {
      return UNCLEAR;
    }
    if (ratio.high() <= limit) {
      return OK;
    }
    return ratio.low() > limit ? SLOWER : UNCLEAR;
  }

  /// Returns the name as tables and files have it.
  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
