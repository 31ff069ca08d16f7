package dev.octavo.bench.report;

import dev.octavo.bench.report.Table.Align;
import java.util.List;

/// The rows of a run that have no peer beside them.
final class SoloTable {
  private SoloTable() {}

  static Table of(Run run) {
    Table table =
        new Table()
            .column("without a peer", Align.LEFT)
            .column("ns/op", Align.RIGHT)
            .column("lowest", Align.RIGHT)
            .column("highest", Align.RIGHT)
            .column("garbage B/op", Align.RIGHT);
    for (Row row : run.rows()) {
      if (Peers.place(row.name()).isEmpty()) {
        table.row(
            List.of(
                row.name().toString(),
                Numbers.nanos(row.cost().median()),
                Numbers.nanos(row.cost().low()),
                Numbers.nanos(row.cost().high()),
                Numbers.garbage(row.garbageBytes())));
      }
    }
    return table;
  }
}
