package dev.octavo.allocator.internal.reclaim;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octavo.allocator.internal.reclaim.Scene.Demand;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Fair shares: over 300 pages or more, each shrinker frees in proportion to what all say they
/// have.
class ReclaimSharesTest {

  private final Scene scene = new Scene();
  private final Map<String, Long> freed = new HashMap<>();

  @AfterEach
  void noCallbackFailed() {
    assertThat(scene.failures).isEmpty();
  }

  private void honest(String owner, long... pages) {
    scene.onFreed = (name, count) -> freed.merge(name, (long) count, Long::sum);
    for (int i = 0; i < pages.length; i++) {
      scene.honest(owner + i, owner, pages[i]);
      freed.put(owner + i, 0L);
    }
  }

  /// One request of so many pages, alone.
  private void request(long pages) {
    scene.needs.clear();
    Demand need = scene.need("k", pages);
    scene.wakeAndTick();
    assertThat(need.missing).isNotPositive();
  }

  private long freedBy(String name) {
    return requireNonNull(freed.get(name));
  }

  private long sum() {
    return freed.values().stream().mapToLong(Long::longValue).sum();
  }

  private void assertFair(String owner, String description, long... pages) {
    double all = LongStream.of(pages).sum();
    double given = 0;
    for (int i = 0; i < pages.length; i++) {
      given += freedBy(owner + i);
    }
    for (int i = 0; i < pages.length; i++) {
      double fair = given * pages[i] / all;
      assertThat((double) freedBy(owner + i))
          .as("%s, shrinker=%d, pages=%s, freed=%s", description, i, Arrays.toString(pages), freed)
          .isCloseTo(fair, within(Math.max(0.1 * fair, 1)));
    }
  }

  @Test
  void aRoundIsSharedInProportionLargestFirst() {
    honest("s", 300, 100, 0, 1200);
    request(800);
    assertThat(scene.calls).containsExactly("s3=600", "s0=150", "s1=50");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 50, 100, 300})
  void requestsOfAnySizeAreShared(int size) {
    honest("s", 400, 400, 200);
    for (int i = 0; i < 300; i += size) {
      request(size);
    }
    assertFair("s", "size=" + size, 400, 400, 200);
    assertThat(sum())
        .as("no more than was needed")
        .isEqualTo(Math.ceilDiv(300, size) * (long) size);
  }

  /// Any number of shrinkers with any shares; small, large and mixed requests.
  @RepeatedTest(200)
  void sharesAreFair() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    long[] pages = new long[2 + random.nextInt(7)];
    Arrays.setAll(pages, i -> 200 + random.nextInt(1800));
    int most = List.of(1, 4, 40, 400).get(random.nextInt(4));
    honest("s", pages);
    long goal = 300L + random.nextInt((int) (LongStream.of(pages).sum() / 2) - 100);
    while (sum() < goal) {
      request(1 + random.nextInt(most));
    }
    assertFair("s", "seed=" + seed + ", most=" + most, pages);
  }

  @Test
  void backgroundNeedsAreSharedToo() {
    honest("s", 4000, 4000, 2000);
    for (int i = 0; i < 30; i++) {
      scene.needs.clear();
      scene.background("k", 1 + i % 5);
      scene.wakeAndTick();
    }
    assertThat(sum()).isGreaterThan(300);
    assertFair("s", "background", 4000, 4000, 2000);
  }

  @Test
  void onlyEligibleShrinkersShare() {
    honest("a", 300, 100);
    honest("b", 500);
    for (int i = 0; i < 300; i++) {
      scene.needs.clear();
      scene.need("k", 1, "a");
      scene.wakeAndTick();
    }
    assertFair("a", "owner", 300, 100);
    assertThat(freedBy("b0")).isZero();
  }

  /// A shrinker that frees nothing, and one that throws, take nothing from the others' fairness.
  @Test
  void badShrinkersTakeNoShare() {
    scene.liar("liar", 1 << 20);
    scene.add("nothing", null, () -> 1000, asked -> 0);
    scene.add(
        "throws",
        null,
        () -> 1000,
        asked -> {
          throw new IllegalStateException("broken");
        });
    honest("s", 400, 400, 200);
    for (int i = 0; i < 300; i++) {
      request(1);
    }
    assertFair("s", "bad", 400, 400, 200);
    assertThat(sum()).isEqualTo(300);
    assertThat(scene.calls.stream().filter(call -> call.startsWith("liar"))).hasSize(1);
    assertThat(scene.calls.stream().filter(call -> call.startsWith("nothing")))
        .hasSizeLessThanOrEqualTo(16);
  }

  /// What was freed beyond what was asked counts, too.
  @Test
  void aShrinkerThatFreesInChunksGivesItsShare() {
    long[] left = {2000};
    scene.onFreed = (name, count) -> freed.merge(name, (long) count, Long::sum);
    scene.add(
        "s0",
        "s",
        () -> left[0],
        asked -> {
          left[0] -= 20;
          freed.merge("s0", 20L, Long::sum);
          scene.needs.forEach(need -> need.help(20));
          return 20;
        });
    scene.honest("s1", "s", 2000);
    for (int i = 0; i < 600; i++) {
      request(1);
    }
    assertFair("s", "chunks", 2000, 2000);
  }

  /// A shrinker that had nothing for a long time owes nothing and is owed nothing.
  @Test
  void creditsAreBounded() {
    honest("s", 1000, 1000);
    for (int i = 0; i < 400; i++) {
      request(1);
    }
    long before = freedBy("s0");
    honest("t", 800);
    for (int i = 0; i < 140; i++) {
      request(1);
    }
    assertThat(freedBy("s0") - before).isCloseTo(47, within(5L));
    assertThat(freedBy("t0")).isCloseTo(47, within(5L));
  }
}
