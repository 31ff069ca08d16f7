package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/// A line every quarter without a terminal, one redrawn line with one.
class ProgressTest {
  private final StringWriter text = new StringWriter();

  @Test
  void saysAFewPlainLines() {
    Progress progress = new Progress(new PrintWriter(text), false);
    progress.begin("counting", 1000);
    for (int done = 1; done <= 1000; done++) {
      progress.at(done);
    }
    assertThat(text.toString()).doesNotContain("\r");
    assertThat(text.toString().lines()).hasSize(4).allMatch(line -> line.startsWith("counting"));
    assertThat(text.toString()).contains(" 25 %", " 50 %", " 75 %", "100 %,   0.0 s left");
  }

  @Test
  void redrawsOneLineOnATerminal() {
    Progress progress = new Progress(new PrintWriter(text), true);
    progress.begin("counting", 1000);
    for (int done = 1; done <= 1000; done++) {
      progress.at(done);
    }
    assertThat(text.toString()).startsWith("\rcounting").contains("100 %");
    assertThat(text.toString()).endsWith(System.lineSeparator());
    assertThat(text.toString().split("\r", -1).length).isLessThan(100);
  }
}
