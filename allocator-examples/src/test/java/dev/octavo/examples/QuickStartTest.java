package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/// The first example says what its comments promise.
class QuickStartTest {

  @Test
  void printsExactPageCounts() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    QuickStart.run(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .hasSize(4)
        .contains("132 KiB: 33 pages, not 64", "100 KiB: 25 pages", "still there: 42")
        .last()
        .asString()
        .startsWith("Node 0, zone ");
  }
}
