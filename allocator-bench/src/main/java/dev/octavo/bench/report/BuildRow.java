package dev.octavo.bench.report;

import java.util.Comparator;

/// A row that two builds are compared in.
///
/// @param benchmark full name of class and method
/// @param name simple name, parameters and threads
/// @param mode JMH's short name of the mode
/// @param hasOwnThreads true if the number of threads is the benchmark's own, not the caller's
record BuildRow(String benchmark, RowName name, String mode, boolean hasOwnThreads)
    implements Comparable<BuildRow> {

  private static final String USUAL_MODE = "avgt";

  private static final Comparator<BuildRow> ORDER =
      Comparator.comparing(BuildRow::name)
          .thenComparing(BuildRow::mode)
          .thenComparing(BuildRow::benchmark)
          .thenComparing(BuildRow::hasOwnThreads);

  @Override
  public int compareTo(BuildRow other) {
    return ORDER.compare(this, other);
  }

  /// Returns the name, and the mode where it is not the usual one.
  @Override
  public String toString() {
    return name + (mode.equals(USUAL_MODE) ? "" : ", " + mode);
  }
}
