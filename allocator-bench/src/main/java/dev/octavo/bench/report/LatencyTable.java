package dev.octavo.bench.report;

import dev.octavo.bench.report.Table.Align;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The rows of a run that have percentiles, in nanoseconds.
final class LatencyTable {
  private static final List<String> PERCENTILES = List.of("p50", "p99", "p9999", "max");

  private LatencyTable() {}

  static Table of(Run run) {
    Table table = new Table().column("latency of one operation, ns", Align.LEFT);
    PERCENTILES.forEach(name -> table.column(name.replace("p9999", "p99.99"), Align.RIGHT));
    for (Row row : run.rows()) {
      if (PERCENTILES.stream().anyMatch(row.secondary()::containsKey)) {
        table.row(
            Stream.concat(
                    Stream.of(row.name().toString()),
                    PERCENTILES.stream().map(name -> cell(row.secondary().get(name))))
                .toList());
      }
    }
    return table;
  }

  private static String cell(@Nullable Figure nanos) {
    return nanos == null ? Numbers.NONE : Numbers.nanos(nanos.median());
  }
}
