package dev.octavo.bench.report;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Who is measured, by the names the benchmarks give them: as the method's name, or as the value of
/// a parameter.
final class Peers {
  static final String RUN = "octavoRun";
  static final String SEGMENT = "octavoSegment";
  static final String TRY = "octavoTry";
  static final String STRATEGY = "octavo";
  static final String NETTY_POOLED = "nettyPooled";
  static final String NETTY_ADAPTIVE = "nettyAdaptive";
  static final String JDK_CONFINED = "jdkConfined";
  static final String MALLOC = "malloc";
  static final String MIMALLOC = "mimalloc";

  /// Ours; one that works on page numbers alone is a page run by another name.
  static final List<String> OURS = List.of(RUN, SEGMENT, TRY, STRATEGY);

  private static final List<String> ALL =
      List.of(
          RUN,
          SEGMENT,
          TRY,
          STRATEGY,
          NETTY_POOLED,
          NETTY_ADAPTIVE,
          JDK_CONFINED,
          "jdkShared",
          "arrow",
          MALLOC,
          MIMALLOC,
          "lockedBuddy",
          "linux",
          "address-ordered");

  /// Strategies are no libraries: they are always there.
  private static final List<String> STRATEGIES = List.of(STRATEGY, "linux", "address-ordered");

  private static final List<String> PARAMS = List.of("peer", "strategy");

  /// Ours first, then the peers as listed, then whoever is new.
  static final Comparator<String> ORDER =
      Comparator.comparingInt(Peers::rank).thenComparing(Comparator.naturalOrder());

  private Peers() {}

  /// A row's place in the table: what was done, and who did it.
  ///
  /// @param workload the row's name without the peer
  /// @param peer who did it
  record Place(RowName workload, String peer) {}

  /// Returns the place of a row that has a peer in its name.
  static Optional<Place> place(RowName row) {
    for (String param : PARAMS) {
      String peer = row.params().get(param);
      if (peer != null) {
        Map<String, String> others = new TreeMap<>(row.params());
        others.remove(param);
        return Optional.of(new Place(RowName.of(row.benchmark(), others, row.threads()), peer));
      }
    }
    if (ALL.contains(row.method())) {
      return Optional.of(
          new Place(RowName.of(row.className() + ".", row.params(), row.threads()), row.method()));
    }
    return Optional.empty();
  }

  /// Returns true for the name of one of ours, or of a library it is compared with.
  static boolean isPeer(String name) {
    return ALL.contains(name) && !STRATEGIES.contains(name);
  }

  private static int rank(String peer) {
    int index = ALL.indexOf(peer);
    return index < 0 ? ALL.size() : index;
  }
}
