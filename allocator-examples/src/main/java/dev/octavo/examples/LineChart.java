package dev.octavo.examples;

/// The unusable-free index over a replay, Octavo's against Linux's policy, at one order.
final class LineChart {
  private final Findings findings;
  private final int order;

  LineChart(Findings findings, int order) {
    this.findings = findings;
    this.order = order;
  }

  String draw() {
    String title =
        "Unusable-free index at order "
            + order
            + " over the replay, from 0 to 1; mean of Octavo "
            + Text.index(mean(findings.octavo()))
            + ", of Linux's policy "
            + Text.index(mean(findings.linux()));
    Plot plot = new Plot(title, findings.trace(), 1, "index (0 best, 1 worst)");
    plot.path("line octavo", path(plot, findings.octavo().series()));
    plot.path("line linux", path(plot, findings.linux().series()));
    return plot.toString();
  }

  String legend() {
    return "<ul class=\"legend\">"
        + item("octavo", "Octavo", findings.octavo())
        + item("linux", "Linux's policy", findings.linux())
        + "</ul>\n";
  }

  private String item(String css, String name, Replay.Outcome outcome) {
    return Text.format(
        "<li><span class=\"stroke %s\"></span>%s, mean %s</li>",
        css, name, Text.index(mean(outcome)));
  }

  private double mean(Replay.Outcome outcome) {
    return outcome.series().mean(order, Findings.WARM_UP);
  }

  private String path(Plot plot, FragmentationSeries series) {
    StringBuilder data = new StringBuilder(plot.point(true, 0, 0));
    for (int i = 0; i < series.size(); i++) {
      data.append(plot.point(false, series.eventCount(i), series.unusableFreeIndex(i, order)));
    }
    return data.toString();
  }
}
