package dev.octavo.bench.report;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Collection;

/// Writes the tables, as plain text or as Markdown.
final class Report {
  private final PrintWriter out;
  private final boolean isMarkdown;

  Report(PrintWriter out, boolean isMarkdown) {
    this.out = out;
    this.isMarkdown = isMarkdown;
  }

  /// Writes the tables of one run.
  ///
  /// @return what became of the bars
  BarTable write(Run run) {
    write("Ours and the peers: medians, and ours / peer", new RatioTable(run).toTable());
    write("Rows of their own: medians", SoloTable.of(run));
    write("Percentiles", LatencyTable.of(run));
    return writeBars("Bars", run);
  }

  /// Writes what changed between two runs, and the bars of the second.
  ///
  /// @return what became of the bars
  BarTable write(Path beforeName, Run before, Path afterName, Run after) {
    write(
        "Before " + beforeName + ", after " + afterName + ": medians in ns/op",
        DifferenceTable.of(before, after));
    writeNames("Only in " + beforeName, before.namesNotIn(after));
    writeNames("Only in " + afterName, after.namesNotIn(before));
    return writeBars("Bars, after", after);
  }

  private BarTable writeBars(String title, Run run) {
    BarTable bars = new BarTable(Bars.ALL, run);
    write(title, bars.toTable());
    out.println(bars.summary());
    out.flush();
    return bars;
  }

  private void write(String title, Table table) {
    if (!table.isEmpty()) {
      out.println((isMarkdown ? "## " : "") + title);
      out.println();
      out.println(isMarkdown ? table.toMarkdown() : table.toText());
    }
  }

  private void writeNames(String title, Collection<RowName> names) {
    if (!names.isEmpty()) {
      out.println(title + ":");
      out.println();
      names.forEach(name -> out.println((isMarkdown ? "- " : "  ") + name));
      out.println();
    }
  }
}
