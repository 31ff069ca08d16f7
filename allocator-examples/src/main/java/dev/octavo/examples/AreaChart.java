package dev.octavo.examples;

import java.util.List;

/// Free memory over a replay, stacked by the order of the blocks it lies in; large blocks at the
/// bottom.
final class AreaChart {
  private static final int NO_LIMIT = 63;

  /// A run of orders that share a colour.
  private record Band(String css, int first, int last) {}

  private static final List<Band> BANDS =
      List.of(
          new Band("band4", 9, NO_LIMIT),
          new Band("band3", 7, 8),
          new Band("band2", 4, 6),
          new Band("band1", 1, 3),
          new Band("band0", 0, 0));

  /// Every second sample is enough for a picture of this size.
  private static final int STRIDE = 2;

  private final Trace trace;
  private final double maxMebibytes;

  AreaChart(Findings findings) {
    trace = findings.trace();
    maxMebibytes = mebibytes(findings.setup().pageCount());
  }

  String draw(Replay.Outcome outcome, String name) {
    Plot plot =
        new Plot(
            "Free memory by size of block over the replay: " + name,
            trace,
            maxMebibytes,
            "free memory (MiB)");
    FragmentationSeries series = outcome.series();
    for (Band band : BANDS) {
      plot.path("area " + band.css(), path(plot, series, band));
    }
    return plot.toString();
  }

  /// Draws a band as the area between all pages from its orders up and those above them.
  private String path(Plot plot, FragmentationSeries series, Band band) {
    StringBuilder data = new StringBuilder();
    for (int i = 0; i < series.size(); i += STRIDE) {
      data.append(point(plot, series, i, band.first()));
    }
    data.setCharAt(0, 'M');
    for (int i = (series.size() - 1) / STRIDE * STRIDE; i >= 0; i -= STRIDE) {
      data.append(point(plot, series, i, band.last() + 1));
    }
    return data.append('Z').toString();
  }

  private String point(Plot plot, FragmentationSeries series, int sample, int fromOrder) {
    long pages = series.freePages(sample, fromOrder, NO_LIMIT);
    return plot.point(false, series.eventCount(sample), mebibytes(pages));
  }

  String legend() {
    StringBuilder items = new StringBuilder("<ul class=\"legend\">");
    for (Band band : BANDS.reversed()) {
      items.append(
          Text.format("<li><span class=\"swatch %s\"></span>%s</li>", band.css(), label(band)));
    }
    return items.append("</ul>\n").toString();
  }

  private String label(Band band) {
    String from = Text.bytes((long) trace.pageSize() << band.first());
    if (band.last() == NO_LIMIT) {
      return "order " + band.first() + " and up: blocks of " + from + " and more";
    }
    String to = Text.bytes((long) trace.pageSize() << band.last());
    return band.first() == band.last()
        ? "order " + band.first() + ": " + from
        : "orders " + band.first() + " to " + band.last() + ": " + from + " to " + to;
  }

  private double mebibytes(long pages) {
    return (double) pages * trace.pageSize() / (1 << 20);
  }
}
