package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.bench.strategy.LinuxBuddy;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LlfreeFragmentationTest {

  @Test
  void octavoGetsChunksBackAndListsDoNot() {
    assertThat(LlfreeFragmentation.run(LlfreeFragmentation.octavo(18), 1, 1, 1)).isGreaterThan(0.9);
    assertThat(LlfreeFragmentation.run(LlfreeFragmentation.octavo(18), 1, 1, 8)).isGreaterThan(0.9);
    assertThat(LlfreeFragmentation.run(new LinuxBuddy(1 << 18, 18), 1, 1, 1)).isLessThan(0.01);
  }

  @Test
  void theTableHasALineForEachPolicyAndSeed() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    LlfreeFragmentation.print(new PrintStream(bytes, true, StandardCharsets.UTF_8), 14);
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines()).hasSize(3 + 1 + 5 * 3);
  }
}
