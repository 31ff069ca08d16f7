package dev.octavo.bench.report;

import org.jspecify.annotations.Nullable;

/// What is to hold of a run.
///
/// @param text what is measured, in words
/// @param measure how
/// @param bound which side of the limit is good
/// @param limit the last value that is good
/// @param aim what is wished for beyond the limit, or null
record Bar(String text, Measure measure, Bound bound, double limit, @Nullable Double aim) {

  /// Which side of a limit is good.
  enum Bound {
    AT_MOST("<="),
    AT_LEAST(">=");

    private final String sign;

    Bound(String sign) {
      this.sign = sign;
    }

    /// Returns the sign that stands before the limit.
    String sign() {
      return sign;
    }
  }

  /// What a run says about a bar.
  enum Mark {
    OK("ok"),
    MISSED("MISSED"),
    ABSENT("absent");

    private final String text;

    Mark(String text) {
      this.text = text;
    }

    /// Returns the word in the table.
    String text() {
      return text;
    }
  }

  /// Returns the mark for a value; null stands for rows that are not there.
  Mark mark(Measure.@Nullable Value measured) {
    if (measured == null) {
      return Mark.ABSENT;
    }
    boolean isGood = bound == Bound.AT_MOST ? measured.value() <= limit : measured.value() >= limit;
    return isGood ? Mark.OK : Mark.MISSED;
  }
}
