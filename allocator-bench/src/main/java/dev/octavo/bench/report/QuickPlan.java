package dev.octavo.bench.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.openjdk.jmh.runner.BenchmarkListEntry;

/// What the quick set runs: every row of a bar, and enough rows beside them for a first look.
final class QuickPlan {
  private static final List<String> SMALL = List.of("4096");
  private static final List<String> SOME_PEERS =
      List.of(
          Peers.RUN,
          Peers.SEGMENT,
          Peers.NETTY_POOLED,
          Peers.NETTY_ADAPTIVE,
          Peers.MALLOC,
          Peers.MIMALLOC);
  private static final Map<String, List<String>> OURS =
      Map.of("peer", List.of(Peers.RUN, Peers.SEGMENT));
  private static final List<String> SIMPLE = List.of("pair", "liveSet");
  private static final Map<String, List<String>> LLFREE_PARAMS =
      Map.of("order", List.of("0", "9", "12"), "strategy", List.of(Peers.STRATEGY, "linux"));

  /// Benchmarks of one class that are run alike.
  ///
  /// @param className simple name
  /// @param methods which of its benchmarks; empty for all
  /// @param threads how many threads
  /// @param params values to choose of those the benchmark has; a parameter not named keeps all
  record Step(
      String className, List<String> methods, int threads, Map<String, List<String>> params) {

    private boolean covers(BenchmarkListEntry entry) {
      String[] name = simpleName(entry.getUsername()).split("\\.", -1);
      return name[0].equals(className) && (methods.isEmpty() || methods.contains(name[1]));
    }

    /// Returns those of a parameter's values that are run.
    private Stream<String> choose(String param, String[] values) {
      List<String> chosen = params.get(param);
      return Arrays.stream(values).filter(value -> chosen == null || chosen.contains(value));
    }

    @Override
    public String toString() {
      return className + (methods.isEmpty() ? "" : "." + String.join("|", methods));
    }
  }

  /// One benchmark with the values of its parameters; a row for each combination.
  ///
  /// @param benchmark JMH's full name
  /// @param threads how many threads
  /// @param params the values of each parameter
  record Job(String benchmark, int threads, SortedMap<String, List<String>> params) {

    /// Returns how many rows there will be.
    int rowCount() {
      return params.values().stream().mapToInt(List::size).reduce(1, Math::multiplyExact);
    }
  }

  /// All steps, in the order of the run.
  static final List<Step> STEPS =
      List.of(
          new Step("PairPeersBenchmark", List.of(), 1, Map.of()),
          new Step("LiveSetBenchmark", List.of(), 1, Map.of("byteSize", SMALL)),
          new Step(
              "LifetimeBenchmark", List.of(), 1, Map.of("byteSize", SMALL, "peer", SOME_PEERS)),
          new Step("BatchBenchmark", List.of(), 1, Map.of("byteSize", SMALL, "peer", SOME_PEERS)),
          new Step("LatencyBenchmark", List.of(), 1, Map.of("peer", SOME_PEERS)),
          new Step("CascadeBenchmark", List.of("splitAndMerge"), 1, Map.of("order", List.of("18"))),
          new Step("BulkBenchmark", List.of(), 1, Map.of()),
          new Step("TrimBenchmark", List.of("exact", "trimmed"), 1, Map.of()),
          new Step("CapacityBenchmark", SIMPLE, 1, Map.of("capacity", List.of("64m", "1t"))),
          new Step("ThreadsBenchmark", SIMPLE, 1, OURS),
          new Step(
              "LlfreeBenchmark",
              List.of("bulkGet", "bulkPut", "repeat", "churn"),
              1,
              LLFREE_PARAMS),
          new Step("ArenaBenchmark", List.of(), 1, Map.of("byteSize", List.of("4096", "135168"))),
          new Step("ScopeBenchmark", List.of(), 1, Map.of()),
          new Step(
              "GuardBenchmark",
              List.of("unguarded", "checkOff", "checkNeverEntered", "enterExit"),
              1,
              Map.of()),
          new Step("GuardedPairBenchmark", List.of(), 1, Map.of()),
          new Step(
              "OomSelectionBenchmark",
              List.of(),
              1,
              Map.of("policy", List.of("kernel"), "candidates", List.of("10", "1000", "100000"))),
          new Step("ChargeBenchmark", List.of(), 1, Map.of()),
          new Step("AccountPairBenchmark", List.of(), 1, Map.of()),
          new Step("ProducerConsumerBenchmark", List.of(), 1, Map.of("byteSize", SMALL)),
          new Step("ChargeBenchmark", List.of("batched", "strict"), 2, Map.of()),
          new Step("AccountPairBenchmark", List.of(), 2, Map.of()),
          new Step("ThreadsBenchmark", SIMPLE, 2, OURS),
          new Step("LlfreeBenchmark", List.of("churn", "randPut"), 2, LLFREE_PARAMS),
          new Step("ThreadsBenchmark", SIMPLE, 16, OURS));

  private final Predicate<String> isPresent;
  private final SortedSet<String> absent = new TreeSet<>();
  private final List<Job> jobs = new ArrayList<>();
  private final List<Step> missing = new ArrayList<>();

  /// Plans the steps with the benchmarks there are.
  ///
  /// @param filter of these only such whose class and method it finds
  /// @param isPresent says whether a peer is on this machine; rows of others are left out
  QuickPlan(
      Collection<BenchmarkListEntry> benchmarks, Pattern filter, Predicate<String> isPresent) {
    this.isPresent = isPresent;
    for (Step step : STEPS) {
      List<BenchmarkListEntry> covered = benchmarks.stream().filter(step::covers).toList();
      if (covered.isEmpty()) {
        missing.add(step);
      }
      covered.stream()
          .filter(entry -> filter.matcher(simpleName(entry.getUsername())).find())
          .filter(entry -> canRun(methodName(entry)))
          .map(entry -> job(step, entry))
          .filter(job -> job.rowCount() > 0)
          .forEach(jobs::add);
    }
  }

  /// Returns what to run.
  List<Job> jobs() {
    return jobs;
  }

  /// Returns the steps that no benchmark fits.
  List<Step> stepsWithoutBenchmark() {
    return missing;
  }

  /// Returns the peers whose rows are left out.
  Set<String> absentPeers() {
    return absent;
  }

  /// Returns how many rows there will be.
  int rowCount() {
    return jobs.stream().mapToInt(Job::rowCount).sum();
  }

  private Job job(Step step, BenchmarkListEntry entry) {
    SortedMap<String, List<String>> params = new TreeMap<>();
    entry
        .getParams()
        .orElse(Map.of())
        .forEach(
            (name, values) ->
                params.put(name, step.choose(name, values).filter(this::canRun).toList()));
    return new Job(entry.getUsername(), step.threads(), params);
  }

  /// Returns false for the name of a peer that is not on this machine.
  private boolean canRun(String name) {
    boolean canRun = !Peers.isPeer(name) || isPresent.test(name);
    if (!canRun) {
      absent.add(name);
    }
    return canRun;
  }

  private static String methodName(BenchmarkListEntry entry) {
    return entry.getUsername().substring(entry.getUsername().lastIndexOf('.') + 1);
  }

  private static String simpleName(String benchmark) {
    int method = benchmark.lastIndexOf('.');
    return benchmark.substring(benchmark.lastIndexOf('.', method - 1) + 1);
  }
}
