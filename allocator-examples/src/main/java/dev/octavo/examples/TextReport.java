package dev.octavo.examples;

import java.io.PrintWriter;
import java.util.stream.Collectors;

/// The findings as a page of plain text.
final class TextReport {
  private static final int[] PERCENTS = {20, 40, 60, 80, 100};

  private final Findings findings;
  private final PrintWriter out;

  TextReport(Findings findings, PrintWriter out) {
    this.findings = findings;
    this.out = out;
  }

  void write() {
    workload();
    checks();
    speed();
    fragmentation();
    exactTrim();
    out.flush();
  }

  private void workload() {
    Trace trace = findings.trace();
    line("Trace    %s", trace.name());
    line(
        "         %,d events, %,d of them allocations, over %.1f s",
        trace.eventCount(), trace.allocations(), trace.millisAt(trace.eventCount()) / 1e3);
    line("         peak %,d pages = %s", trace.peakPages(), Text.bytes(trace.peakBytes()));
    line(
        "Region   %,d pages of %s = %s of real memory, the peak plus %s %% slack",
        findings.setup().pageCount(),
        Text.bytes(trace.pageSize()),
        Text.bytes(findings.regionBytes()),
        Text.plain(findings.setup().slackPercent()));
  }

  private void checks() {
    Stamps.Tally stamps = findings.stamps();
    Findings.Laws laws = findings.laws();
    line("");
    line("Failures %d (Linux's policy: %d)", findings.octavo().failures(), linuxFailures());
    line(
        "Stamps   %,d blocks written and read back, %s in full: %d broken",
        stamps.blocks(), Text.bytes(stamps.bytes()), stamps.broken());
    line(
        "Audit    %d violations, with the last blocks live and with none",
        laws.violations().size());
    laws.violations().forEach(v -> line("         %s: %s", v.law(), v.detail()));
    line(
        "Merge    %,d live blocks freed at the end: the free blocks are %s",
        laws.liveBlocks(),
        laws.isFullyMerged() ? "those of a new allocator" : "NOT those of a new allocator");
    line("  before %s", laws.lineBefore());
    line("  after  %s", laws.lineAfter());
  }

  private int linuxFailures() {
    return findings.linux().failures();
  }

  private void speed() {
    line("");
    line("Nanoseconds an event (an allocation or a free; the trace's order, one thread, memory");
    line("untouched, the loop included; median of passes on a new allocator each)");
    for (SpeedTest.Speed speed : findings.speeds()) {
      line(
          "  %-32s %6.1f   (%.1f to %.1f)",
          speed.name(), speed.median(), speed.fastest(), speed.slowest());
    }
  }

  private void fragmentation() {
    line("");
    line("Unusable-free index: the share of the free memory that lies in blocks too small for a");
    line("request of this order (0 best, 1 worst)");
    int small = Findings.SMALL_ORDER;
    int huge = Findings.HUGE_ORDER;
    line("%-31s%-20s%s", "", orderTitle(small), orderTitle(huge));
    line("  %-29s%8s%9s   %8s%9s", "after", "Octavo", "Linux", "Octavo", "Linux");
    for (int percent : PERCENTS) {
      indices(percent, small, huge);
    }
    line("");
    line("  Means from %d %% of the events on", Math.round(Findings.WARM_UP * 100));
    means(findings.octavo(), "Octavo");
    means(findings.linux(), "Linux");
    for (Replay.Outcome other : findings.policies().others()) {
      means(other, Text.policy(other.name()));
    }
    line(
        "  Of %,d chunks of %s, wholly free at the end: %d (Linux's policy: %d)",
        findings.octavo().map().cells(),
        Text.bytes((long) findings.octavo().map().cellPages() * findings.trace().pageSize()),
        findings.octavo().map().whollyFreeCells(),
        findings.linux().map().whollyFreeCells());
  }

  private void indices(int percent, int small, int huge) {
    FragmentationSeries ours = findings.octavo().series();
    FragmentationSeries theirs = findings.linux().series();
    int at = ours.sampleAt(percent / 100.0);
    int events = ours.eventCount(at);
    double seconds = findings.trace().millisAt(events) / 1e3;
    line(
        "  %3d %% of the events (%4.1f s)   %6.3f   %6.3f     %6.3f   %6.3f",
        percent,
        seconds,
        ours.unusableFreeIndex(at, small),
        theirs.unusableFreeIndex(at, small),
        ours.unusableFreeIndex(at, huge),
        theirs.unusableFreeIndex(at, huge));
  }

  private void means(Replay.Outcome outcome, String name) {
    line(
        "  %-31s%6.3f              %6.3f   failures %d",
        name,
        outcome.series().mean(Findings.SMALL_ORDER, Findings.WARM_UP),
        outcome.series().mean(Findings.HUGE_ORDER, Findings.WARM_UP),
        outcome.failures());
  }

  private String orderTitle(int order) {
    return "order " + order + " (" + Text.bytes((long) findings.trace().pageSize() << order) + ")";
  }

  private void exactTrim() {
    ExactTrim exact = findings.exactTrim();
    String orders =
        exact.givenBackOrders().stream().map(String::valueOf).collect(Collectors.joining(", "));
    line("");
    line(
        "Exact size: %,d bytes on a new allocator of %d pages",
        exact.byteSize(), ExactTrim.BLOCK_PAGES);
    line(
        "  %d pages used, %d given back at once, as free blocks of orders %s",
        exact.usedPages(), exact.givenBackPages(), orders);
  }

  private void line(String format, Object... values) {
    out.println(Text.format(format, values));
  }
}
