package dev.octavo.examples;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/// The findings as one page that needs nothing else: `report.html` with its `${...}` filled in.
final class HtmlReport {
  private static final String TEMPLATE = "report.html";
  private static final String STYLE = "report.css";

  private final Findings findings;
  private final Map<String, String> values = new LinkedHashMap<>();

  HtmlReport(Findings findings) {
    this.findings = findings;
  }

  String toHtml() throws IOException {
    values.put("style", resource(STYLE));
    fillFacts();
    fillCharts();
    fillMaps();
    fillExactTrim();
    values.put("figures", new FigureTables(findings).toHtml());
    String html = resource(TEMPLATE);
    for (Map.Entry<String, String> value : values.entrySet()) {
      html = html.replace("${" + value.getKey() + "}", value.getValue());
    }
    return html;
  }

  private void fillFacts() {
    Trace trace = findings.trace();
    values.put("trace", Text.escape(trace.name()));
    values.put("events", Text.count(trace.eventCount()));
    values.put(
        "seconds", Text.plain(Math.round(trace.millisAt(trace.eventCount()) / 100.0) / 10.0));
    values.put("peak", Text.bytes(trace.peakBytes()));
    values.put("region", Text.bytes(findings.regionBytes()));
    values.put("slack", Text.plain(findings.setup().slackPercent()));
    values.put("verdict", findings.isGood() ? "All checks passed." : "Some checks failed.");
    values.put("failures", Text.count(findings.octavo().failures()));
    values.put("blocks", Text.count(findings.stamps().blocks()));
    values.put("stampedBytes", Text.bytes(findings.stamps().bytes()));
    values.put("broken", Text.count(findings.stamps().broken()));
    values.put("nanos", Text.plain(Math.round(findings.speeds().getFirst().median() * 10) / 10.0));
    values.put("violations", Text.count(findings.laws().violations().size()));
    values.put(
        "buddyinfo",
        Text.escape(findings.laws().lineBefore() + "\n" + findings.laws().lineAfter()));
    values.put("warmUp", String.valueOf(Math.round(Findings.WARM_UP * 100)));
  }

  private void fillCharts() {
    AreaChart areas = new AreaChart(findings);
    values.put("areaOctavo", areas.draw(findings.octavo(), "Octavo"));
    values.put("areaLinux", areas.draw(findings.linux(), "Linux's policy"));
    values.put("areaLegend", areas.legend());
    for (int order : new int[] {Findings.SMALL_ORDER, Findings.HUGE_ORDER}) {
      LineChart chart = new LineChart(findings, order);
      values.put("line" + order, chart.draw());
      values.put("lineLegend" + order, chart.legend());
      values.put("size" + order, Text.bytes((long) findings.trace().pageSize() << order));
      values.put("percent" + order, percent(findings.octavo(), order));
      values.put("linuxPercent" + order, percent(findings.linux(), order));
    }
  }

  private static String percent(Replay.Outcome outcome, int order) {
    return Text.format("%.1f\u00a0%%", outcome.series().mean(order, Findings.WARM_UP) * 100);
  }

  private void fillMaps() {
    int pageSize = findings.trace().pageSize();
    RegionMap ours = findings.octavo().map();
    RegionMap theirs = findings.linux().map();
    values.put("mapOctavo", new MapPicture(ours, pageSize).draw("Octavo"));
    values.put("mapLinux", new MapPicture(theirs, pageSize).draw("Linux's policy"));
    values.put("mapLegend", MapPicture.legend());
    values.put("cell", Text.bytes((long) ours.cellPages() * pageSize));
    values.put("cells", Text.count(ours.cells()));
    values.put("freeOctavo", Text.count(ours.whollyFreeCells()));
    values.put("freeLinux", Text.count(theirs.whollyFreeCells()));
    values.put("liveBlocks", Text.count(findings.laws().liveBlocks()));
  }

  private void fillExactTrim() {
    ExactTrim exact = findings.exactTrim();
    TrimPicture picture = new TrimPicture(exact);
    values.put("trimExact", picture.drawExact());
    values.put("trimRounded", picture.drawRounded());
    values.put("trimBytes", Text.count(exact.byteSize()));
    values.put("trimSize", Text.bytes(exact.byteSize()));
    values.put("trimUsed", Text.count(exact.usedPages()));
    values.put("trimBack", Text.count(exact.givenBackPages()));
    values.put("trimBlock", Text.count(ExactTrim.BLOCK_PAGES));
    values.put(
        "trimOrders",
        exact.givenBackOrders().stream().map(String::valueOf).collect(Collectors.joining(", ")));
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("resource is missing: name=" + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
