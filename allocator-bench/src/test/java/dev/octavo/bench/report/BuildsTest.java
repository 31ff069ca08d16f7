package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.bench.report.Fixtures.Outcome;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BuildsTest {
  private static final String TRIMMED = "TrimBenchmark.trimmed";
  private static final String EXACT = "TrimBenchmark.exact";
  private static final String SPLIT = "CascadeBenchmark.splitAndMerge";

  @TempDir private Path dir = Path.of("");

  private Path before = Path.of("");
  private Path after = Path.of("");

  @BeforeEach
  void writeJars() throws Exception {
    before = BuildFixtures.jar(dir.resolve("old.jar"), TRIMMED, EXACT);
    after = BuildFixtures.jar(dir.resolve("new.jar"), TRIMMED, SPLIT);
  }

  @ParameterizedTest
  @CsvSource({"100, 0, ok", "102.9, 0, ok", "104, 1, slower", "50, 0, ok"})
  void theExitCodeIsTheVerdict(double afterNanos, int exitCode, String verdict) {
    Outcome outcome = compare(isAfter -> isAfter ? afterNanos : 100, TRIMMED);
    assertThat(outcome.exitCode()).as(outcome.err()).isEqualTo(exitCode);
    assertThat(outcome.out())
        .containsPattern("TrimBenchmark\\.trimmed, 1 thread +100\\.0 .* 10  " + verdict + "\n");
  }

  @Test
  void anUnclearRowHasAnExitCodeOfItsOwn() {
    int[] calls = {0};
    Outcome outcome =
        compare(isAfter -> isAfter ? 100 + 10 * (calls[0]++ % 2) : 100, TRIMMED, "--seed=1");
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(outcome.out())
        .contains(
            """
            row                              before  after  after/before    low   high  pairs
            TrimBenchmark.trimmed, 1 thread   100.0  105.0         1.050  1.000  1.100     30  unclear

            1 rows: 0 ok, 0 slower, 1 unclear, 0 failed; limit 1.03, seed 1
            """);
  }

  @Test
  void rowsOfOneBuildAloneAreListedNotCompared() {
    Outcome outcome = compare(isAfter -> 100, ".");
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.out())
        .contains("Only in " + before + ", not compared:\n\n  TrimBenchmark.exact, 1 thread\n")
        .contains("Only in " + after + ", not compared:\n\n  " + SPLIT + " cache=")
        .contains("1 rows: 1 ok, ");
  }

  @Test
  void theOutputHasEveryPair() throws Exception {
    Path json = dir.resolve("new").resolve("out.json");
    Outcome outcome = compare(isAfter -> isAfter ? 101 : 100, TRIMMED, "-o", json, "--seed=7");
    assertThat(outcome.err()).contains("results: " + json);
    assertThat(Files.readString(json))
        .contains("\"seed\": 7", "\"ratio\": 1.01", "\"verdict\": \"ok\"", "\"first\": \"after\"")
        .satisfies(text -> assertThat(text.split("\"first\"", -1)).hasSize(11));
  }

  @Test
  void aForkThatFailsIsReportedAndLeavesTheOutputAsItWas() throws Exception {
    Path json = Files.writeString(dir.resolve("out.json"), "old");
    Outcome outcome = run((jar, row) -> fail(), TRIMMED, "-o", json);
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.err())
        .containsPattern("(before|after): exit code is not 0: code=1\nlast words\\R")
        .contains("a fork failed, not written: " + json);
    assertThat(outcome.out())
        .containsPattern("trimmed, 1 thread +- +- +- +- +- +0  failed\n")
        .contains("1 rows: 0 ok, 0 slower, 0 unclear, 1 failed");
    assertThat(json).hasContent("old");
    try (var files = Files.list(dir)) {
      assertThat(files).hasSize(3);
    }
  }

  private static double fail() throws ReportException {
    throw new ReportException("exit code is not 0: code=1\nlast words");
  }

  @Test
  void badArgumentsAreOneLineAndExitCode2() throws Exception {
    assertError("bad argument: not a regular expression: regex=(, cause=", "(");
    assertError("bad argument: out of range: forks=5, min=6, max=1000", "--forks=5", ".");
    assertError("bad argument: out of range: max-forks=9, min=10, ", "--max-forks=9", ".");
    assertError("bad argument: out of range: iterations=0, min=1,", "--iterations=0", ".");
    assertError("bad argument: out of range: warmup=-1, min=0,", "--warmup=-1", ".");
    assertError("bad argument: out of range: millis=0, min=1, max=60000", "--millis=0", ".");
    assertError("bad argument: out of range: threads=0, min=1,", "--threads=1,0", ".");
    assertError("bad argument: limit is not a positive number: limit=NaN", "--limit=NaN", ".");
    assertError("bad argument: ", "-p", "novalue", ".");
    assertError("bad argument: Missing required parameter: 'REGEX");
    assertError("no benchmark is selected: jar=" + before + ", regex=[Nonsense]", "Nonsense");
    assertError("no benchmark is selected: jar=" + after + ", regex=[exact]", "exact");
    assertError("results cannot be written: path=" + dir + ", is a directory", "-o", dir, TRIMMED);
    Path inFile = before.resolve("x.json");
    assertError("files cannot be made: path=" + inFile, "-o", inFile, TRIMMED);
  }

  @Test
  void jarsThatAreNotThereAreNamed() {
    Path none = dir.resolve("none.jar");
    assertThat(execute((jar, row) -> 1, "--before", none, "--after", after, "."))
        .isEqualTo(new Outcome(2, "", "jar does not exist: path=" + none + System.lineSeparator()));
    assertThat(execute((jar, row) -> 1, "--after", after, ".").err())
        .startsWith("bad argument: Missing required option: '--before=JAR'");
  }

  @Test
  void buildsWithoutACommonRowAreNotCompared() {
    assertError("no row is in both builds: before=" + before, "exact|splitAndMerge");
  }

  @Test
  void anInterruptPrintsTheRowsSoFar() throws Exception {
    List<BuildInterrupt> interrupts = new ArrayList<>();
    int[] forks = {0};
    ForkLauncher launcher =
        (jar, row) -> {
          if (forks[0]++ == 16) {
            interrupts.getFirst().interrupt();
            return fail();
          }
          return 100;
        };
    StringWriter out = new StringWriter();
    interrupts.add(
        new BuildInterrupt(
            rounds(launcher),
            new BuildReport.Setup(before, after, false, 1.03, 1, List.of(), List.of()),
            new PrintWriter(out),
            BuildFiles.open(null)));
    interrupts.getFirst().runRounds();
    assertThat(forks[0]).isEqualTo(17);
    assertThat(out.toString())
        .contains("Interrupted, so far:")
        .containsPattern("A\\.b, 1 thread +100\\.0 +100\\.0 +1\\.000 +1\\.000 +1\\.000 +8  ok\n");
  }

  private BuildRounds rounds(ForkLauncher launcher) {
    PrintWriter nowhere = new PrintWriter(new StringWriter());
    return new BuildRounds(
        List.of(BuildFixtures.row("A.b")),
        new BuildRounds.Limits(10, 10, 1.03),
        new PairRunner(launcher, before, after, new PairOrder(1)),
        new BuildProgress(nowhere, Duration.ZERO, System::nanoTime));
  }

  /// What a fork of either build takes.
  private interface Cost {
    double nanos(boolean isAfter);
  }

  private Outcome compare(Cost cost, Object... args) {
    return run((jar, row) -> cost.nanos(jar.endsWith("after_.jar")), args);
  }

  private Outcome run(ForkLauncher launcher, Object... args) {
    List<Object> all = new ArrayList<>(List.of("--before", before, "--after", after));
    all.addAll(Arrays.asList(args));
    return execute(launcher, all.toArray());
  }

  private static Outcome execute(ForkLauncher launcher, Object... args) {
    Outcome outcome = Fixtures.run(Builds.commandLine((directory, settings) -> launcher), args);
    return new Outcome(
        outcome.exitCode(), outcome.out().replace(System.lineSeparator(), "\n"), outcome.err());
  }

  private void assertError(String start, Object... args) {
    Outcome outcome = run((jar, row) -> 1, args);
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err().lines()).last().asString().startsWith(start);
  }
}
