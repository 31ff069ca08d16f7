package dev.octavo.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/// What was measured of one row of two builds: a pair of forks for each round.
///
/// @param pairs all pairs, in the order in which they were measured; none is ever left out
/// @param failure why a fork gave no result, or null
record BuildPairs(List<Pair> pairs, @Nullable String failure) {

  /// One fork of each build, run one directly after the other.
  ///
  /// @param isBeforeFirst true if the fork of `before` ran first
  /// @param beforeNanos median of its iterations, nanoseconds an operation takes one thread, above
  ///   0
  /// @param afterNanos the same of `after`
  record Pair(boolean isBeforeFirst, double beforeNanos, double afterNanos) {

    /// Returns after / before: above 1 `after` is slower, in every mode of JMH.
    double ratio() {
      return afterNanos / beforeNanos;
    }
  }

  /// A row of which nothing is measured yet.
  static final BuildPairs NONE = new BuildPairs(List.of(), null);

  /// Returns these pairs and one more.
  BuildPairs with(Pair pair) {
    List<Pair> more = new ArrayList<>(pairs);
    more.add(pair);
    return new BuildPairs(List.copyOf(more), failure);
  }

  /// Returns these pairs, as those of a row that has failed.
  BuildPairs withFailure(String cause) {
    return new BuildPairs(pairs, cause);
  }

  /// Returns the median over the forks of `before` in nanoseconds, or NaN if there is no pair.
  double beforeMedian() {
    return median(Pair::beforeNanos);
  }

  /// Returns the median over the forks of `after` in nanoseconds, or NaN if there is no pair.
  double afterMedian() {
    return median(Pair::afterNanos);
  }

  /// Returns the median of the ratios of the pairs, or NaN if there is no pair.
  double ratioMedian() {
    return median(Pair::ratio);
  }

  /// Returns the interval of the ratio, or null if there are too few pairs.
  @Nullable MedianInterval ratio() {
    return MedianInterval.of(values(Pair::ratio));
  }

  /// Returns the judgement on the row.
  Verdict verdict(double limit) {
    return failure == null ? Verdict.of(ratio(), limit) : Verdict.FAILED;
  }

  private double median(ToDoubleFunction<Pair> value) {
    return pairs.isEmpty() ? Double.NaN : Figure.of(values(value), "").median();
  }

  private double[] values(ToDoubleFunction<Pair> value) {
    return pairs.stream().mapToDouble(value).toArray();
  }
}
