package dev.octavo.bench.report;

import dev.octavo.bench.report.Table.Align;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Each workload with everybody who did it, and ours divided by each peer: below 1 ours is faster.
final class RatioTable {
  private static final String ABSENT = "absent";

  /// A workload's rows, by peer.
  private final SortedMap<RowName, SortedMap<String, Row>> workloads = new TreeMap<>();

  RatioTable(Run run) {
    for (Row row : run.rows()) {
      Peers.place(row.name())
          .ifPresent(
              place ->
                  workloads
                      .computeIfAbsent(place.workload(), name -> new TreeMap<>(Peers.ORDER))
                      .put(place.peer(), row));
    }
  }

  Table toTable() {
    Table table =
        new Table()
            .column("", Align.LEFT)
            .column("ns/op", Align.RIGHT)
            .column("lowest", Align.RIGHT)
            .column("highest", Align.RIGHT)
            .column("garbage B/op", Align.RIGHT)
            .column("run/peer", Align.RIGHT)
            .column("segment/peer", Align.RIGHT)
            .column("try/peer", Align.RIGHT);
    workloads.forEach((name, rows) -> addWorkload(table, name, rows));
    return table;
  }

  private static void addWorkload(Table table, RowName name, SortedMap<String, Row> rows) {
    table.section(title(name));
    rows.forEach((peer, row) -> table.row(cells(peer, row, rows)));
    if (rows.containsKey(Peers.MALLOC) && !rows.containsKey(Peers.MIMALLOC)) {
      table.row(List.of("  " + Peers.MIMALLOC, ABSENT, "", "", "", "", "", ""));
    }
  }

  /// Returns the workload's name; where methods are the peers, the class alone.
  private static String title(RowName name) {
    return name.toString().replaceFirst("\\.(?=[ ,])", "");
  }

  private static List<String> cells(String peer, Row row, Map<String, Row> rows) {
    Figure cost = row.cost();
    List<String> cells = new ArrayList<>();
    cells.add("  " + peer);
    cells.add(Numbers.nanos(cost.median()));
    cells.add(Numbers.nanos(cost.low()));
    cells.add(Numbers.nanos(cost.high()));
    cells.add(Numbers.garbage(row.garbageBytes()));
    boolean isOurs = Peers.OURS.contains(peer);
    Row run = rows.getOrDefault(Peers.RUN, rows.get(Peers.STRATEGY));
    cells.add(isOurs ? "" : ratio(run, row));
    cells.add(isOurs ? "" : ratio(rows.get(Peers.SEGMENT), row));
    cells.add(isOurs ? "" : ratio(rows.get(Peers.TRY), row));
    return cells;
  }

  private static String ratio(@Nullable Row ours, Row peer) {
    return ours == null ? "" : Numbers.ratio(ours.cost().median() / peer.cost().median());
  }
}
