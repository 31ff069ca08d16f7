package dev.octavo.bench.report;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;

/// The rounds of a comparison: each measures one pair of forks of every row.
///
/// All rows get the same number of rounds first. As long as rows are unclear, these alone get as
/// many again, up to a maximum. Each of these looks at the intervals can err with at most 2.5 % to
/// either side, so the probability of a wrong `slower` or a wrong `ok` for a row whose true ratio
/// is at the limit is at most 2.5 % times the number of looks.
///
/// | shared word | writers | order | test that fails without |
/// |---|---|---|---|
/// | `results` | the thread in `run`; a shutdown hook reads | a concurrent map of immutable values | none, a reader may see the row of one pair less |
/// | `isStopped` | any thread, by `stop` | volatile | `BuildRoundsTest.stopEndsTheRounds` |
final class BuildRounds {

  /// How much is measured, and against what it is judged.
  ///
  /// @param forks pairs of each row, and pairs added to an unclear row at a time
  /// @param maxForks pairs of an unclear row at most
  /// @param ratio the largest ratio after/before that is `ok`
  record Limits(int forks, int maxForks, double ratio) {}

  private final Limits limits;
  private final PairRunner runner;
  private final BuildProgress progress;
  private final ConcurrentSkipListMap<BuildRow, BuildPairs> results = new ConcurrentSkipListMap<>();
  private volatile boolean isStopped;

  BuildRounds(Collection<BuildRow> rows, Limits limits, PairRunner runner, BuildProgress progress) {
    this.limits = limits;
    this.runner = runner;
    this.progress = progress;
    rows.forEach(row -> results.put(row, BuildPairs.NONE));
  }

  /// Measures until every row is clear, failed or at its maximum, or until [#stop].
  void run() {
    List<BuildRow> open = List.copyOf(results.keySet());
    int end;
    for (int start = 0; start < limits.maxForks() && !open.isEmpty(); start = end) {
      end = Math.min(start + limits.forks(), limits.maxForks());
      progress.expect(open.size() * (end - start));
      for (int round = start; round < end; round++) {
        for (BuildRow row : open) {
          measure(row, round);
        }
      }
      open = open.stream().filter(this::isUnclear).toList();
    }
  }

  /// Ends the rounds: no fork starts any more, and the failure of the running one is not recorded.
  void stop() {
    isStopped = true;
  }

  /// Returns true after [#stop].
  boolean isStopped() {
    return isStopped;
  }

  /// Returns what was measured so far, of every row.
  SortedMap<BuildRow, BuildPairs> results() {
    return Collections.unmodifiableSortedMap(results);
  }

  private boolean isUnclear(BuildRow row) {
    return pairs(row).verdict(limits.ratio()) == Verdict.UNCLEAR;
  }

  private BuildPairs pairs(BuildRow row) {
    return results.getOrDefault(row, BuildPairs.NONE);
  }

  private void measure(BuildRow row, int round) {
    if (isStopped || pairs(row).failure() != null) {
      progress.skip();
      return;
    }
    progress.begin(row);
    try {
      BuildPairs.Pair pair = runner.run(row, round);
      results.put(row, pairs(row).with(pair));
      progress.end(pair);
    } catch (ReportException e) {
      if (!isStopped) {
        String cause = String.valueOf(e.getMessage());
        results.put(row, pairs(row).withFailure(cause));
        progress.fail(cause);
      }
    }
  }
}
