package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FreePagesTest {

  private static final long PAGES = 100_000;
  private static final int STEPS = 20_000;
  private static final int THREADS = 4;

  private final Transit transit = new Transit();
  private final FreePages free = new FreePages(transit, PAGES);

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theSumIsExactAndTheCheapGuessNeverTooHigh(boolean shared) {
    Random random = new Random(7);
    Stripe[] stripes = new Stripe[5];
    for (int i = 0; i < stripes.length; i++) {
      stripes[i] = transit.open(shared);
    }
    long expected = PAGES;
    for (int i = 0; i < STEPS; i++) {
      long delta = random.nextInt(-40, 41);
      expected += delta;
      free.add(stripes[random.nextInt(stripes.length)], delta);
      assertThat(free.sum()).isEqualTo(expected);
      assertThat(free.isAtLeast(expected)).isTrue();
      assertThat(free.isAtLeast(expected + 1)).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aStripeThatRetiresLosesNothing(boolean shared) {
    Stripe stripe = transit.open(shared);
    free.add(stripe, -3);
    free.passOn(stripe);
    transit.retire(stripe);
    assertThat(free.sum()).isEqualTo(PAGES - 3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void manyThreadsCountAllPages(boolean shared) throws Exception {
    Stripe common = transit.open(true);
    long expected =
        PAGES
            + Threads.together(
                    THREADS,
                    number -> {
                      Stripe stripe = shared ? common : transit.open(false);
                      Random random = new Random(number);
                      long sum = 0;
                      for (int i = 0; i < STEPS; i++) {
                        long delta = random.nextInt(-40, 41);
                        sum += delta;
                        free.add(stripe, delta);
                      }
                      return sum;
                    })
                .stream()
                .mapToLong(Long::longValue)
                .sum();
    assertThat(free.sum()).isEqualTo(expected);
  }
}
