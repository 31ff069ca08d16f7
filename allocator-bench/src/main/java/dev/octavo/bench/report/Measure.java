package dev.octavo.bench.report;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// How the value of a bar comes from the rows of a run.
///
/// @param kind what is computed
/// @param row ours
/// @param peers whom it is compared with: the best of those that are there; empty for absolute
///   values
record Measure(Kind kind, Pick row, List<Pick> peers) {

  /// What is computed of the medians.
  enum Kind {
    /// Nanoseconds an operation.
    NANOS(" ns"),
    /// Bytes of garbage an operation, to the whole byte: a fraction is the harness's own.
    GARBAGE_BYTES(" B"),
    /// Our nanoseconds less the shortest of the peers'.
    NANOS_MORE(" ns"),
    /// Our time by the shortest of the peers'.
    TIME_RATIO(""),
    /// Our throughput, all threads together, by the highest of the peers'.
    THROUGHPUT_RATIO("");

    private final String unit;

    Kind(String unit) {
      this.unit = unit;
    }

    /// Returns what stands behind a value of this kind.
    String unit() {
      return unit;
    }
  }

  /// What a run says about a measure.
  ///
  /// @param value the value that is compared with the limit
  /// @param origin the figures it was computed from
  record Value(double value, String origin) {}

  /// Returns every row that is looked at.
  Stream<Pick> picks() {
    return Stream.concat(Stream.of(row), peers.stream());
  }

  /// Returns the value, or null if our row is missing, or every peer's.
  @Nullable Value in(Run run) {
    Row ours = row.in(run);
    if (ours == null) {
      return null;
    }
    return switch (kind) {
      case NANOS -> new Value(ours.cost().median(), "");
      case GARBAGE_BYTES -> garbage(ours);
      case NANOS_MORE, TIME_RATIO, THROUGHPUT_RATIO -> compared(ours, run);
    };
  }

  private static @Nullable Value garbage(Row ours) {
    Figure bytes = ours.garbageBytes();
    return bytes == null ? null : new Value(Math.rint(bytes.median()), "");
  }

  private @Nullable Value compared(Row ours, Run run) {
    Row best = null;
    for (Row peer : peers.stream().map(peer -> peer.in(run)).filter(Objects::nonNull).toList()) {
      if (best == null || ratio(peer, best) < 1 == (kind != Kind.THROUGHPUT_RATIO)) {
        best = peer;
      }
    }
    if (best == null) {
      return null;
    }
    double value =
        kind == Kind.NANOS_MORE ? ours.cost().median() - best.cost().median() : ratio(ours, best);
    return new Value(value, origin(ours, best));
  }

  private double ratio(Row a, Row b) {
    return kind == Kind.THROUGHPUT_RATIO
        ? a.throughput() / b.throughput()
        : a.cost().median() / b.cost().median();
  }

  private String origin(Row ours, Row peer) {
    return Numbers.nanos(ours.cost().median())
        + (kind == Kind.NANOS_MORE ? " ns - " : " ns / ")
        + Numbers.nanos(peer.cost().median())
        + " ns";
  }
}
