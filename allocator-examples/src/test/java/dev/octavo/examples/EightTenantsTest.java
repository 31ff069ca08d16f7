package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class EightTenantsTest {

  private static final Duration TIME = Duration.ofSeconds(2);
  private static final Duration GRACE = Duration.ofMillis(20);

  @Test
  void theRightOnesGiveAndEverythingElseIsLeftAlone() throws InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    boolean isGood =
        EightTenants.run(new PrintStream(bytes, true, StandardCharsets.UTF_8), TIME, GRACE);
    String report = bytes.toString(StandardCharsets.UTF_8);
    System.out.println(report.lines().findFirst().orElse(""));
    assertThat(report)
        .contains("invoked oom-killer: mode=BLOCKING")
        .contains("Out of memory: Killed engine/")
        .contains("ok     never the one with -1000: 0")
        .doesNotContain("BROKEN");
    assertThat(isGood).isTrue();
  }
}
