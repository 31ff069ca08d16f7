package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RequestScopeTest {

  @Test
  void requestsReusePagesAndStaleSegmentsFail() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    RequestScope.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), 1_000);
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .contains("1,000 requests", "pooled true", "reserved 16,384 bytes")
        .contains("stale segment: Already closed")
        .contains("pages in use at the end: 0");
  }
}
