package dev.octavo.bench.report;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.format.OutputFormat;

/// Says which row is measured, how long it took so far, and how much longer it will take: a line a
/// row. What a benchmark prints stands below its line; what JMH prints, only if there is no result.
final class QuickProgress implements OutputFormat {
  private final PrintWriter err;
  private final int rowCount;
  private final RowLimit limit;
  private final long startNanos = System.nanoTime();
  private final StringBuilder said = new StringBuilder();
  private final List<String> failed = new ArrayList<>();
  private int started;
  private @Nullable String running;

  QuickProgress(PrintWriter err, int rowCount, RowLimit limit) {
    this.err = err;
    this.rowCount = rowCount;
    this.limit = limit;
  }

  /// Returns the rows that gave no result.
  List<String> failed() {
    return failed;
  }

  @Override
  public void startBenchmark(BenchmarkParams params) {
    failIfRunning();
    limit.begin();
    String name = name(params);
    running = name;
    said.setLength(0);
    err.printf(
        "[%3d/%d] %s gone, %s left  %s",
        started + 1, rowCount, clock(elapsedNanos()), clock(leftNanos()), name);
    err.flush();
    started++;
  }

  @Override
  public void endBenchmark(@Nullable BenchmarkResult result) {
    if (result != null) {
      running = null;
      limit.end();
      err.printf("  %s%n", score(result));
      err.flush();
    }
  }

  @Override
  public void endRun(Collection<RunResult> results) {
    failIfRunning();
  }

  @Override
  public void println(String line) {
    said.append(line).append(System.lineSeparator());
  }

  @Override
  public void print(String text) {
    said.append(text);
  }

  @Override
  public void write(int b) {
    said.append((char) b);
  }

  @Override
  public void write(byte[] bytes) {
    said.append(new String(bytes, StandardCharsets.UTF_8));
  }

  @Override
  public void startRun() {}

  @Override
  public void iteration(BenchmarkParams params, IterationParams iteration, int number) {}

  @Override
  public void iterationResult(
      BenchmarkParams params, IterationParams iteration, int number, IterationResult data) {}

  @Override
  public void verbosePrintln(String line) {}

  @Override
  public void flush() {}

  @Override
  public void close() {}

  /// Closes the line of a row that started and never ended.
  void failIfRunning() {
    if (running != null) {
      limit.end();
      failed.add(running);
      running = null;
      err.println("  FAILED");
      err.println(said);
      err.flush();
    }
  }

  private static String score(BenchmarkResult result) {
    var primary = result.getPrimaryResult();
    return Numbers.nanos(primary.getStatistics().getPercentile(50)) + " " + primary.getScoreUnit();
  }

  private static String name(BenchmarkParams params) {
    Map<String, String> values = new HashMap<>();
    params.getParamsKeys().forEach(key -> values.put(key, params.getParam(key)));
    String[] parts = params.getBenchmark().split("\\.", -1);
    String benchmark = parts[parts.length - 2] + "." + parts[parts.length - 1];
    return RowName.of(benchmark, values, params.getThreads()).toString();
  }

  private long elapsedNanos() {
    return System.nanoTime() - startNanos;
  }

  /// Assumes that the rows to come take as long as those that are done; the first, as planned.
  private long leftNanos() {
    long rowNanos = started == 0 ? QuickSet.PLANNED_ROW_NANOS : elapsedNanos() / started;
    return rowNanos * (rowCount - started);
  }

  /// Returns a duration as minutes and seconds.
  static String clock(long nanos) {
    Duration time = Duration.ofNanos(nanos);
    return "%2d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
  }
}
