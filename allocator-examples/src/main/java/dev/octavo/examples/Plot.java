package dev.octavo.examples;

/// The frame of a chart over the course of a replay: a horizontal axis of events, with the
/// recording's seconds under it, and a vertical axis from 0.
final class Plot {
  private static final int WIDTH = 480;
  private static final int HEIGHT = 300;
  private static final int LEFT = 50;
  private static final int RIGHT = 22;
  private static final int TOP = 32;
  private static final int BOTTOM = 62;
  private static final int MAX_TICKS = 6;
  private static final int LINE_HEIGHT = 16;

  private final Svg svg;
  private final Trace trace;
  private final double maxY;

  /// @param yTitle what the vertical axis measures, unit included
  Plot(String title, Trace trace, double maxY, String yTitle) {
    svg = new Svg(WIDTH, HEIGHT, title);
    this.trace = trace;
    this.maxY = maxY;
    yAxis(yTitle);
    xAxis();
  }

  double x(double events) {
    return LEFT + events / trace.eventCount() * (WIDTH - LEFT - RIGHT);
  }

  double y(double value) {
    return HEIGHT - BOTTOM - value / maxY * (HEIGHT - TOP - BOTTOM);
  }

  /// Adds a shape, given as the data of an SVG path.
  void path(String css, String data) {
    svg.add("<path class=\"%s\" d=\"%s\"/>", css, data);
  }

  /// Returns one point of a path; the first of a path moves, the others draw.
  String point(boolean isFirst, double events, double value) {
    return Text.format("%s%.1f %.1f", isFirst ? "M" : "L", x(events), y(value));
  }

  private void yAxis(String title) {
    svg.text("start", 4, TOP - 18, title);
    double step = niceStep(maxY, MAX_TICKS);
    for (int i = 0; i * step <= maxY * 1.0001; i++) {
      double value = i * step;
      svg.line(LEFT, y(value), WIDTH - RIGHT, y(value));
      svg.text("end", LEFT - 6, y(value) + 4, tick(value, step));
    }
  }

  private void xAxis() {
    int step = (int) Math.max(1, niceStep(trace.eventCount(), MAX_TICKS));
    double below = HEIGHT - BOTTOM + LINE_HEIGHT;
    for (int events = 0; events <= trace.eventCount(); events += step) {
      svg.line(x(events), HEIGHT - BOTTOM, x(events), HEIGHT - BOTTOM + 4);
      svg.text("middle", x(events), below + 2, eventTick(events, step));
      svg.text("middle soft", x(events), below + LINE_HEIGHT + 2, seconds(events));
    }
    svg.text("end", WIDTH - RIGHT, HEIGHT - 6, "events replayed, and the recording's clock");
  }

  private String seconds(int events) {
    return Text.format("%.1f s", trace.millisAt(events) / 1e3);
  }

  /// Writes all ticks of an axis in the same unit.
  private static String eventTick(int events, int step) {
    return events == 0 || step < 1000 ? Text.count(events) : Text.count(events / 1000) + " k";
  }

  private static String tick(double value, double step) {
    return step >= 1 ? Text.count(Math.round(value)) : Text.format("%.1f", value);
  }

  /// Returns 1, 2 or 5 times a power of ten, so that at most so many steps make up the range.
  static double niceStep(double range, int maxSteps) {
    double rough = range / maxSteps;
    double magnitude = Math.pow(10, Math.floor(Math.log10(rough)));
    double share = rough / magnitude;
    return magnitude * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
  }

  @Override
  public String toString() {
    return svg.toString();
  }
}
