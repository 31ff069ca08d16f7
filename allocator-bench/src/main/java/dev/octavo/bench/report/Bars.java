package dev.octavo.bench.report;

import dev.octavo.bench.report.Bar.Bound;
import dev.octavo.bench.report.Measure.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The bars for speed: what they compare, and the limits. Nothing else knows them.
///
/// Bars that are no row of JMH (fragmentation, bytes of metadata) are tests and commands of their
/// own.
final class Bars {
  private static final int SMALL_BYTES = 4096;
  private static final int EXACT_BYTES = 135_168;
  private static final List<String> WORKLOADS = List.of("pair", "liveSet");
  private static final int GIBIBYTE_ORDER = 18;
  private static final int SCOPE_PIECES = 64;
  private static final int MANY_CANDIDATES = 100_000;
  private static final int CHARGE_NANOS = 2;

  /// All bars, in the order of the table.
  static final List<Bar> ALL = new Bars().all();

  private final List<Bar> bars = new ArrayList<>();

  private Bars() {}

  private List<Bar> all() {
    smallPairs();
    exactPairs();
    longWays();
    threads();
    capacity();
    llfree();
    arenas();
    guard();
    accounts();
    return List.copyOf(bars);
  }

  private void smallPairs() {
    List<Pick> netty =
        List.of(pair(Peers.NETTY_POOLED, SMALL_BYTES), pair(Peers.NETTY_ADAPTIVE, SMALL_BYTES));
    Pick run = pair(Peers.RUN, SMALL_BYTES);
    Pick segment = pair(Peers.SEGMENT, SMALL_BYTES);
    timeRatio("pair of 4 KiB: page run / the better Netty", run, netty, 0.12, 0.08);
    timeRatio("pair of 4 KiB: segment / the better Netty", segment, netty, 0.14, 0.1);
    timeRatio(
        "pair of 4 KiB: segment / mimalloc",
        segment,
        List.of(pair(Peers.MIMALLOC, SMALL_BYTES)),
        0.75,
        0.6);
    timeRatio(
        "pair of 4 KiB: segment / JDK confined",
        segment,
        List.of(pair(Peers.JDK_CONFINED, SMALL_BYTES)),
        0.16,
        null);
    atMost("pair of 4 KiB: page run, garbage", Kind.GARBAGE_BYTES, run, 0);
  }

  private void exactPairs() {
    List<Pick> netty =
        List.of(pair(Peers.NETTY_POOLED, EXACT_BYTES), pair(Peers.NETTY_ADAPTIVE, EXACT_BYTES));
    Pick segment = pair(Peers.SEGMENT, EXACT_BYTES);
    timeRatio("pair of 132 KiB: segment / the better Netty", segment, netty, 0.17, 0.12);
    timeRatio(
        "pair of 132 KiB: segment / mimalloc",
        segment,
        List.of(pair(Peers.MIMALLOC, EXACT_BYTES)),
        0.03,
        null);
    timeRatio(
        "pair of 132 KiB: segment / JDK confined",
        segment,
        List.of(pair(Peers.JDK_CONFINED, EXACT_BYTES)),
        0.01,
        null);
  }

  private void longWays() {
    atMost(
        "full split and merge cascade from a 1 GiB block",
        Kind.NANOS,
        row("CascadeBenchmark.splitAndMerge", 1).with("order", GIBIBYTE_ORDER).with("cache", "off"),
        60);
    atMost("bulk of 64 pages, a page", Kind.NANOS, row("BulkBenchmark.pages64", 1), 2);
  }

  private void threads() {
    List<Pick> netty = List.of(transfer(Peers.NETTY_POOLED), transfer(Peers.NETTY_ADAPTIVE));
    throughput(
        "producer-consumer: page run / the better Netty's throughput",
        transfer(Peers.RUN),
        netty,
        4);
    throughput(
        "producer-consumer: segment / the better Netty's throughput",
        transfer(Peers.SEGMENT),
        netty,
        4);
    for (String workload : WORKLOADS) {
      scaling(workload + ", page run", workload, Peers.RUN);
      scaling(workload + ", segment", workload, Peers.SEGMENT);
    }
  }

  private void scaling(String text, String workload, String peer) {
    String benchmark = "ThreadsBenchmark." + workload;
    Pick two = row(benchmark, 2).with("peer", peer);
    throughput(
        text + ": throughput of 2 threads / of 1",
        two,
        List.of(row(benchmark, 1).with("peer", peer)),
        1.9);
    throughput(
        text + ": throughput of 16 threads / of 2",
        row(benchmark, 16).with("peer", peer),
        List.of(two),
        0.8);
  }

  private void capacity() {
    for (String workload : WORKLOADS) {
      Pick any = row("CapacityBenchmark." + workload, 1);
      timeRatio(
          workload + ": region of 1 TiB / of 64 MiB",
          any.with("capacity", "1t"),
          List.of(any.with("capacity", "64m")),
          1.2,
          null);
    }
  }

  /// The limits are the nanoseconds that the C implementation of LLFree (USENIX ATC'23) takes.
  private void llfree() {
    llfree(0, "bulkGet", 1, 25);
    llfree(0, "bulkPut", 1, 22);
    llfree(0, "repeat", 1, 46);
    llfree(0, "churn", 1, 125);
    llfree(0, "churn", 2, 266);
    llfree(0, "randPut", 2, 77);
    llfree(9, "bulkGet", 1, 40);
    llfree(9, "bulkPut", 1, 17);
    llfree(9, "repeat", 1, 37);
    llfree(9, "churn", 1, 104);
    llfree(9, "churn", 2, 256);
    llfree(12, "bulkGet", 1, 100);
    llfree(12, "bulkPut", 1, 56);
    llfree(12, "repeat", 1, 112);
    llfree(12, "churn", 1, 166);
    llfree(12, "churn", 2, 324);
  }

  private void llfree(int order, String workload, int threads, double limitNanos) {
    String threadText = threads == 1 ? "1 thread" : threads + " threads";
    atMost(
        "LLFree's %s, order %d, %s".formatted(workload, order, threadText),
        Kind.NANOS,
        row("LlfreeBenchmark." + workload, threads)
            .with("order", order)
            .with("strategy", Peers.STRATEGY),
        limitNanos);
  }

  private void arenas() {
    arena(
        "open, allocate 4 KiB, close: uninitialised / JDK confined",
        "Uninitialized",
        SMALL_BYTES,
        0.35);
    arena("open, allocate 4 KiB, close: zeroed / JDK confined", "", SMALL_BYTES, 1);
    arena(
        "open, allocate 132 KiB, close: uninitialised / JDK confined",
        "Uninitialized",
        EXACT_BYTES,
        0.02);
    arena("open, allocate 132 KiB, close: zeroed / JDK confined", "", EXACT_BYTES, 0.9);
    timeRatio(
        "open, allocate 4 KiB, close: cheap shared / JDK shared",
        opened("octavoUnscoped", SMALL_BYTES),
        List.of(opened("jdkShared", SMALL_BYTES)),
        0.002,
        null);
    Pick scope = row("ScopeBenchmark.octavoRewind", 1).with("pieces", SCOPE_PIECES);
    timeRatio(
        "64 small allocations: rewound arena / JDK confined",
        scope,
        List.of(row("ScopeBenchmark.jdkConfined", 1).with("pieces", SCOPE_PIECES)),
        0.1,
        null);
  }

  private void arena(String text, String variant, int byteSize, double limit) {
    timeRatio(
        text,
        opened("octavo" + variant, byteSize),
        List.of(opened("jdkConfined", byteSize)),
        limit,
        null);
  }

  private static Pick opened(String method, int byteSize) {
    return row("ArenaBenchmark." + method, 1).with("byteSize", byteSize);
  }

  private void guard() {
    Pick off = row("GuardedPairBenchmark.off", 1);
    nanosMore(
        "pair with the sleep guard off: more than without",
        off,
        row("GuardedPairBenchmark.unguarded", 1),
        0.3);
    nanosMore(
        "pair with the sleep guard armed: more than off",
        row("GuardedPairBenchmark.armed", 1),
        off,
        1.5);
    nanosMore(
        "atomic section entered and closed",
        row("GuardBenchmark.enterExit", 1),
        row("GuardBenchmark.unguarded", 1),
        3);
  }

  /// A charge may cost 2 ns, a quarter of a pair.
  private void accounts() {
    timeRatio(
        "pair of page runs: charged / not",
        row("ChargeBenchmark.chargedPair", 1),
        List.of(row("ChargeBenchmark.pair", 1)),
        1.25,
        null);
    for (int threads = 1; threads <= 2; threads++) {
      charged("4 KiB", SMALL_BYTES, threads);
      charged("132 KiB", EXACT_BYTES, threads);
    }
    atMost(
        "a victim chosen among 100,000",
        Kind.NANOS,
        row("OomSelectionBenchmark.decide", 1)
            .with("candidates", MANY_CANDIDATES)
            .with("policy", "kernel"),
        5_000_000);
  }

  private void charged(String text, int byteSize, int threads) {
    Pick charged = row("AccountPairBenchmark.charged", threads).with("byteSize", byteSize);
    Pick uncharged = row("AccountPairBenchmark.uncharged", threads).with("byteSize", byteSize);
    nanosMore(
        "pair of %s, %d thread%s: charged more than uncharged"
            .formatted(text, threads, threads == 1 ? "" : "s"),
        charged,
        uncharged,
        CHARGE_NANOS);
  }

  private void nanosMore(String text, Pick row, Pick other, double limit) {
    Measure measure = new Measure(Kind.NANOS_MORE, row, List.of(other));
    bars.add(new Bar(text, measure, Bound.AT_MOST, limit, null));
  }

  private void timeRatio(
      String text, Pick row, List<Pick> peers, double limit, @Nullable Double aim) {
    Measure measure = new Measure(Kind.TIME_RATIO, row, peers);
    bars.add(new Bar(text, measure, Bound.AT_MOST, limit, aim));
  }

  private void throughput(String text, Pick row, List<Pick> peers, double limit) {
    Measure measure = new Measure(Kind.THROUGHPUT_RATIO, row, peers);
    bars.add(new Bar(text, measure, Bound.AT_LEAST, limit, null));
  }

  private void atMost(String text, Kind kind, Pick row, double limit) {
    bars.add(new Bar(text, new Measure(kind, row, List.of()), Bound.AT_MOST, limit, null));
  }

  private static Pick pair(String peer, int byteSize) {
    return row("PairPeersBenchmark." + peer, 1).with("byteSize", byteSize);
  }

  private static Pick transfer(String peer) {
    return row("ProducerConsumerBenchmark.transfer", Pick.ANY)
        .with("byteSize", SMALL_BYTES)
        .with("peer", peer);
  }

  private static Pick row(String benchmark, int threads) {
    return new Pick(benchmark, Map.of(), threads);
  }
}
