package dev.octavo.examples;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPOutputStream;

/// Small traces for tests.
final class TraceFiles {
  static final String HEADER = "# page-trace 1\n# page-size 4096\n";

  /// Four blocks of several orders, one of them live at the end.
  static final String SMALL =
      HEADER
          + """
          t 0
          a 0 0 0 U S
          a 1 3 1 M A
          t 5
          f 0 1
          a 2 10 0 R S
          f 1 0
          a 7 0 0 H S
          f 2 0
          t 9
          """;

  private TraceFiles() {}

  static Trace parse(String text) throws IOException, TraceException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return TraceReader.read("test.pages", new ByteArrayInputStream(bytes));
  }

  static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }
}
