package dev.octavo.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Runs enough of the benchmarks for every bar, in one go, and prints the tables of [Compare].
///
/// Each row has a JVM of its own with the flags of this one, so that no peer warms up for another.
/// After each benchmark the results so far are on disk.
@Command(
    name = "quick-set",
    mixinStandardHelpOptions = true,
    version = "quick-set 1",
    description = "Runs a quick set of benchmarks and prints ratios and bars.",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every row has a result, good or not",
      "1:a row failed",
      "2:bad arguments, or nothing to run"
    })
public final class QuickSet implements Callable<Integer> {

  /// A start of a JVM and eight iterations.
  static final long PLANNED_ROW_NANOS = 4_000_000_000L;

  /// Many times what any row takes.
  private static final Duration ROW_LIMIT = Duration.ofMinutes(1);

  private static final int ROW_FAILED = 1;
  private static final int WARMUP_ITERATIONS = 3;
  private static final int MEASURED_ITERATIONS = 5;
  private static final int MAX_MILLIS = 60_000;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "0..1",
      paramLabel = "REGEX",
      defaultValue = "",
      description = "Only benchmarks whose class and method this finds (default: all).")
  private String filter = "";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "JSON",
      defaultValue = "target/bench.json",
      description = "Where the results go (default: ${DEFAULT-VALUE}).")
  private Path output = Path.of("target", "bench.json");

  @Option(
      names = "--millis",
      paramLabel = "N",
      defaultValue = "300",
      description = "Length of an iteration (default: ${DEFAULT-VALUE}).")
  private int iterationMillis;

  /// Runs the set and ends the process with its exit code.
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /// Returns the command, ready to execute; errors are one line on its error stream.
  static CommandLine commandLine() {
    return Compare.withShortErrors(new CommandLine(new QuickSet()));
  }

  @Override
  public Integer call() throws ReportException {
    checkOptions();
    PrintWriter err = spec.commandLine().getErr();
    QuickPlan plan = plan(err);
    QuickProgress progress = new QuickProgress(err, plan.rowCount(), new RowLimit(ROW_LIMIT));
    List<RunResult> results = new ArrayList<>();
    write(results);
    for (QuickPlan.Job job : plan.jobs()) {
      results.addAll(run(job, progress));
      write(results);
    }
    new Report(spec.commandLine().getOut(), false).write(JmhJson.read(output));
    err.println("results: " + output);
    progress.failed().forEach(row -> err.println("failed: " + row));
    err.flush();
    return progress.failed().isEmpty() ? 0 : ROW_FAILED;
  }

  private void checkOptions() {
    if (iterationMillis < 1 || iterationMillis > MAX_MILLIS) {
      throw new ParameterException(
          spec.commandLine(),
          "iteration out of range: millis=%d, min=1, max=%d"
              .formatted(iterationMillis, MAX_MILLIS));
    }
  }

  private QuickPlan plan(PrintWriter err) throws ReportException {
    QuickPlan plan = new QuickPlan(benchmarks(), pattern(), dev.octavo.bench.peer.Peers::isPresent);
    plan.stepsWithoutBenchmark().stream()
        .map(QuickPlan.Step::toString)
        .distinct()
        .forEach(step -> err.println("no such benchmark: " + step));
    plan.absentPeers().forEach(peer -> err.println(peer + ": not on this machine"));
    err.flush();
    if (plan.jobs().isEmpty()) {
      throw new ReportException("nothing to run: regex=" + filter);
    }
    return plan;
  }

  /// Returns all benchmarks that there are.
  static Collection<BenchmarkListEntry> benchmarks() {
    OutputFormat nowhere = OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT);
    return BenchmarkList.defaultList().getAll(nowhere, List.of());
  }

  private Pattern pattern() {
    try {
      return Pattern.compile(filter);
    } catch (PatternSyntaxException e) {
      throw new ParameterException(
          spec.commandLine(),
          "not a regular expression: regex=" + filter + ", cause=" + e.getDescription(),
          e);
    }
  }

  private Collection<RunResult> run(QuickPlan.Job job, QuickProgress progress)
      throws ReportException {
    var options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(job.benchmark()) + "$")
            .threads(job.threads())
            .forks(1)
            .warmupIterations(WARMUP_ITERATIONS)
            .warmupTime(TimeValue.milliseconds(iterationMillis))
            .measurementIterations(MEASURED_ITERATIONS)
            .measurementTime(TimeValue.milliseconds(iterationMillis))
            .addProfiler(GCProfiler.class);
    job.params().forEach((name, values) -> options.param(name, values.toArray(String[]::new)));
    try {
      return new Runner(options.build(), progress).run();
    } catch (RunnerException e) {
      throw new ReportException("benchmarks cannot run: cause=" + e.getMessage());
    } finally {
      progress.failIfRunning();
    }
  }

  private void write(List<RunResult> results) throws ReportException {
    try {
      Path parent = output.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      try (PrintStream json =
          new PrintStream(Files.newOutputStream(output), false, StandardCharsets.UTF_8)) {
        ResultFormatFactory.getInstance(ResultFormatType.JSON, json).writeOut(results);
      }
    } catch (IOException e) {
      throw new ReportException("results cannot be written: path=" + output + ", cause=" + e);
    }
  }
}
