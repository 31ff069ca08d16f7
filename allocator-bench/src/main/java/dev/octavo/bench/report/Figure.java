package dev.octavo.bench.report;

import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/// One measured quantity of a row, over all iterations of all forks.
///
/// @param median what counts: one bad iteration does not move it
/// @param low the smallest value
/// @param high the largest value
/// @param unit JMH's name of the unit
record Figure(double median, double low, double high, String unit) {

  /// Returns the figure of these values, of which there is at least one.
  static Figure of(double[] values, String unit) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Figure(median, sorted[0], sorted[sorted.length - 1], unit);
  }

  /// Returns this figure in another unit; a conversion that turns the order around swaps the
  /// extremes.
  Figure map(DoubleUnaryOperator conversion, String newUnit) {
    double one = conversion.applyAsDouble(low);
    double other = conversion.applyAsDouble(high);
    return new Figure(
        conversion.applyAsDouble(median), Math.min(one, other), Math.max(one, other), newUnit);
  }

  /// Returns true if the ranges of the two figures have a value in common.
  boolean overlaps(Figure other) {
    return low <= other.high && other.low <= high;
  }
}
