package dev.octavo.bench.report;

import java.util.ArrayList;
import java.util.List;

/// Cells in aligned columns.
///
/// A section is a line over the whole width, above the rows that belong to it.
final class Table {

  /// How the cells of a column stand.
  enum Align {
    LEFT,
    RIGHT
  }

  private record Line(List<String> cells, boolean isSection) {}

  private final List<String> titles = new ArrayList<>();
  private final List<Align> aligns = new ArrayList<>();
  private final List<Line> lines = new ArrayList<>();

  /// Adds a column; all of them come before the first row.
  Table column(String title, Align align) {
    titles.add(title);
    aligns.add(align);
    return this;
  }

  /// Adds a row with a cell for each column.
  void row(List<String> cells) {
    if (cells.size() != titles.size()) {
      throw new IllegalArgumentException(
          "a row has a cell for each column: cells=" + cells.size() + ", columns=" + titles.size());
    }
    lines.add(new Line(List.copyOf(cells), false));
  }

  /// Adds a line that names the rows after it.
  void section(String text) {
    lines.add(new Line(List.of(text), true));
  }

  /// Returns true if nothing was added below the titles.
  boolean isEmpty() {
    return lines.isEmpty();
  }

  /// Returns the table in lines of plain text, in columns two spaces apart.
  String toText() {
    int[] widths = widths();
    StringBuilder text = new StringBuilder();
    appendText(text, titles, widths);
    for (Line line : lines) {
      if (line.isSection()) {
        text.append(line.cells().getFirst()).append('\n');
      } else {
        appendText(text, line.cells(), widths);
      }
    }
    return text.toString();
  }

  /// Returns the table as GitHub's Markdown has it.
  String toMarkdown() {
    StringBuilder text = new StringBuilder();
    appendMarkdown(text, titles);
    appendMarkdown(
        text, aligns.stream().map(align -> align == Align.RIGHT ? "---:" : "---").toList());
    for (Line line : lines) {
      appendMarkdown(text, line.isSection() ? sectionCells(line) : line.cells());
    }
    return text.toString();
  }

  private List<String> sectionCells(Line line) {
    List<String> cells = new ArrayList<>();
    cells.add("**" + line.cells().getFirst() + "**");
    while (cells.size() < titles.size()) {
      cells.add("");
    }
    return cells;
  }

  private int[] widths() {
    int[] widths = titles.stream().mapToInt(String::length).toArray();
    for (Line line : lines) {
      for (int i = 0; i < line.cells().size() && !line.isSection(); i++) {
        widths[i] = Math.max(widths[i], line.cells().get(i).length());
      }
    }
    return widths;
  }

  private void appendText(StringBuilder text, List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.size(); i++) {
      String padding = " ".repeat(widths[i] - cells.get(i).length());
      line.append(i == 0 ? "" : "  ");
      line.append(aligns.get(i) == Align.RIGHT ? padding + cells.get(i) : cells.get(i) + padding);
    }
    text.append(line.toString().stripTrailing()).append('\n');
  }

  private static void appendMarkdown(StringBuilder text, List<String> cells) {
    for (String cell : cells) {
      text.append(cell.isEmpty() ? "| " : "| " + cell.strip().replace("|", "\\|") + " ");
    }
    text.append("|\n");
  }
}
