package dev.octavo.bench.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import picocli.CommandLine;

/// Files and rows that the tests of this package share.
final class Fixtures {
  private Fixtures() {}

  /// What a command did.
  record Outcome(int exitCode, String out, String err) {}

  /// Copies a file of the test's resources to where a command can read it.
  static Path copy(String name, Path dir) throws IOException {
    Path path = dir.resolve(name);
    try (InputStream in = Objects.requireNonNull(Fixtures.class.getResourceAsStream(name), name)) {
      Files.copy(in, path);
    }
    return path;
  }

  /// Runs a command.
  static Outcome run(CommandLine command, Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    String[] texts = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      texts[i] = args[i].toString();
    }
    int exitCode = command.execute(texts);
    return new Outcome(exitCode, out.toString(), err.toString());
  }

  /// Returns a row of so many nanoseconds, and of nothing else.
  static Row row(String benchmark, Map<String, String> params, int threads, double nanos) {
    return new Row(
        RowName.of(benchmark, params, threads),
        "avgt",
        Figure.of(new double[] {nanos}, TimeUnits.NANOS),
        Map.of());
  }
}
