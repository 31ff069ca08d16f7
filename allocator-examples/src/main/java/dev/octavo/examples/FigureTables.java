package dev.octavo.examples;

import java.util.ArrayList;
import java.util.List;

/// The figures of the HTML report: policies, speed and checks.
final class FigureTables {
  private static final int[] PERCENTS = {20, 40, 60, 80, 100};

  private final Findings findings;
  private final StringBuilder html = new StringBuilder();

  FigureTables(Findings findings) {
    this.findings = findings;
  }

  String toHtml() {
    policies();
    moments();
    speeds();
    return html.toString();
  }

  private void policies() {
    begin(
        "Unusable-free index by policy, same events and pages",
        "policy",
        "mean, order 4",
        "mean, order 9",
        "end, order 9",
        "failures");
    List<Replay.Outcome> outcomes = new ArrayList<>();
    outcomes.add(findings.octavo());
    outcomes.add(findings.linux());
    outcomes.addAll(findings.policies().others());
    for (Replay.Outcome outcome : outcomes) {
      FragmentationSeries series = outcome.series();
      row(
          Text.policy(outcome.name()),
          Text.index(series.mean(Findings.SMALL_ORDER, Findings.WARM_UP)),
          Text.index(series.mean(Findings.HUGE_ORDER, Findings.WARM_UP)),
          Text.index(series.unusableFreeIndex(series.size() - 1, Findings.HUGE_ORDER)),
          Text.count(outcome.failures()));
    }
    end();
  }

  private void moments() {
    begin(
        "Unusable-free index at order 9 over time",
        "after",
        "clock",
        "Octavo",
        "Linux's policy",
        "free memory");
    FragmentationSeries ours = findings.octavo().series();
    FragmentationSeries theirs = findings.linux().series();
    for (int percent : PERCENTS) {
      int at = ours.sampleAt(percent / 100.0);
      long freePages = ours.freePages(at, 0, Long.SIZE - 1);
      row(
          percent + " % of the events",
          number(findings.trace().millisAt(ours.eventCount(at)) / 1e3) + " s",
          Text.index(ours.unusableFreeIndex(at, Findings.HUGE_ORDER)),
          Text.index(theirs.unusableFreeIndex(at, Findings.HUGE_ORDER)),
          Text.bytes(freePages * findings.trace().pageSize()));
    }
    end();
  }

  private void speeds() {
    begin(
        "Nanoseconds an event: one thread, memory untouched, the loop included",
        "replayed on",
        "median",
        "fastest pass",
        "slowest pass");
    for (SpeedTest.Speed speed : findings.speeds()) {
      row(speed.name(), number(speed.median()), number(speed.fastest()), number(speed.slowest()));
    }
    end();
  }

  private void begin(String caption, String... heads) {
    html.append("<div class=\"scroll\"><table><caption>")
        .append(caption)
        .append("</caption>\n<tr>");
    for (String head : heads) {
      html.append("<th scope=\"col\">").append(Text.escape(head)).append("</th>");
    }
    html.append("</tr>\n");
  }

  private void row(String head, String... cells) {
    html.append("<tr><th scope=\"row\">").append(Text.escape(head)).append("</th>");
    for (String cell : cells) {
      html.append("<td>").append(Text.escape(cell)).append("</td>");
    }
    html.append("</tr>\n");
  }

  private void end() {
    html.append("</table></div>\n");
  }

  private static String number(double value) {
    return Text.format("%.1f", value);
  }
}
