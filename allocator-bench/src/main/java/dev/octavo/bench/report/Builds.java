package dev.octavo.bench.report;

import dev.octavo.bench.report.BuildReport.Setup;
import dev.octavo.bench.report.BuildRounds.Limits;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Judges whether a build is slower than another, by interleaved forks of the same benchmarks.
///
/// A round runs each row once in a JVM of the one build and once in a JVM of the other, one
/// directly after the other, so that both meet the same state of the machine. What is judged is the
/// ratio of these two, over all rounds, by a [MedianInterval].
@Command(
    name = "builds",
    mixinStandardHelpOptions = true,
    version = "builds 1",
    sortOptions = false,
    description = {
      "Compares two builds of benchmarks.jar by interleaved forks of the same benchmarks.",
      "Prints, for each row, the median of both, of their ratio, and its 95 %% interval."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:every row is ok: its interval is at or below the limit",
      "1:a row is slower: its interval is above the limit",
      "2:bad arguments, or a fork failed",
      "3:no row is slower, but a row is unclear: the limit is inside its interval"
    })
public final class Builds implements Callable<Integer> {
  private static final int SLOWER = 1;
  private static final int UNCLEAR = 3;
  private static final int MAX_MILLIS = 60_000;
  private static final int MAX_ITERATIONS = 1000;
  private static final int MAX_THREADS = 1024;
  private static final int BATCHES = 3;

  /// Makes what runs the forks, given a directory for its files.
  interface LauncherFactory {

    /// Returns a launcher.
    ForkLauncher in(Path directory, ForkSettings settings);
  }

  private final LauncherFactory launchers;

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "1..*",
      paramLabel = "REGEX",
      description = "Benchmarks whose full name one of these finds.")
  private List<String> filters = List.of();

  @Option(
      names = "--before",
      required = true,
      paramLabel = "JAR",
      description = "benchmarks.jar of the build that is the measure.")
  private Path before = Path.of("");

  @Option(
      names = "--after",
      required = true,
      paramLabel = "JAR",
      description = "benchmarks.jar of the build that is judged.")
  private Path after = Path.of("");

  @Option(
      names = "--limit",
      paramLabel = "RATIO",
      defaultValue = "1.03",
      description = "Largest ratio after/before that is ok (default: ${DEFAULT-VALUE}).")
  private double limit;

  @Option(
      names = "--forks",
      paramLabel = "N",
      defaultValue = "10",
      description = "Pairs of forks of each row (default: ${DEFAULT-VALUE}).")
  private int forks;

  @Option(
      names = "--max-forks",
      paramLabel = "N",
      description = "Pairs of a row that stays unclear (default: three times --forks).")
  private @Nullable Integer maxForks;

  @Option(
      names = "--threads",
      split = ",",
      paramLabel = "N",
      description = "Numbers of threads (default: each benchmark's own).")
  private List<Integer> threads = List.of();

  @Option(
      names = "-p",
      paramLabel = "NAME=VALUE[,VALUE...]",
      description = "Values of a parameter (default: each benchmark's own).")
  private Map<String, String> params = new LinkedHashMap<>();

  @Option(
      names = "--warmup",
      paramLabel = "N",
      defaultValue = "5",
      description = "Iterations of a fork that do not count (default: ${DEFAULT-VALUE}).")
  private int warmups;

  @Option(
      names = "--iterations",
      paramLabel = "N",
      defaultValue = "5",
      description = "Iterations of a fork that count (default: ${DEFAULT-VALUE}).")
  private int iterations;

  @Option(
      names = "--millis",
      paramLabel = "N",
      defaultValue = "200",
      description = "Length of an iteration (default: ${DEFAULT-VALUE}).")
  private int millis;

  @Option(
      names = "--cpu",
      description = "Compare CPU time, which other processes do not add to (default: time).")
  private boolean isCpuTime;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the orders within the pairs (default: a random one, printed).")
  private @Nullable Long seed;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "JSON",
      description = "Where every pair goes, at the end; untouched if a fork fails.")
  private @Nullable Path output;

  private Builds(LauncherFactory launchers) {
    this.launchers = launchers;
  }

  /// Runs the command and ends the process with its exit code.
  public static void main(String[] args) {
    System.exit(commandLine(JmhFork::new).execute(args));
  }

  /// Returns the command, ready to execute; errors are one line on its error stream.
  static CommandLine commandLine(LauncherFactory launchers) {
    return Compare.withShortErrors(new CommandLine(new Builds(launchers)));
  }

  @Override
  public Integer call() throws ReportException {
    checkOptions();
    PrintWriter err = spec.commandLine().getErr();
    SortedSet<BuildRow> rows = new TreeSet<>();
    Setup setup = setup(rows, err);
    BuildFiles files = BuildFiles.open(output);
    try {
      return compare(setup, rows, files);
    } finally {
      files.close();
    }
  }

  private int compare(Setup setup, SortedSet<BuildRow> rows, BuildFiles files)
      throws ReportException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    ForkSettings settings = new ForkSettings(warmups, iterations, millis, isCpuTime);
    PairRunner runner =
        new PairRunner(
            launchers.in(files.directory(), settings),
            files.copy(before, "before.jar"),
            files.copy(after, "after_.jar"),
            new PairOrder(setup.seed()));
    Duration plannedPair = settings.planned().multipliedBy(2);
    BuildRounds rounds =
        new BuildRounds(
            rows,
            new Limits(forks, maxForks(), limit),
            runner,
            new BuildProgress(err, plannedPair, System::nanoTime));
    if (!new BuildInterrupt(rounds, setup, out, files).runRounds()) {
      return Compare.BAD_INPUT;
    }
    BuildReport report = new BuildReport(setup, rounds.results());
    out.print(report.toText());
    out.flush();
    writeOutput(report, files);
    return exitCode(report);
  }

  private void writeOutput(BuildReport report, BuildFiles files) throws ReportException {
    if (output != null) {
      boolean hasFailed = report.count(Verdict.FAILED) > 0;
      if (!hasFailed) {
        files.write(output, report.toJson());
      }
      PrintWriter err = spec.commandLine().getErr();
      err.println((hasFailed ? "a fork failed, not written: " : "results: ") + output);
      err.flush();
    }
  }

  private static int exitCode(BuildReport report) {
    if (report.count(Verdict.FAILED) > 0) {
      return Compare.BAD_INPUT;
    }
    if (report.count(Verdict.SLOWER) > 0) {
      return SLOWER;
    }
    return report.count(Verdict.UNCLEAR) > 0 ? UNCLEAR : 0;
  }

  /// Reads both jars.
  ///
  /// @param rows gets the rows that both have
  private Setup setup(SortedSet<BuildRow> rows, PrintWriter err) throws ReportException {
    BuildRows reader = new BuildRows(selection(), dev.octavo.bench.peer.Peers::isPresent);
    SortedSet<BuildRow> onlyBefore = new TreeSet<>(reader.in(before));
    SortedSet<BuildRow> onlyAfter = new TreeSet<>(reader.in(after));
    rows.addAll(onlyBefore);
    rows.retainAll(onlyAfter);
    onlyBefore.removeAll(rows);
    onlyAfter.removeAll(rows);
    if (rows.isEmpty()) {
      throw new ReportException("no row is in both builds: before=" + before + ", after=" + after);
    }
    long usedSeed = seed == null ? ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE) : seed;
    reader.absentPeers().forEach(peer -> err.println(peer + ": not on this machine"));
    err.println("rows: " + rows.size() + ", seed: " + usedSeed);
    err.flush();
    return new Setup(before, after, isCpuTime, limit, usedSeed, onlyBefore, onlyAfter);
  }

  private BuildRows.Selection selection() {
    List<Pattern> patterns = new ArrayList<>();
    for (String filter : filters) {
      try {
        patterns.add(Pattern.compile(filter));
      } catch (PatternSyntaxException e) {
        throw new ParameterException(
            spec.commandLine(),
            "not a regular expression: regex=" + filter + ", cause=" + e.getDescription(),
            e);
      }
    }
    Map<String, List<String>> values = new LinkedHashMap<>();
    params.forEach((name, list) -> values.put(name, List.of(list.split(",", -1))));
    return new BuildRows.Selection(patterns, values, threads);
  }

  private int maxForks() {
    return maxForks == null ? Math.min(BATCHES * forks, MedianInterval.MAX_SIZE) : maxForks;
  }

  private void checkOptions() {
    checkRange("forks", forks, MedianInterval.MIN_SIZE, MedianInterval.MAX_SIZE);
    checkRange("max-forks", maxForks(), forks, MedianInterval.MAX_SIZE);
    checkRange("warmup", warmups, 0, MAX_ITERATIONS);
    checkRange("iterations", iterations, 1, MAX_ITERATIONS);
    checkRange("millis", millis, 1, MAX_MILLIS);
    threads.forEach(count -> checkRange("threads", count, 1, MAX_THREADS));
    if (!(limit > 0 && limit < Double.POSITIVE_INFINITY)) {
      throw new ParameterException(
          spec.commandLine(), "limit is not a positive number: limit=" + limit);
    }
  }

  private void checkRange(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw new ParameterException(
          spec.commandLine(),
          "out of range: %s=%d, min=%d, max=%d".formatted(name, value, min, max));
    }
  }
}
