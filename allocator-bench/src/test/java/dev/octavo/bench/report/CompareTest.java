package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.bench.report.Fixtures.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareTest {
  private static final int TEXT_COLUMNS = 120;

  @TempDir private Path dir = Path.of("");

  @Test
  void aRunIsPrintedWithRatiosToEachPeer() throws Exception {
    Outcome outcome = compare(Fixtures.copy("run.json", dir));
    assertThat(outcome.exitCode()).isZero();
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.out())
        .contains(
            """
                              ns/op  lowest  highest  garbage B/op  run/peer  segment/peer  try/peer
            """)
        .contains(
            """
            PairPeersBenchmark byteSize=4096, 1 thread
              octavoRun        10.5    10.0     90.0             0
              octavoSegment    15.0    14.0     16.0            48
              nettyPooled     102.0   100.0    104.0            24     0.103         0.147
              nettyAdaptive    90.0    88.0     92.0            24     0.117         0.167
              jdkConfined     155.0   150.0    160.0           112     0.068         0.097
              malloc           31.0    30.0     32.0             0     0.339         0.484
              mimalloc       absent
            PairPeersBenchmark byteSize=135168, 1 thread
              octavoSegment    21.0    20.0     22.0             -
              mimalloc        701.0   700.0    702.0             -                   0.030
            """);
  }

  @Test
  void rowsWithoutAPeerAndPercentilesHaveTablesOfTheirOwn() throws Exception {
    assertThat(compare(Fixtures.copy("run.json", dir)).out())
        .contains("CascadeBenchmark.splitAndMerge cache=off order=18, 1 thread   60.0")
        .contains("latency of one operation, ns                     p50   p99  p99.99        max")
        .contains("LatencyBenchmark.pair peer=octavoRun, 1 thread  20.0  41.0   1,200  2,500,000");
  }

  @Test
  void everyBarHasALineWithItsMark() throws Exception {
    String out = compare(Fixtures.copy("run.json", dir)).out();
    assertThat(out)
        .containsPattern(
            "page run / the better Netty +0\\.117 +<= 0\\.12 +0\\.08 +ok +10\\.5 ns / 90\\.0 ns\n")
        .containsPattern("4 KiB: segment / the better Netty +0\\.167 +<= 0\\.14 +0\\.1 +MISSED ")
        .containsPattern("4 KiB: segment / mimalloc +- +<= 0\\.75 +0\\.6 +absent\n")
        .containsPattern("1 GiB block +60\\.0 ns +<= 60 ns +ok\n")
        .containsPattern("\n" + Bars.ALL.size() + " bars: 7 ok, 2 missed, 44 absent\\R$");
    assertThat(Bars.ALL).allSatisfy(bar -> assertThat(out).contains("\n" + bar.text() + "  "));
  }

  @Test
  void textFitsInto120Columns() throws Exception {
    assertThat(compare(Fixtures.copy("run.json", dir)).out().lines())
        .allMatch(line -> line.length() <= TEXT_COLUMNS && line.equals(line.stripTrailing()));
  }

  @Test
  void markdownIsTablesOfTheSameFigures() throws Exception {
    assertThat(compare("--markdown", Fixtures.copy("run.json", dir)).out())
        .contains("## Bars\n")
        .contains("| | ns/op | lowest | highest |")
        .contains("| --- | ---: | ---: |")
        .contains("| **PairPeersBenchmark byteSize=4096, 1 thread** | | | | | | | |\n")
        .contains("| nettyPooled | 102.0 | 100.0 | 104.0 | 24 | 0.103 | 0.147 | |\n");
  }

  @Test
  void aMissedBarFailsOnlyIfAskedTo() throws Exception {
    Path run = Fixtures.copy("run.json", dir);
    Path none = Fixtures.copy("sample.json", dir);
    assertThat(compare("--fail-on-missed", run).exitCode()).isEqualTo(1);
    assertThat(compare("--fail-on-missed", none).exitCode()).isZero();
  }

  @Test
  void twoRunsAreComparedRowByRow() throws Exception {
    Path before = Fixtures.copy("run.json", dir);
    Path after = Fixtures.copy("after.json", dir);
    Outcome outcome = compare("--fail-on-missed", before, after);
    assertThat(outcome.exitCode()).isEqualTo(1);
    assertThat(outcome.out())
        .contains("Before " + before + ", after " + after)
        .containsPattern("octavoRun byteSize=4096, 1 thread +10\\.5 +5\\.50 +0\\.524  faster\n")
        .containsPattern("octavoSegment byteSize=4096, 1 thread +15\\.0 +15\\.0 +1\\.00\n")
        .containsPattern(
            "ThreadsBenchmark.pair peer=octavoRun, 2 threads +10\\.0 +12\\.0 +1\\.20  slower\n")
        .contains("Only in " + after + ":\n\n  TrimBenchmark.exact, 1 thread\n")
        .contains("  PairPeersBenchmark.nettyPooled byteSize=4096, 1 thread\n")
        .containsPattern("throughput of 2 threads / of 1 +1\\.67 +>= 1\\.9 +MISSED ");
  }

  @Test
  void badFilesAreOneLineAndExitCode2() throws IOException {
    Path bad = Files.writeString(dir.resolve("bad.json"), "{");
    assertError(compare(dir.resolve("none.json")), "file does not exist: path=");
    assertError(compare(bad), "not JSON: path=" + bad);
    assertError(compare(Files.writeString(bad, "[]")), "no results: path=" + bad);
    assertError(compare(), "bad argument: ");
    assertError(compare("--nonsense", bad), "bad argument: ");
    assertError(compare(bad, bad, bad), "bad argument: ");
  }

  private static void assertError(Outcome outcome, String start) {
    assertThat(outcome.exitCode()).isEqualTo(2);
    assertThat(outcome.out()).isEmpty();
    assertThat(outcome.err().lines()).singleElement().asString().startsWith(start);
  }

  private static Outcome compare(Object... args) {
    Outcome outcome = Fixtures.run(Compare.commandLine(), args);
    return new Outcome(
        outcome.exitCode(), outcome.out().replace(System.lineSeparator(), "\n"), outcome.err());
  }
}
