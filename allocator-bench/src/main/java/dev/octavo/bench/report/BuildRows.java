package dev.octavo.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;

/// Reads which rows a build's `benchmarks.jar` has, from JMH's list of benchmarks in it.
final class BuildRows {
  private static final String LIST = BenchmarkList.BENCHMARK_LIST.substring(1);

  /// The rows to compare.
  ///
  /// @param filters regular expressions, one of which finds the full name; empty means all
  /// @param params values of parameters instead of the benchmark's own, by name
  /// @param threads numbers of threads instead of the benchmark's own; empty means its own
  record Selection(List<Pattern> filters, Map<String, List<String>> params, List<Integer> threads) {

    private boolean hasBenchmark(BenchmarkListEntry entry) {
      return filters.isEmpty()
          || filters.stream().anyMatch(filter -> filter.matcher(entry.getUsername()).find());
    }
  }

  private final Selection selection;
  private final Predicate<String> isPresent;
  private final SortedSet<String> absentPeers = new TreeSet<>();

  /// Prepares the reading of jars.
  ///
  /// @param isPresent returns whether a peer is on this machine; rows of others are left out
  BuildRows(Selection selection, Predicate<String> isPresent) {
    this.selection = selection;
    this.isPresent = isPresent;
  }

  /// Returns the peers whose rows were left out so far.
  SortedSet<String> absentPeers() {
    return absentPeers;
  }

  /// Returns the selected rows of a jar, of which there is at least one.
  ///
  /// @throws ReportException if the jar does not exist, is not a jar of benchmarks, has no selected
  ///   row, or has no selected row with one of the parameters
  SortedSet<BuildRow> in(Path jar) throws ReportException {
    List<BenchmarkListEntry> entries =
        list(jar).stream().filter(selection::hasBenchmark).filter(this::canRun).toList();
    SortedSet<BuildRow> rows = new TreeSet<>();
    entries.forEach(entry -> addRows(entry, rows));
    if (rows.isEmpty()) {
      throw new ReportException(
          "no benchmark is selected: jar=" + jar + ", regex=" + selection.filters());
    }
    for (String param : selection.params().keySet()) {
      if (rows.stream().noneMatch(row -> row.name().params().containsKey(param))) {
        throw new ReportException(
            "no selected benchmark has the parameter: jar=" + jar + ", name=" + param);
      }
    }
    return rows;
  }

  private static List<BenchmarkListEntry> list(Path jar) throws ReportException {
    if (!Files.isRegularFile(jar)) {
      throw new ReportException("jar does not exist: path=" + jar);
    }
    try (JarFile file = new JarFile(jar.toFile())) {
      ZipEntry list = file.getEntry(LIST);
      if (list == null) {
        throw new ReportException("jar has no benchmarks: path=" + jar + ", missing=" + LIST);
      }
      try (InputStream in = file.getInputStream(list)) {
        return BenchmarkList.readBenchmarkList(in);
      }
    } catch (IOException | IllegalStateException e) {
      throw new ReportException("jar cannot be read: path=" + jar + ", cause=" + e.getMessage());
    }
  }

  private void addRows(BenchmarkListEntry entry, SortedSet<BuildRow> rows) {
    List<Integer> threads = selection.threads();
    boolean hasOwnThreads = threads.isEmpty();
    for (int count : hasOwnThreads ? List.of(entry.getThreads().orElse(1)) : threads) {
      for (Map<String, String> params : combinations(entry)) {
        RowName name = RowName.of(simpleName(entry.getUsername()), params, count);
        rows.add(
            new BuildRow(entry.getUsername(), name, entry.getMode().shortLabel(), hasOwnThreads));
      }
    }
  }

  /// Returns every combination of the parameters' values.
  private List<Map<String, String>> combinations(BenchmarkListEntry entry) {
    List<Map<String, String>> combinations = List.of(Map.of());
    for (Map.Entry<String, String[]> param : entry.getParams().orElse(Map.of()).entrySet()) {
      List<String> values =
          selection.params().getOrDefault(param.getKey(), List.of(param.getValue()));
      List<Map<String, String>> longer = new ArrayList<>();
      for (Map<String, String> start : combinations) {
        for (String value : values.stream().filter(this::canRun).toList()) {
          Map<String, String> combination = new HashMap<>(start);
          combination.put(param.getKey(), value);
          longer.add(combination);
        }
      }
      combinations = longer;
    }
    return combinations;
  }

  private boolean canRun(BenchmarkListEntry entry) {
    return canRun(entry.getUsername().substring(entry.getUsername().lastIndexOf('.') + 1));
  }

  /// Returns false for the name of a peer that is not on this machine.
  private boolean canRun(String name) {
    boolean canRun = !Peers.isPeer(name) || isPresent.test(name);
    if (!canRun) {
      absentPeers.add(name);
    }
    return canRun;
  }

  private static String simpleName(String benchmark) {
    int method = benchmark.lastIndexOf('.');
    return benchmark.substring(benchmark.lastIndexOf('.', method - 1) + 1);
  }
}
