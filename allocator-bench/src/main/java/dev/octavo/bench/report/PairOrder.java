package dev.octavo.bench.report;

import java.util.SplittableRandom;

/// The order of the two forks of a pair: random in each even round, reversed in the round after it.
///
/// So in every two rounds each build runs first once, and neither gains from a machine that slows
/// down or warms up; and no load that comes and goes in the rhythm of the rounds always meets the
/// same build. The order depends on the seed, the row and the round alone, so that a run can be
/// repeated row by row.
///
/// @param seed what all orders derive from
record PairOrder(long seed) {
  private static final long ROW_FACTOR = 0x9E3779B97F4A7C15L;

  /// Returns true if `before` runs first.
  ///
  /// @param row the text of the row
  /// @param round 0 or more
  boolean isBeforeFirst(String row, int round) {
    boolean isEven = round % 2 == 0;
    long rowSeed = seed ^ (row.hashCode() * ROW_FACTOR);
    return new SplittableRandom(rowSeed + round / 2).nextBoolean() == isEven;
  }
}
