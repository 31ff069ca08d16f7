package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RowLimitTest {
  private static final Duration FAR = Duration.ofHours(1);

  /// A process that hangs.
  static final class Hanging {
    private Hanging() {}

    public static void main(String[] args) throws InterruptedException {
      Thread.sleep(FAR);
    }
  }

  @Test
  void aForkThatHangsIsKilled() throws Exception {
    Process fork = start();
    new RowLimit(Duration.ofMillis(1)).begin();
    assertThat(fork.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(fork.exitValue()).isNotZero();
  }

  @Test
  void aForkWithinTheLimitLives() throws Exception {
    Process fork = start();
    try {
      RowLimit limit = new RowLimit(Duration.ofMillis(200));
      limit.begin();
      limit.end();
      assertThat(fork.waitFor(400, TimeUnit.MILLISECONDS)).isFalse();
    } finally {
      fork.destroyForcibly().waitFor();
    }
  }

  private static Process start() throws Exception {
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "-cp",
            System.getProperty("java.class.path"),
            Hanging.class.getName())
        .start();
  }
}
