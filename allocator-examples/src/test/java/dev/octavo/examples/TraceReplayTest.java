package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/// The demo as its user sees it: exit codes, what it prints, and what it says about bad input.
class TraceReplayTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine command =
        TraceReplay.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    List<String> all = new ArrayList<>(Arrays.asList(arguments));
    all.addAll(List.of("--report", folder.resolve("sub/report.html").toString(), "--passes", "1"));
    return command.execute(all.toArray(String[]::new));
  }

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  private String file(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes).toString();
  }

  @Test
  void replaysTheRecordedTraceWithoutArguments() throws IOException {
    assertThat(run()).as(err.toString()).isZero();
    assertThat(out.toString())
        .contains("252,643 events", "peak 156,157 pages = 610.0 MiB", "Region   159,281 pages")
        .contains("Failures 0 (Linux's policy: 0)", "148,315 blocks written and read back")
        .contains(": 0 broken", "Audit    0 violations", "are those of a new allocator")
        .contains("33 pages used, 31 given back at once, as free blocks of orders 0, 1, 2, 3, 4");
    assertThat(err.toString()).contains("replay on real memory").doesNotContain("\r");
    assertThat(folder.resolve("sub/report.html")).isNotEmptyFile();
  }

  @Test
  void replaysAnyFilePlainOrGzipped() throws IOException {
    // Room for the block of order 10 beside the others.
    assertThat(run("--slack", "100", file("t.pages", TraceFiles.SMALL))).isZero();
    String gzipped = file("t.pages.gz", TraceFiles.gzip(TraceFiles.SMALL));
    assertThat(run("--slack", "100", gzipped)).isZero();
    assertThat(out.toString()).contains("the peak plus 100 % slack");
  }

  @Test
  void aRequestThatFailsIsExitCodeOne() throws IOException {
    StringBuilder checkerboard = new StringBuilder(TraceFiles.HEADER);
    for (int id = 0; id < 16; id++) {
      checkerboard.append("a ").append(id).append(" 0 0 U S\n");
    }
    for (int id = 0; id < 16; id += 2) {
      checkerboard.append("f ").append(id).append(" 0\n");
    }
    String oneTooMany = checkerboard + "a 16 3 0 U S\n";
    assertThat(run("--slack", "0", file("t.pages", oneTooMany))).isEqualTo(1);
    assertThat(out.toString()).contains("Failures 1 (Linux's policy: 1)");
    assertThat(folder.resolve("sub/report.html")).content().contains("Some checks failed.");
  }

  @Test
  void aMissingFileIsOneLine() {
    String missing = folder.resolve("missing.gz").toString();
    expectError(run(missing), missing + ":0: file does not exist: path=" + missing);
  }

  @Test
  void aFolderIsNoTrace() {
    int code = run(folder.toString());
    assertThat(code).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith(folder + ":0: file cannot be read: cause=");
  }

  @Test
  void badHeader() throws IOException {
    String path = file("t", "hello\n");
    expectError(run(path), path + ":1: bad header: expected=# page-trace 1, found=hello");
  }

  @Test
  void badLine() throws IOException {
    String path = file("t", TraceFiles.SMALL + "what is this\n");
    expectError(run(path), path + ":13: bad event: event=what");
  }

  @Test
  void truncatedGzip() throws IOException {
    StringBuilder longTrace = new StringBuilder(TraceFiles.HEADER);
    for (int id = 0; id < 20_000; id++) {
      longTrace.append("a ").append(id).append(" 0 0 M S\n");
    }
    byte[] gzip = TraceFiles.gzip(longTrace.toString());
    String path = file("t.gz", Arrays.copyOf(gzip, gzip.length / 2));
    int code = run(path);
    assertThat(code).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).matches("(?s)\\Q" + path + "\\E:\\d+: truncated gzip: linesRead=.*");
  }

  @Test
  void gzipCutInsideItsOwnHeader() throws IOException {
    String path = file("t.gz", Arrays.copyOf(TraceFiles.gzip(TraceFiles.SMALL), 5));
    expectError(run(path), path + ":0: truncated gzip: linesRead=0");
  }

  @Test
  void corruptGzip() throws IOException {
    byte[] gzip = TraceFiles.gzip(TraceFiles.SMALL);
    Arrays.fill(gzip, 12, 40, (byte) 0xff);
    String path = file("t.gz", gzip);
    assertThat(run(path)).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains(": corrupt gzip: cause=");
  }

  @Test
  void unknownId() throws IOException {
    String path = file("t", TraceFiles.HEADER + "f 3 0\n");
    expectError(run(path), path + ":3: unknown id: id=3");
  }

  @Test
  void idAllocatedTwice() throws IOException {
    String path = file("t", TraceFiles.HEADER + "a 3 0 0 U S\na 3 0 0 U S\n");
    expectError(run(path), path + ":4: id allocated twice: id=3");
  }

  @Test
  void doubleFree() throws IOException {
    String path = file("t", TraceFiles.HEADER + "a 3 0 0 U S\nf 3 0\nf 3 0\n");
    expectError(run(path), path + ":5: id freed twice: id=3");
  }

  @Test
  void orderOutOfRange() throws IOException {
    String path = file("t", TraceFiles.HEADER + "a 3 11 0 U S\n");
    expectError(run(path), path + ":3: order out of range: order=11, max=10");
  }

  @Test
  void emptyTrace() throws IOException {
    String path = file("t", TraceFiles.HEADER);
    expectError(run(path), path + ":2: trace has no events: events=0");
  }

  @Test
  void emptyFile() throws IOException {
    String path = file("t", "");
    expectError(run(path), path + ":0: bad header: expected=# page-trace 1, found=");
  }

  @Test
  void moreMemoryThanThereIs() throws IOException {
    StringBuilder huge = new StringBuilder("# page-trace 1\n# page-size 2097152\n");
    for (int id = 0; id < 60_000; id++) {
      huge.append("a ").append(id).append(" 10 0 M S\n");
    }
    String path = file("t", huge.toString());
    assertThat(run(path)).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith(path + ":0: no memory for the region: byteSize=");
  }

  @Test
  void aReportThatCannotBeWrittenIsExitCodeTwo() throws IOException {
    String trace = file("t", TraceFiles.SMALL);
    file("sub", "a file where a folder has to be");
    assertThat(run(trace)).isEqualTo(2);
    assertThat(err.toString()).contains(":0: report cannot be written: cause=");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "NaN", "1001", "many"})
  void badSlack(String slack) {
    assertThat(run("--slack=" + slack)).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith("bad argument: ").contains("slack");
  }

  @Test
  void helpAndWrongOptions() {
    assertThat(run("--help")).isZero();
    assertThat(out.toString()).contains("--slack", "--report", "TRACE", "Exit codes:");
    assertThat(run("--wrong")).isEqualTo(2);
    assertThat(err.toString()).isEqualToIgnoringNewLines("bad argument: Unknown option: '--wrong'");
  }

  private void expectError(int code, String line) {
    assertThat(code).isEqualTo(2);
    assertThat(err.toString()).isEqualTo(line + System.lineSeparator());
    assertThat(out.toString()).isEmpty();
  }
}
