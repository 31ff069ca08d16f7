package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SharedBudgetTest {

  @Test
  void theCacheShrinksBeforeTheBiggestQueryGives() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    SharedBudget.run(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    String report = bytes.toString(StandardCharsets.UTF_8);
    assertThat(part(report, "a query of 20 MiB"))
        .contains("big      20 MiB", "cache    28 MiB", "network  16 MiB");
    assertThat(part(report, "8 MiB more"))
        .contains("ACCOUNT_LIMIT", "big      20 MiB", "cache    28 MiB");
    assertThat(part(report, "the next one needs 40 MiB"))
        .contains("big       0 MiB", "cache     0 MiB", "network  16 MiB", "next     40 MiB")
        .contains("KILLED victim=engine/big domain=engine", "big is reaped: true")
        .containsOnlyOnce("KILLED");
    assertThat(part(report, "everything is free").lines().skip(1))
        .hasSize(4)
        .allMatch(line -> line.endsWith(" 0 MiB"));
  }

  /// The line that starts so, and those below that belong to it.
  private static String part(String report, String start) {
    return report.substring(report.indexOf(start)).split("\\R(?! )", 2)[0];
  }
}
