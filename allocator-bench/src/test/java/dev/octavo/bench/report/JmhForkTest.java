package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JmhForkTest {
  private static final String TRIMMED = "TrimBenchmark.trimmed";
  private static final String PAIR = "PairBenchmark.pair";

  @TempDir private Path dir = Path.of("");

  @Test
  void aForkMeasuresItsRowAlone() throws Exception {
    Path jar = BuildFixtures.jar(dir.resolve("b.jar"), TRIMMED);
    assertThat(fork(false).run(jar, BuildFixtures.row(TRIMMED))).isBetween(1.0, 1e9);
  }

  @Test
  void cpuTimeIsMeasuredInABuildThatDoesNotKnowHow() throws Exception {
    Path jar = BuildFixtures.jar(dir.resolve("b.jar"), TRIMMED);
    BuildFiles files = BuildFiles.open(null);
    try {
      Path copy = files.copy(jar, "copy.jar");
      try (JarFile inside = new JarFile(copy.toFile())) {
        assertThat(inside.getEntry("dev/octavo/bench/report/CpuTime.class")).isNotNull();
      }
      assertThat(fork(true).run(copy, BuildFixtures.row(TRIMMED))).isBetween(1.0, 1e9);
    } finally {
      files.close();
    }
    assertThat(files.directory()).doesNotExist();
  }

  @Test
  void aForkThatFailsSaysWhatItPrintedLast() throws Exception {
    Path jar = BuildFixtures.jar(dir.resolve("b.jar"), "." + PAIR);
    BuildRow row =
        new BuildRow(
            "dev.octavo.bench." + PAIR, RowName.of(PAIR, Map.of("pages", "-1"), 1), "avgt", false);
    assertThatThrownBy(() -> fork(false).run(jar, row))
        .isInstanceOf(ReportException.class)
        .hasMessageStartingWith("exit code is not 0: code=1\n")
        .hasMessageContaining("IllegalArgumentException")
        .message()
        .satisfies(text -> assertThat(text.lines().count()).isBetween(3L, 41L));
  }

  private JmhFork fork(boolean isCpuTime) {
    return new JmhFork(dir, new ForkSettings(0, 1, 5, isCpuTime));
  }
}
