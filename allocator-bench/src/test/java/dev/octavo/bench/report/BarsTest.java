package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.byLessThan;

import dev.octavo.bench.report.Bar.Mark;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.runner.BenchmarkListEntry;

class BarsTest {

  /// Classes whose benchmarks, or parameters, are not all there yet.
  private static final Set<String> NOT_YET = Set.of();

  private static final Collection<BenchmarkListEntry> BENCHMARKS = QuickSet.benchmarks();

  @TempDir private Path dir = Path.of("");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "pair of 4 KiB: page run / the better Netty | OK | 0.11667 | 10.5 ns / 90.0 ns",
        "pair of 4 KiB: segment / the better Netty | MISSED | 0.16667 | 15.0 ns / 90.0 ns",
        "pair of 4 KiB: segment / JDK confined | OK | 0.09677 | 15.0 ns / 155.0 ns",
        "pair of 4 KiB: page run, garbage | OK | 0 | ''",
        "pair of 132 KiB: segment / mimalloc | OK | 0.02996 | 21.0 ns / 701.0 ns",
        "full split and merge cascade from a 1 GiB block | OK | 60 | ''",
        "producer-consumer: page run / the better Netty's throughput | OK | 20 | 20.0 ns / 400.0"
            + " ns",
        "pair, page run: throughput of 2 threads / of 1 | OK | 2 | 10.0 ns / 10.0 ns",
        "pair, page run: throughput of 16 threads / of 2 | MISSED | 0.72727 | 110.0 ns / 10.0 ns",
      })
  void aBarIsComputedFromMedians(String text, Mark mark, double value, String origin)
      throws Exception {
    Measure.Value measured = bar(text).measure().in(run());
    assertThat(measured).isNotNull();
    assertThat(measured.value()).isCloseTo(value, byLessThan(1e-5));
    assertThat(measured.origin()).isEqualTo(origin);
    assertThat(bar(text).mark(measured)).isEqualTo(mark);
  }

  @ParameterizedTest
  @CsvSource({
    "pair of 4 KiB: segment / mimalloc",
    "pair of 132 KiB: segment / the better Netty",
    "producer-consumer: segment / the better Netty's throughput",
    "'liveSet, segment: throughput of 2 threads / of 1'",
    "'LLFree''s churn, order 9, 2 threads'",
  })
  void aBarWithoutItsRowsIsAbsent(String text) throws Exception {
    assertThat(bar(text).measure().in(run())).isNull();
    assertThat(bar(text).mark(null)).isEqualTo(Mark.ABSENT);
  }

  @Test
  void theBetterPeerCountsAndOneIsEnough() {
    Map<String, String> params = Map.of("byteSize", "4096");
    Row ours = Fixtures.row("PairPeersBenchmark.octavoRun", params, 1, 10);
    Row pooled = Fixtures.row("PairPeersBenchmark.nettyPooled", params, 1, 50);
    Row adaptive = Fixtures.row("PairPeersBenchmark.nettyAdaptive", params, 1, 40);
    Measure measure = bar("pair of 4 KiB: page run / the better Netty").measure();
    assertThat(measure.in(new Run(List.of(ours, pooled, adaptive))))
        .isEqualTo(new Measure.Value(0.25, "10.0 ns / 40.0 ns"));
    assertThat(measure.in(new Run(List.of(ours, pooled))))
        .isEqualTo(new Measure.Value(0.2, "10.0 ns / 50.0 ns"));
  }

  @Test
  void aDifferenceIsInNanoseconds() {
    Map<String, String> params = Map.of("byteSize", "4096");
    Row charged = Fixtures.row("AccountPairBenchmark.charged", params, 1, 12.5);
    Row uncharged = Fixtures.row("AccountPairBenchmark.uncharged", params, 1, 10);
    Bar bar = bar("pair of 4 KiB, 1 thread: charged more than uncharged");
    Measure.Value value = bar.measure().in(new Run(List.of(charged, uncharged)));
    assertThat(value).isEqualTo(new Measure.Value(2.5, "12.5 ns - 10.0 ns"));
    assertThat(bar.mark(value)).isEqualTo(Mark.MISSED);
    assertThat(bar.measure().in(new Run(List.of(charged)))).isNull();
  }

  @Test
  void aRowWithAnotherParameterIsAnotherRow() {
    Map<String, String> params = Map.of("order", "18", "cache", "off", "more", "1");
    Row row = Fixtures.row("CascadeBenchmark.splitAndMerge", params, 1, 10);
    Measure measure = bar("full split and merge cascade from a 1 GiB block").measure();
    assertThat(measure.in(new Run(List.of(row)))).isNull();
  }

  @Test
  void theLimitItselfIsGood() {
    Bar atLeast = bar("pair, page run: throughput of 2 threads / of 1");
    assertThat(atLeast.mark(new Measure.Value(1.9, ""))).isEqualTo(Mark.OK);
    assertThat(atLeast.mark(new Measure.Value(1.89, ""))).isEqualTo(Mark.MISSED);
    Bar atMost = bar("bulk of 64 pages, a page");
    assertThat(atMost.mark(new Measure.Value(2, ""))).isEqualTo(Mark.OK);
    assertThat(atMost.mark(new Measure.Value(2.01, ""))).isEqualTo(Mark.MISSED);
  }

  @Test
  void noTwoBarsHaveTheSameText() {
    assertThat(Bars.ALL).extracting(Bar::text).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @MethodSource
  void everyRowOfABarIsABenchmark(Pick pick) {
    if (!NOT_YET.contains(className(pick))) {
      assertThat(BENCHMARKS).anyMatch(entry -> isRow(entry, pick));
    }
  }

  static Stream<Pick> everyRowOfABarIsABenchmark() {
    return Bars.ALL.stream().flatMap(bar -> bar.measure().picks()).distinct();
  }

  @ParameterizedTest
  @MethodSource("everyRowOfABarIsABenchmark")
  void theQuickSetRunsEveryRowOfABar(Pick pick) {
    assertThat(QuickPlan.STEPS).anyMatch(step -> runs(step, pick));
  }

  private static boolean isRow(BenchmarkListEntry entry, Pick pick) {
    Map<String, String[]> params = entry.getParams().orElse(Map.of());
    return entry.getUsername().endsWith("." + pick.benchmark())
        && params.keySet().equals(pick.params().keySet())
        && pick.params().entrySet().stream()
            .allMatch(param -> List.of(params.get(param.getKey())).contains(param.getValue()));
  }

  private static boolean runs(QuickPlan.Step step, Pick pick) {
    return step.className().equals(className(pick))
        && (step.methods().isEmpty() || step.methods().contains(method(pick)))
        && (pick.threads() == Pick.ANY || pick.threads() == step.threads())
        && pick.params().entrySet().stream()
            .allMatch(
                param ->
                    step.params()
                        .getOrDefault(param.getKey(), List.of(param.getValue()))
                        .contains(param.getValue()));
  }

  private static String className(Pick pick) {
    return pick.benchmark().substring(0, pick.benchmark().indexOf('.'));
  }

  private static String method(Pick pick) {
    return pick.benchmark().substring(pick.benchmark().indexOf('.') + 1);
  }

  private static Bar bar(String text) {
    return Bars.ALL.stream().filter(bar -> bar.text().equals(text)).findFirst().orElseThrow();
  }

  private Run run() throws Exception {
    return JmhJson.read(Fixtures.copy("run.json", dir));
  }
}
