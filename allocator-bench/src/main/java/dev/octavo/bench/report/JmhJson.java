package dev.octavo.bench.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.Strictness;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Reads the JSON that JMH writes with `-rf json`.
final class JmhJson {
  private static final Gson STRICT = new GsonBuilder().setStrictness(Strictness.STRICT).create();

  /// What older versions of JMH put before the name of a profiler's metric.
  private static final String PROFILER_DOT = "\u00b7";

  /// The unit of counters, which are not measured again and again but summed up.
  private static final String EVENTS = "#";

  private JmhJson() {}

  /// Reads a run.
  ///
  /// @throws ReportException if there is no such file, if it cannot be read, is not JSON, is not
  ///   JMH's, or has no results
  static Run read(Path path) throws ReportException {
    JsonElement root = parse(path, text(path));
    if (root == null || !root.isJsonArray()) {
      throw new ReportException("not JMH's results, which are a list: path=" + path);
    }
    if (root.getAsJsonArray().isEmpty()) {
      throw new ReportException("no results: path=" + path);
    }
    List<Row> rows = new ArrayList<>();
    for (JsonElement entry : root.getAsJsonArray()) {
      try {
        rows.add(row(entry.getAsJsonObject()));
      } catch (IllegalArgumentException | IllegalStateException | UnsupportedOperationException e) {
        throw new ReportException(
            "not a result of JMH: path=%s, entry=%d, cause=%s"
                .formatted(path, rows.size(), firstLine(e)));
      }
    }
    return new Run(rows);
  }

  private static String text(Path path) throws ReportException {
    try {
      return Files.readString(path);
    } catch (NoSuchFileException e) {
      throw new ReportException("file does not exist: path=" + path);
    } catch (IOException e) {
      throw new ReportException("file cannot be read: path=" + path + ", cause=" + firstLine(e));
    }
  }

  private static @Nullable JsonElement parse(Path path, String text) throws ReportException {
    try {
      return STRICT.fromJson(text, JsonElement.class);
    } catch (JsonParseException e) {
      throw new ReportException("not JSON: path=" + path + ", cause=" + firstLine(e));
    }
  }

  private static Row row(JsonObject entry) {
    RowName name = name(entry);
    JsonObject primary = member(entry, "primaryMetric").getAsJsonObject();
    Figure score = figure(primary);
    Figure cost = TimeUnits.toNanos(score, name.threads());
    if (cost == null) {
      throw new IllegalArgumentException("unknown unit: scoreUnit=" + score.unit());
    }
    return new Row(name, member(entry, "mode").getAsString(), cost, secondary(entry));
  }

  private static RowName name(JsonObject entry) {
    String[] parts = member(entry, "benchmark").getAsString().split("\\.", -1);
    if (parts.length < 2) {
      throw new IllegalArgumentException("no class and method: benchmark=" + parts[0]);
    }
    int threads = member(entry, "threads").getAsInt();
    if (threads < 1) {
      throw new IllegalArgumentException("threads out of range: threads=" + threads);
    }
    Map<String, String> params = new HashMap<>();
    if (entry.has("params")) {
      entry
          .getAsJsonObject("params")
          .entrySet()
          .forEach(param -> params.put(param.getKey(), param.getValue().getAsString()));
    }
    return RowName.of(parts[parts.length - 2] + "." + parts[parts.length - 1], params, threads);
  }

  private static Map<String, Figure> secondary(JsonObject entry) {
    Map<String, Figure> figures = new HashMap<>();
    if (entry.has("secondaryMetrics")) {
      for (var metric : entry.getAsJsonObject("secondaryMetrics").entrySet()) {
        String name = metric.getKey().replace(PROFILER_DOT, "");
        figures.put(name, figure(metric.getValue().getAsJsonObject()));
      }
    }
    return figures;
  }

  private static Figure figure(JsonObject metric) {
    String unit = member(metric, "scoreUnit").getAsString();
    double[] values = values(metric).filter(value -> !Double.isNaN(value)).toArray();
    if (values.length == 0 || unit.equals(EVENTS)) {
      values = new double[] {member(metric, "score").getAsDouble()};
    }
    return Figure.of(values, unit);
  }

  /// Returns a value for each iteration; where JMH took samples, the median of each.
  private static DoubleStream values(JsonObject metric) {
    if (metric.has("rawData")) {
      return forks(metric.getAsJsonArray("rawData")).mapToDouble(JsonElement::getAsDouble);
    }
    if (metric.has("rawDataHistogram")) {
      return forks(metric.getAsJsonArray("rawDataHistogram"))
          .mapToDouble(iteration -> histogramMedian(iteration.getAsJsonArray()));
    }
    return DoubleStream.empty();
  }

  private static Stream<JsonElement> forks(JsonArray forks) {
    return forks.asList().stream().flatMap(fork -> fork.getAsJsonArray().asList().stream());
  }

  /// Returns the median of pairs of a value and how often it came, in ascending order.
  private static double histogramMedian(JsonArray pairs) {
    long total = 0;
    for (JsonElement pair : pairs) {
      total += pair.getAsJsonArray().get(1).getAsLong();
    }
    long seen = 0;
    for (JsonElement pair : pairs) {
      seen += pair.getAsJsonArray().get(1).getAsLong();
      if (2 * seen >= total) {
        return pair.getAsJsonArray().get(0).getAsDouble();
      }
    }
    return Double.NaN;
  }

  private static JsonElement member(JsonObject object, String name) {
    JsonElement member = object.get(name);
    if (member == null) {
      throw new IllegalArgumentException("missing: name=" + name);
    }
    return member;
  }

  private static String firstLine(Exception e) {
    String message = String.valueOf(e.getMessage());
    return message.lines().findFirst().orElse(message);
  }
}
