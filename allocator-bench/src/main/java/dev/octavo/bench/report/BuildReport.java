package dev.octavo.bench.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.octavo.bench.report.BuildPairs.Pair;
import dev.octavo.bench.report.Table.Align;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;

/// The result of a comparison of two builds, as a table and as JSON.
///
/// @param setup what was compared
/// @param rows what was measured of the rows that both builds have
record BuildReport(Setup setup, SortedMap<BuildRow, BuildPairs> rows) {
  private static final Gson PRETTY = new GsonBuilder().setPrettyPrinting().create();

  /// What was compared.
  ///
  /// @param before the jar of the build that is the measure
  /// @param after the jar of the build that is judged
  /// @param isCpuTime true if CPU time was compared
  /// @param limit the largest ratio after/before that is `ok`
  /// @param seed what the orders of the pairs derive from
  /// @param onlyBefore rows that only the first build has
  /// @param onlyAfter rows that only the second build has
  record Setup(
      Path before,
      Path after,
      boolean isCpuTime,
      double limit,
      long seed,
      Collection<BuildRow> onlyBefore,
      Collection<BuildRow> onlyAfter) {}

  /// Returns how many rows were judged so.
  long count(Verdict verdict) {
    return rows.values().stream().filter(pairs -> pairs.verdict(setup.limit()) == verdict).count();
  }

  /// Returns the table, the rows that only one build has, and a line that counts the verdicts.
  String toText() {
    StringBuilder text = new StringBuilder();
    text.append("Before ").append(setup.before()).append(", after ").append(setup.after());
    text.append(setup.isCpuTime() ? ": medians of CPU time" : ": medians");
    text.append(" in ns/op, of the ratio with a 95 % interval\n\n");
    text.append(table().toText()).append('\n');
    appendNames(text, "Only in " + setup.before(), setup.onlyBefore());
    appendNames(text, "Only in " + setup.after(), setup.onlyAfter());
    return text.append(summary()).append('\n').toString();
  }

  private Table table() {
    Table table =
        new Table()
            .column("row", Align.LEFT)
            .column("before", Align.RIGHT)
            .column("after", Align.RIGHT)
            .column("after/before", Align.RIGHT)
            .column("low", Align.RIGHT)
            .column("high", Align.RIGHT)
            .column("pairs", Align.RIGHT)
            .column("", Align.LEFT);
    rows.forEach((row, pairs) -> table.row(cells(row, pairs)));
    return table;
  }

  private List<String> cells(BuildRow row, BuildPairs pairs) {
    MedianInterval ratio = pairs.ratio();
    boolean isEmpty = pairs.pairs().isEmpty();
    return List.of(
        row.toString(),
        isEmpty ? Numbers.NONE : Numbers.nanos(pairs.beforeMedian()),
        isEmpty ? Numbers.NONE : Numbers.nanos(pairs.afterMedian()),
        isEmpty ? Numbers.NONE : fine(pairs.ratioMedian()),
        ratio == null ? Numbers.NONE : fine(ratio.low()),
        ratio == null ? Numbers.NONE : fine(ratio.high()),
        Integer.toString(pairs.pairs().size()),
        pairs.verdict(setup.limit()).text());
  }

  private static String fine(double ratio) {
    return String.format(Locale.ROOT, "%.3f", ratio);
  }

  private static void appendNames(StringBuilder text, String title, Collection<BuildRow> names) {
    if (!names.isEmpty()) {
      text.append(title).append(", not compared:\n\n");
      names.forEach(name -> text.append("  ").append(name).append('\n'));
      text.append('\n');
    }
  }

  private String summary() {
    return "%d rows: %d ok, %d slower, %d unclear, %d failed; limit %s, seed %d"
        .formatted(
            rows.size(),
            count(Verdict.OK),
            count(Verdict.SLOWER),
            count(Verdict.UNCLEAR),
            count(Verdict.FAILED),
            Numbers.plain(setup.limit()),
            setup.seed());
  }

  /// Returns everything, each pair included, as JSON.
  String toJson() {
    JsonObject root = new JsonObject();
    root.addProperty("before", setup.before().toString());
    root.addProperty("after", setup.after().toString());
    root.addProperty("limit", setup.limit());
    root.addProperty("seed", setup.seed());
    root.addProperty("unit", TimeUnits.NANOS);
    root.addProperty("isCpuTime", setup.isCpuTime());
    JsonArray list = new JsonArray();
    rows.forEach((row, pairs) -> list.add(toJson(row, pairs)));
    root.add("rows", list);
    root.add("onlyBefore", names(setup.onlyBefore()));
    root.add("onlyAfter", names(setup.onlyAfter()));
    return PRETTY.toJson(root) + "\n";
  }

  private JsonObject toJson(BuildRow row, BuildPairs pairs) {
    JsonObject object = new JsonObject();
    object.addProperty("benchmark", row.benchmark());
    object.addProperty("mode", row.mode());
    object.addProperty("threads", row.name().threads());
    JsonObject params = new JsonObject();
    row.name().params().forEach(params::addProperty);
    object.add("params", params);
    object.addProperty("verdict", pairs.verdict(setup.limit()).text());
    if (!pairs.pairs().isEmpty()) {
      object.addProperty("before", pairs.beforeMedian());
      object.addProperty("after", pairs.afterMedian());
      object.addProperty("ratio", pairs.ratioMedian());
    }
    MedianInterval ratio = pairs.ratio();
    if (ratio != null) {
      object.addProperty("ratioLow", ratio.low());
      object.addProperty("ratioHigh", ratio.high());
      object.addProperty("confidence", ratio.confidence());
    }
    JsonArray list = new JsonArray();
    pairs.pairs().forEach(pair -> list.add(toJson(pair)));
    object.add("pairs", list);
    return object;
  }

  private static JsonObject toJson(Pair pair) {
    JsonObject object = new JsonObject();
    object.addProperty("first", pair.isBeforeFirst() ? "before" : "after");
    object.addProperty("before", pair.beforeNanos());
    object.addProperty("after", pair.afterNanos());
    return object;
  }

  private static JsonArray names(Collection<BuildRow> rows) {
    JsonArray names = new JsonArray();
    rows.forEach(row -> names.add(row.toString()));
    return names;
  }
}
