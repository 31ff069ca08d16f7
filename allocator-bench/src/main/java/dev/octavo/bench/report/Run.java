package dev.octavo.bench.report;

import java.util.Collection;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The rows of one file, by name.
final class Run {
  private final SortedMap<RowName, Row> rows;

  /// Makes a run; of rows with one name the last counts.
  Run(Collection<Row> rows) {
    this.rows =
        rows.stream().collect(Collectors.toMap(Row::name, row -> row, (a, b) -> b, TreeMap::new));
  }

  /// Returns all rows, sorted by name.
  Collection<Row> rows() {
    return rows.values();
  }

  /// Returns the row of that name, or null.
  @Nullable Row row(RowName name) {
    return rows.get(name);
  }

  /// Returns the rows of a benchmark with exactly these parameters, in any number of threads.
  Stream<Row> rows(String benchmark, Map<String, String> params) {
    return rows.values().stream()
        .filter(row -> row.name().benchmark().equals(benchmark))
        .filter(row -> row.name().params().equals(params));
  }

  /// Returns the names of the rows that only this run has.
  Collection<RowName> namesNotIn(Run other) {
    return rows.keySet().stream().filter(name -> other.row(name) == null).toList();
  }
}
