package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TwoLifetimesTest {

  @Test
  void octavoKeepsNoLessWholeThanLlfreesRule() {
    double octavo = TwoLifetimes.run(LlfreeFragmentation.octavo(15), 1);
    assertThat(octavo).isGreaterThanOrEqualTo(TwoLifetimes.run(new LlfreeRule(1 << 15), 1));
  }

  @Test
  void theTableHasALineForEachPolicy() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TwoLifetimes.print(new PrintStream(bytes, true, StandardCharsets.UTF_8), 14);
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines()).hasSize(3 + 4);
  }
}
