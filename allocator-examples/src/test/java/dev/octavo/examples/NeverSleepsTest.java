package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.context.check.SleepCheck;
import org.junit.jupiter.api.Test;

/// What is marked with `@AtomicContext` in this program never sleeps. The first test is all that an
/// application needs.
class NeverSleepsTest {

  @Test
  void requestsAreHandledWithoutSleep() {
    SleepCheck.ofPackage("dev.octavo.examples").check();
  }

  /// What it prints otherwise.
  @Test
  void aHandlerThatSleepsIsToldTheWay() {
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(
            () -> SleepCheck.ofClasses(Slow.class).alsoAtomic("dev.octavo.*.onRead").check())
        .withMessageMatching(
            """
            atomic methods must not sleep: violations=1, atomicMethods=1
            dev\\.octavo\\.examples\\.NeverSleepsTest\\$Slow\\.onRead\\(PageAllocator\\)
              dev\\.octavo\\.examples\\.NeverSleepsTest\\$Slow\\.onRead\\(NeverSleepsTest\\.java:\\d+\\)
              -> dev\\.octavo\\.examples\\.NeverSleepsTest\\$Slow\\.end\\(NeverSleepsTest\\.java:\\d+\\)
              -> dev\\.octavo\\.allocator\\.PageAllocator\\.close\\(\\) \\[@MightSleep\\]\
            """);
  }

  /// Not marked, as the first test would fail.
  static final class Slow {

    void onRead(PageAllocator pages) {
      end(pages);
    }

    private static void end(PageAllocator pages) {
      pages.close();
    }
  }
}
