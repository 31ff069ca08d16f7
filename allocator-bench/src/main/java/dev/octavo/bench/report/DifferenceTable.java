package dev.octavo.bench.report;

import dev.octavo.bench.report.Table.Align;
import java.util.List;

/// Two runs row by row: below 1 the second is faster.
///
/// A difference has a name only if the ranges of the two have no value in common; anything less may
/// be noise.
final class DifferenceTable {
  private DifferenceTable() {}

  static Table of(Run before, Run after) {
    Table table =
        new Table()
            .column("row", Align.LEFT)
            .column("before", Align.RIGHT)
            .column("after", Align.RIGHT)
            .column("after/before", Align.RIGHT)
            .column("", Align.LEFT);
    for (Row old : before.rows()) {
      Row young = after.row(old.name());
      if (young != null) {
        table.row(
            List.of(
                old.name().toString(),
                Numbers.nanos(old.cost().median()),
                Numbers.nanos(young.cost().median()),
                Numbers.ratio(young.cost().median() / old.cost().median()),
                verdict(old.cost(), young.cost())));
      }
    }
    return table;
  }

  private static String verdict(Figure before, Figure after) {
    if (before.overlaps(after)) {
      return "";
    }
    return after.median() < before.median() ? "faster" : "slower";
  }
}
