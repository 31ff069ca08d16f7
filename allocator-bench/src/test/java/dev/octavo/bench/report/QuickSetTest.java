package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.bench.report.Fixtures.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.util.Optional;

class QuickSetTest {
  private static final Collection<BenchmarkListEntry> BENCHMARKS = QuickSet.benchmarks();

  @TempDir private Path dir = Path.of("");

  /// Another benchmark on the same machine spoils figures, not tests.
  @BeforeAll
  static void runBesideOthers() {
    System.setProperty("jmh.ignoreLock", "true");
  }

  @Test
  void rowsRunInJvmsOfTheirOwnAndAreReported() {
    Path json = dir.resolve("new").resolve("bench.json");
    Outcome outcome =
        Fixtures.run(QuickSet.commandLine(), "--millis", 5, "-o", json, "TrimBenchmark\\.trimmed");
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(outcome.err())
        .containsPattern("\\[  1/1\\]  0:0\\d gone,  0:04 left  TrimBenchmark.trimmed, 1 thread  ")
        .containsPattern("trimmed, 1 thread  [0-9.,]+ ns/op\\R")
        .contains("results: " + json);
    assertThat(outcome.out())
        .containsPattern("\nTrimBenchmark.trimmed, 1 thread( +[0-9.,]+){4}\\R")
        .contains(Bars.ALL.size() + " bars: ");
    assertThat(json).exists();
  }

  @Test
  void badArgumentsAreOneLineAndExitCode2() {
    assertError("nothing to run: regex=Nonsense", "Nonsense");
    assertError("bad argument: not a regular expression: regex=(, cause=", "(");
    assertError("bad argument: iteration out of range: millis=0, min=1, max=60000", "--millis=0");
  }

  @Test
  void resultsThatCannotBeWrittenAreSaidBeforeAnythingRuns() throws Exception {
    Path file = Files.createFile(dir.resolve("file"));
    assertError(
        "results cannot be written: path=" + file.resolve("x.json"),
        "-o",
        file.resolve("x.json"),
        "TrimBenchmark");
  }

  @Test
  void aStepTakesOfEachParameterOnlyWhatItNames() {
    QuickPlan plan =
        new QuickPlan(BENCHMARKS, Pattern.compile("CascadeBenchmark\\.split"), p -> true);
    assertThat(plan.jobs())
        .singleElement()
        .satisfies(
            job -> {
              assertThat(job.benchmark())
                  .isEqualTo("dev.octavo.bench.CascadeBenchmark.splitAndMerge");
              assertThat(job.params()).containsEntry("order", List.of("18"));
              assertThat(job.rowCount()).isEqualTo(plan.rowCount());
            });
  }

  @Test
  void stepsWithoutABenchmarkAreNamed() {
    assertThat(new QuickPlan(List.of(), Pattern.compile(""), peer -> true).stepsWithoutBenchmark())
        .isEqualTo(QuickPlan.STEPS)
        .first()
        .hasToString("PairPeersBenchmark");
  }

  @Test
  void rowsOfAPeerThatIsNotOnThisMachineAreLeftOut() {
    QuickPlan plan =
        new QuickPlan(
            List.of(
                entry("PairPeersBenchmark", "mimalloc", Map.of()),
                entry("PairPeersBenchmark", "malloc", Map.of("byteSize", new String[] {"1", "2"})),
                entry(
                    "BatchBenchmark",
                    "lifo",
                    Map.of("peer", new String[] {"octavoRun", "mimalloc", "arrow"}))),
            Pattern.compile(""),
            peer -> !peer.equals("mimalloc"));
    assertThat(plan.absentPeers()).containsExactly("mimalloc");
    assertThat(plan.rowCount()).isEqualTo(3);
    assertThat(plan.jobs())
        .extracting(job -> job.benchmark() + job.params())
        .containsExactly(
            "dev.octavo.bench.PairPeersBenchmark.malloc{byteSize=[1, 2]}",
            "dev.octavo.bench.BatchBenchmark.lifo{peer=[octavoRun]}");
  }

  private static BenchmarkListEntry entry(
      String className, String method, Map<String, String[]> params) {
    Optional<Integer> number = Optional.none();
    Optional<TimeValue> time = Optional.none();
    Optional<String> text = Optional.none();
    Optional<Collection<String>> texts = Optional.none();
    return new BenchmarkListEntry(
        "dev.octavo.bench." + className,
        "",
        method,
        Mode.AverageTime,
        number,
        new int[] {1},
        texts,
        number,
        time,
        number,
        number,
        time,
        number,
        number,
        number,
        text,
        texts,
        texts,
        texts,
        Optional.of(params),
        Optional.none(),
        number,
        time);
  }

  private static void assertError(String lastLineStart, Object... args) {
    Outcome outcome = Fixtures.run(QuickSet.commandLine(), args);
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err().lines()).last().asString().startsWith(lastLineStart);
  }
}
