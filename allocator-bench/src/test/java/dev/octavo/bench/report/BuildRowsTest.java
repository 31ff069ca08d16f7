package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.bench.report.BuildRows.Selection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildRowsTest {
  private static final String TRANSFER = "ProducerConsumerBenchmark.transfer";

  @TempDir private Path dir = Path.of("");

  @Test
  void everyCombinationOfParametersAndThreadsIsARow() throws Exception {
    Selection selection =
        new Selection(List.of(), Map.of("pages", List.of("33", "1")), List.of(1, 2));
    assertThat(rows(selection).in(jar(".PairBenchmark.pair", "TrimBenchmark.trimmed")))
        .extracting(BuildRow::toString)
        .containsExactly(
            "PairBenchmark.pair pages=1, 1 thread",
            "PairBenchmark.pair pages=33, 1 thread",
            "PairBenchmark.pair pages=1, 2 threads",
            "PairBenchmark.pair pages=33, 2 threads",
            "TrimBenchmark.trimmed, 1 thread",
            "TrimBenchmark.trimmed, 2 threads");
  }

  @Test
  void threadsAreTheBenchmarksOwnUnlessGiven() throws Exception {
    Map<String, List<String>> run = Map.of("peer", List.of("octavoRun"));
    assertThat(rows(new Selection(List.of(), run, List.of())).in(jar(TRANSFER)))
        .singleElement()
        .hasToString("ProducerConsumerBenchmark.transfer byteSize=4096 peer=octavoRun, 1 thread")
        .satisfies(row -> assertThat(row.hasOwnThreads()).isTrue());
    assertThat(rows(new Selection(List.of(), run, List.of(3))).in(jar(TRANSFER)))
        .singleElement()
        .hasToString("ProducerConsumerBenchmark.transfer byteSize=4096 peer=octavoRun, 3 threads")
        .satisfies(row -> assertThat(row.hasOwnThreads()).isFalse());
  }

  @Test
  void rowsOfPeersThatAreNotOnThisMachineAreLeftOutAndNamed() throws Exception {
    BuildRows rows =
        new BuildRows(
            new Selection(List.of(), Map.of(), List.of()), peer -> !peer.equals("malloc"));
    assertThat(rows.in(jar(TRANSFER, "PairPeersBenchmark.malloc")))
        .isNotEmpty()
        .noneMatch(row -> row.toString().contains("=malloc"))
        .allMatch(row -> row.benchmark().endsWith(TRANSFER));
    assertThat(rows.absentPeers()).containsExactly("malloc");
  }

  @Test
  void whatCannotBeComparedIsNamed() throws Exception {
    Selection all = new Selection(List.of(), Map.of(), List.of());
    assertError(all, dir.resolve("none.jar"), "jar does not exist: path=");
    assertError(all, dir, "jar does not exist: path=");
    assertError(all, BuildFixtures.text(dir.resolve("text.jar")), "jar cannot be read: path=");
    assertError(
        new Selection(List.of(Pattern.compile("Nonsense")), Map.of(), List.of()),
        jar(TRANSFER),
        "no benchmark is selected: jar=" + dir.resolve("b.jar") + ", regex=[Nonsense]");
    assertError(
        new Selection(List.of(), Map.of("pages", List.of("1")), List.of()),
        jar(TRANSFER),
        "no selected benchmark has the parameter: jar=" + dir.resolve("b.jar") + ", name=pages");
  }

  private static void assertError(Selection selection, Path jar, String start) {
    assertThatThrownBy(() -> rows(selection).in(jar))
        .isInstanceOf(ReportException.class)
        .hasMessageStartingWith(start);
  }

  private Path jar(String... benchmarks) throws IOException {
    return BuildFixtures.jar(dir.resolve("b.jar"), benchmarks);
  }

  private static BuildRows rows(Selection selection) {
    return new BuildRows(selection, peer -> true);
  }
}
