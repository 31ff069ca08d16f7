package dev.octavo.bench.report;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A confidence interval of the median of a sample, from its order statistics.
///
/// Each value of the sample is above the true median with probability 1/2, so the number of values
/// above it is binomial. The interval from the k-th smallest value to the k-th largest misses the
/// true median with probability `2 P(Bin(n, 1/2) < k)`; k is the largest number for which that is
/// at most 5 %. This holds exactly for every distribution of the values, however long its tails
/// are, and k - 1 disturbed values at either end do not move the interval. A bootstrap of the
/// median has neither property at the ten to thirty pairs that a comparison has, and needs a seed.
/// An interval from means or from Walsh averages would be narrower on quiet machines, but one pair
/// that a neighbour's build disturbed is enough to widen it.
///
/// Source: H. A. David and H. N. Nagaraja, "Order Statistics", section 7.1.
///
/// @param median the median of the sample
/// @param low the lower end, the k-th smallest value
/// @param high the upper end, the k-th largest value
/// @param confidence the probability that the interval covers the true median, 0.95 or more
record MedianInterval(double median, double low, double high, double confidence) {

  /// The smallest sample for which even the extremes cover the median with 95 %.
  static final int MIN_SIZE = 6;

  /// The largest sample; `2^-n` is still a normal number.
  static final int MAX_SIZE = 1000;

  private static final double MAX_MISS = 0.05;

  /// Returns the interval of a sample, or null if it has fewer than [#MIN_SIZE] values.
  ///
  /// @throws IllegalArgumentException if it has more than [#MAX_SIZE]
  static @Nullable MedianInterval of(double[] values) {
    int size = values.length;
    if (size > MAX_SIZE) {
      throw new IllegalArgumentException("sample too large: size=" + size + ", max=" + MAX_SIZE);
    }
    if (size < MIN_SIZE) {
      return null;
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double probability = Math.pow(0.5, size);
    double tail = 0;
    int rank = 0;
    while (2 * (tail + probability) <= MAX_MISS) {
      tail += probability;
      rank++;
      probability *= (double) (size - rank + 1) / rank;
    }
    return new MedianInterval(
        Figure.of(sorted, "").median(), sorted[rank - 1], sorted[size - rank], 1 - 2 * tail);
  }
}
