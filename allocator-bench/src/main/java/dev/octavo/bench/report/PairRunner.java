package dev.octavo.bench.report;

import dev.octavo.bench.report.BuildPairs.Pair;
import java.nio.file.Path;

/// Runs the two forks of a pair, one directly after the other, in the order of its round.
///
/// @param launcher runs a fork
/// @param before the jar of the build that is the measure
/// @param after the jar of the build that is judged
/// @param order which of the two runs first
record PairRunner(ForkLauncher launcher, Path before, Path after, PairOrder order) {

  /// Returns a pair of a row.
  ///
  /// @throws ReportException if a fork failed; the message starts with the name of the build
  Pair run(BuildRow row, int round) throws ReportException {
    if (order.isBeforeFirst(row.toString(), round)) {
      double beforeNanos = runBefore(row);
      return new Pair(true, beforeNanos, runAfter(row));
    }
    double afterNanos = runAfter(row);
    return new Pair(false, runBefore(row), afterNanos);
  }

  private double runBefore(BuildRow row) throws ReportException {
    return run("before", before, row);
  }

  private double runAfter(BuildRow row) throws ReportException {
    return run("after", after, row);
  }

  private double run(String build, Path jar, BuildRow row) throws ReportException {
    try {
      return launcher.run(jar, row);
    } catch (ReportException e) {
      throw new ReportException(build + ": " + e.getMessage());
    }
  }
}
