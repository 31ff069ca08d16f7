package dev.octavo.bench.report;

import dev.octavo.bench.report.Bar.Mark;
import dev.octavo.bench.report.Table.Align;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Every bar with what a run says about it.
final class BarTable {
  private final Table table =
      new Table()
          .column("bar", Align.LEFT)
          .column("measured", Align.RIGHT)
          .column("limit", Align.RIGHT)
          .column("aim", Align.RIGHT)
          .column("mark", Align.LEFT)
          .column("from", Align.LEFT);
  private final Map<Mark, Integer> counts = new EnumMap<>(Mark.class);

  BarTable(List<Bar> bars, Run run) {
    bars.forEach(bar -> add(bar, bar.measure().in(run)));
  }

  Table toTable() {
    return table;
  }

  /// Returns how many bars have this mark.
  int count(Mark mark) {
    return counts.getOrDefault(mark, 0);
  }

  /// Returns how many bars there are of each mark, in one line.
  String summary() {
    int all = counts.values().stream().mapToInt(Integer::intValue).sum();
    return "%d bars: %d ok, %d missed, %d absent"
        .formatted(all, count(Mark.OK), count(Mark.MISSED), count(Mark.ABSENT));
  }

  private void add(Bar bar, Measure.@Nullable Value measured) {
    Mark mark = bar.mark(measured);
    counts.merge(mark, 1, Integer::sum);
    String unit = bar.measure().kind().unit();
    table.row(
        List.of(
            bar.text(),
            measured == null ? Numbers.NONE : value(bar, measured.value()) + unit,
            bar.bound().sign() + " " + Numbers.plain(bar.limit()) + unit,
            bar.aim() == null ? "" : Numbers.plain(bar.aim()) + unit,
            mark.text(),
            measured == null ? "" : measured.origin()));
  }

  private static String value(Bar bar, double value) {
    return switch (bar.measure().kind()) {
      case NANOS, NANOS_MORE -> Numbers.nanos(value);
      case GARBAGE_BYTES -> Numbers.plain(value);
      case TIME_RATIO, THROUGHPUT_RATIO -> Numbers.ratio(value);
    };
  }
}
