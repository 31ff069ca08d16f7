package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JmhJsonTest {
  @TempDir private Path dir = Path.of("");

  @Test
  void theMedianOfAllIterationsCounts() throws Exception {
    Row row = row("run.json", "PairPeersBenchmark.octavoRun", Map.of("byteSize", "4096"), 1);
    assertThat(row.cost()).isEqualTo(new Figure(10.5, 10, 90, "ns/op"));
    assertThat(row.mode()).isEqualTo("avgt");
    assertThat(Objects.requireNonNull(row.garbageBytes()).median()).isEqualTo(0.002);
  }

  @Test
  void theMedianOfAnEvenNumberIsBetweenTheTwoInTheMiddle() {
    assertThat(Figure.of(new double[] {4, 1, 2, 9}, "ns/op").median()).isEqualTo(3);
  }

  @Test
  void timesAreInNanoseconds() throws Exception {
    Row row = row("run.json", "PairPeersBenchmark.jdkConfined", Map.of("byteSize", "4096"), 1);
    assertThat(row.cost()).isEqualTo(new Figure(155, 150, 160, "ns/op"));
  }

  @Test
  void ratesOfAllThreadsAreNanosecondsOfOne() throws Exception {
    Map<String, String> params = Map.of("byteSize", "4096", "peer", "nettyPooled");
    Row row = row("run.json", "ProducerConsumerBenchmark.transfer", params, 2);
    assertThat(row.cost().median()).isEqualTo(400);
    assertThat(row.throughput()).isEqualTo(0.005);
  }

  @Test
  void aRateTurnsTheExtremesAround() {
    Figure rate = new Figure(4, 2, 5, "ops/us");
    assertThat(TimeUnits.toNanos(rate, 1)).isEqualTo(new Figure(250, 200, 500, "ns/op"));
  }

  @Test
  void samplesGiveTheMedianOfTheIterationsMedians() throws Exception {
    Row row = row("sample.json", "PairBenchmark.pair", Map.of(), 1);
    assertThat(row.cost()).isEqualTo(new Figure(2000, 1000, 3000, "ns/op"));
    assertThat(Objects.requireNonNull(row.garbageBytes()).median()).isEqualTo(16);
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    assertError(dir.resolve("none.json"), "file does not exist: path=");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'{' | not JSON: path=",
        "'' | not JMH's results, which are a list: path=",
        "'{}' | not JMH's results, which are a list: path=",
        "'[]' | no results: path=",
        "'[1]' | not a result of JMH: path=",
        "'[{}]' | entry=0, cause=missing: name=benchmark",
        "'[{\"benchmark\": \"x\"}]' | cause=no class and method: benchmark=x",
        "'[{\"benchmark\": \"a.b\", \"threads\": 0}]' | cause=threads out of range: threads=0",
      })
  void whatIsNotJmhsIsRefusedInOneLine(String text, String message) throws IOException {
    assertError(Files.writeString(dir.resolve("bad.json"), text), message);
  }

  @Test
  void anUnknownUnitIsNamed() throws IOException {
    String json =
        """
        [{"benchmark": "a.B.c", "mode": "avgt", "threads": 1,
          "primaryMetric": {"score": 5, "scoreUnit": "B/op", "rawData": [[5]]}}]
        """;
    assertError(
        Files.writeString(dir.resolve("unit.json"), json), "cause=unknown unit: scoreUnit=B/op");
  }

  private static void assertError(Path path, String message) {
    assertThatThrownBy(() -> JmhJson.read(path))
        .isInstanceOf(ReportException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("path=" + path)
        .hasMessageNotContaining("\n");
  }

  private Row row(String file, String benchmark, Map<String, String> params, int threads)
      throws Exception {
    Run run = JmhJson.read(Fixtures.copy(file, dir));
    return Objects.requireNonNull(run.row(RowName.of(benchmark, params, threads)));
  }
}
