package dev.octavo.bench.report;

import dev.octavo.bench.report.BuildPairs.Pair;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.LongSupplier;

/// Prints a line for each pair of forks: its number, the time gone, an estimate of the time left,
/// and both figures.
final class BuildProgress {
  private final PrintWriter err;
  private final long plannedPairNanos;
  private final LongSupplier clock;
  private final long startNanos;
  private int expected;
  private int skipped;
  private int begun;

  /// Starts the clock.
  ///
  /// @param plannedPair what a pair will take, until one has been measured
  /// @param clock a source of nanoseconds, as `System.nanoTime`
  BuildProgress(PrintWriter err, Duration plannedPair, LongSupplier clock) {
    this.err = err;
    this.plannedPairNanos = plannedPair.toNanos();
    this.clock = clock;
    this.startNanos = clock.getAsLong();
  }

  /// Announces more pairs.
  void expect(int pairs) {
    expected += pairs;
  }

  /// Takes back the announcement of a pair.
  void skip() {
    skipped++;
  }

  /// Prints that a pair begins.
  void begin(BuildRow row) {
    long elapsed = clock.getAsLong() - startNanos;
    long pairNanos = begun == 0 ? plannedPairNanos : elapsed / begun;
    int total = expected - skipped;
    err.printf(
        "[%4d/%d] %s gone, %s left  %s",
        begun + 1,
        total,
        QuickProgress.clock(elapsed),
        QuickProgress.clock(pairNanos * (total - begun)),
        row);
    err.flush();
    begun++;
  }

  /// Prints what the pair gave.
  void end(Pair pair) {
    err.printf(
        "  before %s, after %s ns/op%n",
        Numbers.nanos(pair.beforeNanos()), Numbers.nanos(pair.afterNanos()));
    err.flush();
  }

  /// Prints why the pair gave nothing.
  void fail(String cause) {
    err.println("  FAILED");
    err.println(cause);
    err.flush();
  }
}
