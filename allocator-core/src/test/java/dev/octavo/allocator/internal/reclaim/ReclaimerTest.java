package dev.octavo.allocator.internal.reclaim;

import static dev.octavo.allocator.internal.reclaim.JumpingClock.MILLI;
import static dev.octavo.allocator.internal.reclaim.JumpingClock.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.Reclaimer.Stats;
import dev.octavo.allocator.internal.reclaim.Scene.Demand;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Threads, rounds, exhaustion and bad shrinkers, with a clock that jumps and a worker whose thread
/// never starts: the test ticks in its place. Shares are in `ReclaimSharesTest`.
class ReclaimerTest {

  private static final long REST = 100 * MILLI;
  private static final long AGAIN = 10 * MILLI;
  private static final long LOOK = 5 * SECOND;
  private static final int MOST_FRUITLESS = 16;

  private final Scene scene = new Scene();
  private final JumpingClock clock = scene.clock;
  private final Reclaimer reclaimer = scene.reclaimer;
  private final List<String> calls = scene.calls;

  @AfterEach
  void noCallbackFailed() {
    assertThat(scene.failures).isEmpty();
  }

  private Stats stats() {
    return reclaimer.stats();
  }

  // ---- threads

  @Test
  void theFirstShrinkerStartsADaemon() {
    assertThat(scene.started).isEmpty();
    assertThatCode(reclaimer::wake).doesNotThrowAnyException();
    scene.honest("a", 1);
    scene.honest("b", 1);
    assertThat(scene.started).hasSize(1);
    assertThat(scene.started.getFirst().isDaemon()).isTrue();
    assertThat(scene.started.getFirst().getName()).isEqualTo("octavo-reclaim-test");
  }

  @Test
  void aThreadThatDoesNotStartIsTriedAgain() {
    scene.failingStarts = 1;
    scene.honest("a", 1);
    assertThat(scene.started).isEmpty();
    assertThat(reclaimer.isExhausted("k")).as("nothing will come").isTrue();
    scene.honest("b", 1);
    assertThat(scene.started).hasSize(1);
    assertThat(reclaimer.isExhausted("k")).isFalse();
  }

  @Test
  void wakingUnparksOnceUntilTheWorkerHasSeenIt() {
    scene.honest("a", 1);
    reclaimer.wake();
    assertThat(clock.isWoken(scene.started.getFirst())).isTrue();
    assertThat(scene.tick()).isEqualTo(LOOK);
    assertThat(scene.tick()).isEqualTo(LOOK);
  }

  @Test
  void closingEndsTheWorkerAndAllCalls() {
    scene.need("k", 100);
    scene.honest("a", 1000);
    Worker worker = scene.worker();
    reclaimer.wake();
    reclaimer.close();
    assertThat(reclaimer.work(worker)).isEqualTo(Reclaimer.OVER);
    assertThat(clock.isWoken(scene.started.getFirst())).isTrue();
    assertThat(calls).isEmpty();
    assertThat(reclaimer.isExhausted("k")).isTrue();
    assertThatCode(reclaimer::wake).doesNotThrowAnyException();
    assertThatThrownBy(() -> scene.honest("b", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("allocator is closed: name=test, shrinker=b");
  }

  @Test
  void closingDuringACallEndsTheRound() {
    scene.need("k", 100);
    scene.add(
        "a",
        null,
        () -> 10,
        asked -> {
          reclaimer.close();
          return 0;
        });
    scene.liar("b", 1);
    Worker worker = scene.worker();
    reclaimer.wake();
    assertThat(reclaimer.work(worker)).isEqualTo(Reclaimer.OVER);
    assertThat(calls).hasSize(1);
  }

  @Test
  void aShrinkerNeedsAName() {
    assertThatThrownBy(() -> scene.honest("", 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shrinker needs a name: name=");
    assertThat(scene.started).isEmpty();
  }

  @Test
  void oneThreadServesAllOwners() {
    for (int i = 0; i < 500; i++) {
      scene.add("cache-" + i, "owner-" + i, () -> 1, asked -> 0).close();
    }
    assertThat(scene.started).hasSize(1);
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void aHostThatFailsIsAskedAgainAfterARest() {
    scene.honest("a", 100);
    Demand need = scene.need("k", 5);
    scene.hostFailures = 2;
    assertThat(scene.wakeAndTick()).isEqualTo(REST);
    assertThat(scene.tick()).isEqualTo(REST);
    scene.tick();
    assertThat(need.missing).isZero();
  }

  // ---- rounds

  @Test
  void itWorksUntilNothingIsMissing() {
    scene.need("k", 100);
    scene.honest("a", 5000);
    assertThat(scene.wakeAndTick()).isEqualTo(LOOK);
    assertThat(calls).containsExactly("a=100");
    assertThat(stats()).isEqualTo(new Stats(1, 100L * Scene.PAGE_SIZE, 0, 0, 0));
  }

  @Test
  void itDoesNothingUnlessWoken() {
    scene.need("k", 100);
    scene.honest("a", 5000);
    assertThat(scene.tick()).isEqualTo(LOOK);
    assertThat(calls).isEmpty();
  }

  @Test
  void noShrinkerIsAskedOnceThereIsEnough() {
    Demand need = scene.need("k", 100);
    scene.add("a", null, () -> 501, asked -> need.help(200));
    scene.honest("b", 500);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("a=50");
  }

  @Test
  void itWorksWhileARequestWaits() {
    Demand need = scene.need("k", 100);
    scene.add("a", null, () -> 500, asked -> need.help(1));
    scene.wakeAndTick();
    assertThat(calls).hasSize(100).startsWith("a=100", "a=99", "a=98");
    assertThat(stats().exhausted()).isZero();
  }

  @Test
  void anAwaitedNeedIsAskedForWhatIsMissing() {
    scene.need("k", 1);
    scene.honest("a", 5000);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("a=1");
  }

  @Test
  void aBackgroundNeedIsAskedForAtLeast32Pages() {
    scene.background("k", 1);
    scene.honest("a", 5000);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("a=32");
  }

  @Test
  void helpFromOtherThreadsIsNoProgress() {
    Demand need = scene.need("k", 10);
    scene.add(
        "a",
        null,
        () -> 100,
        asked -> {
          need.missing = asked > 100 ? 0 : 10 + need.missing % 2;
          return asked;
        });
    assertThat(scene.wakeAndTick()).isEqualTo(AGAIN);
    assertThat(calls).hasSize(MOST_FRUITLESS);
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void guessesOfAnySizeAreSharedSomehow() {
    Demand need = scene.background("k", 10);
    scene.add("greedy", null, () -> Long.MAX_VALUE / Scene.PAGE_SIZE, asked -> 0);
    scene.add("negative", null, () -> -1, asked -> 0);
    scene.honest("small", 10);
    scene.wakeAndTick();
    assertThat(calls.subList(0, 2)).containsExactly("greedy=32", "small=1");
    assertThat(need.missing).isNotPositive();
  }

  @Test
  void sharesDoubleWithoutProgress() {
    scene.need("k", 100);
    scene.liar("a", 1000);
    scene.wakeAndTick();
    assertThat(calls)
        .startsWith("a=100", "a=200", "a=400", "a=800", "a=1000", "a=1000")
        .hasSize(MOST_FRUITLESS);
  }

  // ---- several needs

  @Test
  void needsAreServedInOrder() {
    Demand first = scene.need("1", 10, "a");
    Demand second = scene.need("2", 20, "b");
    Demand third = scene.background("3", 5, "c");
    scene.honest("c", "c", 100);
    scene.honest("b", "b", 100);
    scene.honest("a", "a", 100);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("a=10", "b=20", "c=32");
    assertThat(first.missing + second.missing).isZero();
    assertThat(third.missing).isEqualTo(-27);
  }

  @Test
  void aNeedWithoutProgressStarvesNoOther() {
    scene.need("1", 10, "a");
    Demand second = scene.need("2", 20, "b");
    scene.add("a", "a", () -> 100, asked -> 0);
    scene.honest("b", "b", 100);
    scene.wakeAndTick();
    assertThat(calls).startsWith("a=10", "b=20");
    assertThat(second.missing).isZero();
    assertThat(reclaimer.isExhausted("1")).isTrue();
    assertThat(reclaimer.isExhausted("2")).isFalse();
  }

  @Test
  void aNeedWithLittleProgressStarvesNoOther() {
    Demand first = scene.need("1", 1000, "a");
    Demand second = scene.need("2", 1000, "b");
    scene.add("a", "a", () -> 5000, asked -> first.help(1));
    scene.add("b", "b", () -> 5000, asked -> second.help(1));
    scene.wakeAndTick();
    assertThat(calls.subList(0, 4)).containsExactly("a=1000", "b=1000", "a=999", "b=999");
  }

  @Test
  void theNextStageIsAskedWhenTheFirstGivesNothing() {
    Demand need = scene.need("k", 30);
    need.stages = 3;
    need.most = (owner, stage) -> "abc".indexOf(String.valueOf(owner)) == stage ? 100 : 0;
    scene.honest("c", "c", 100);
    scene.honest("b", "b", 15);
    scene.honest("a", "a", 10);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("a=10", "b=15", "c=5");
    need.missing = 7;
    scene.honest("late", "a", 4);
    scene.wakeAndTick();
    assertThat(calls.subList(3, 5)).containsExactly("late=4", "c=3");
  }

  @Test
  void noMoreIsAskedThanTheNeedAllowsOfAnOwner() {
    Demand need = scene.need("k", 30);
    need.stages = 2;
    need.most = (owner, stage) -> owner == null ? 0 : stage == 0 ? 3 : 8;
    scene.honest("a", "a", 100);
    scene.honest("b", "b", 100);
    scene.honest("none", 100);
    need.missing = 9;
    scene.wakeAndTick();
    assertThat(calls).startsWith("a=3", "b=3").doesNotContain("none=1");
    assertThat(need.missing).isZero();
  }

  @Test
  void whatIsLeftOutOfOneStageIsAskedForMoreInTheNext() {
    Demand need = scene.need("k", 2);
    need.stages = 2;
    need.most = (owner, stage) -> stage == 0 ? 5 : 50;
    scene.add("coarse", null, () -> 100, asked -> asked < 20 ? 0 : need.help(asked));
    scene.wakeAndTick();
    assertThat(calls.subList(MOST_FRUITLESS, calls.size()))
        .containsExactly("coarse=2", "coarse=4", "coarse=8", "coarse=16", "coarse=32");
    assertThat(need.missing).isNotPositive();
  }

  // ---- exhaustion

  @Test
  void itGivesUpAfterSixteenRoundsWithoutProgress() {
    scene.background("k", 100);
    scene.liar("a", 1000);
    assertThat(reclaimer.isExhausted("k")).isFalse();
    assertThat(scene.wakeAndTick()).isEqualTo(LOOK);
    assertThat(stats()).isEqualTo(new Stats(16, 0, 0, 0, 1));
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void progressCountsFromAnew() {
    Demand need = scene.need("k", 100);
    int[] scans = {0};
    scene.add("a", null, () -> 5000, asked -> ++scans[0] == 16 ? need.help(1) : 0);
    scene.wakeAndTick();
    assertThat(scans[0]).isEqualTo(32);
  }

  @Test
  void aShrinkerThatHasNothingIsNotAskedToScan() {
    scene.need("k", 100);
    scene.honest("a", 0);
    scene.wakeAndTick();
    assertThat(calls).isEmpty();
    assertThat(stats().rounds()).isZero();
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void exhaustionIsPerKey() {
    scene.need("1", 10, "a");
    scene.need("2", 10, "b");
    scene.honest("a", "a", 0);
    scene.add("b", "b", () -> 1000, asked -> asked).close();
    scene.honest("b", "b", 10);
    scene.wakeAndTick();
    assertThat(reclaimer.isExhausted("1")).isTrue();
    assertThat(reclaimer.isExhausted("2")).isFalse();
    assertThat(reclaimer.isExhausted("unknown")).isFalse();
  }

  @Test
  void aNewShortageIsNotExhaustedBeforeItWasLookedAt() {
    Demand first = scene.need("1", 10);
    scene.liar("a", 100);
    scene.wakeAndTick();
    assertThat(reclaimer.isExhausted("1")).isTrue();
    scene.needs.remove(first);
    scene.need("2", 10);
    assertThat(reclaimer.isExhausted("2")).isFalse();
    scene.wakeAndTick();
    assertThat(reclaimer.isExhausted("2")).isTrue();
    assertThat(reclaimer.isExhausted("1")).as("gone").isFalse();
  }

  @Test
  void aBackgroundNeedRestsUntilItIsWanted() {
    scene.background("k", 100);
    scene.honest("a", 0);
    scene.wakeAndTick();
    int counts = scene.counts;
    clock.advance(REST / 4);
    assertThat(scene.tick()).as("not woken").isEqualTo(LOOK);
    assertThat(scene.wakeAndTick()).as("not yet").isEqualTo(REST * 3 / 4);
    assertThat(scene.counts).isEqualTo(counts);
    clock.advance(REST * 3 / 4);
    assertThat(scene.tick()).isEqualTo(LOOK);
    assertThat(scene.counts).isEqualTo(counts + 1);
  }

  @Test
  void anAwaitedNeedIsLookedAtEveryTenMillis() {
    Demand need = scene.need("k", 10);
    long[] left = {0};
    scene.add("a", null, () -> left[0], need::help);
    assertThat(scene.wakeAndTick()).isEqualTo(AGAIN);
    for (int i = 1; i <= 5; i++) {
      assertThat(scene.counts).isEqualTo(i);
      clock.advance(AGAIN / 2);
      assertThat(scene.wakeAndTick()).isEqualTo(AGAIN / 2);
      clock.advance(AGAIN / 2);
      assertThat(scene.tick()).isEqualTo(AGAIN);
    }
    assertThat(reclaimer.isExhausted("k")).isTrue();
    left[0] = 20;
    clock.advance(AGAIN);
    assertThat(scene.tick()).isEqualTo(LOOK);
    assertThat(calls).containsExactly("a=10");
    assertThat(reclaimer.isExhausted("k")).isFalse();
    assertThat(stats().exhausted()).isOne();
  }

  @Test
  void aShrinkerThatIsAddedEndsExhaustion() {
    Demand need = scene.need("k", 10);
    scene.honest("a", 0);
    scene.wakeAndTick();
    assertThat(reclaimer.isExhausted("k")).isTrue();
    scene.honest("b", 100);
    assertThat(reclaimer.isExhausted("k")).isFalse();
    scene.tick();
    assertThat(calls).containsExactly("b=10");
    assertThat(need.missing).isZero();
  }

  @Test
  void aLiarIsLeftOutUntilItSaysMore() {
    Demand need = scene.need("k", 10);
    long[] count = {100};
    boolean[] frees = {false};
    scene.add("a", null, () -> count[0], asked -> frees[0] ? need.help(asked) : asked);
    scene.wakeAndTick();
    assertThat(calls).hasSize(MOST_FRUITLESS);
    frees[0] = true;
    clock.advance(AGAIN);
    scene.tick();
    assertThat(calls).as("says the same").hasSize(MOST_FRUITLESS);
    count[0]++;
    clock.advance(AGAIN);
    scene.tick();
    assertThat(calls).hasSize(MOST_FRUITLESS + 1).endsWith("a=10");
    assertThat(reclaimer.isExhausted("k")).isFalse();
  }

  @Test
  void fruitlessScansBackOff() {
    scene.need("k", 10);
    scene.liar("a", 256);
    List<Long> scannedAt = new ArrayList<>();
    reclaimer.wake();
    for (long millis = 0; millis < 10_000; millis += 10) {
      int before = calls.size();
      assertThat(scene.tick()).isEqualTo(AGAIN);
      assertThat(reclaimer.isExhausted("k")).isTrue();
      if (calls.size() > before) {
        scannedAt.add(millis);
      }
      clock.advance(AGAIN);
    }
    assertThat(scannedAt).containsExactly(0L, 100L, 300L, 700L, 1500L, 3100L, 6300L, 9500L);
    assertThat(calls).hasSize(MOST_FRUITLESS + 7);
  }

  /// Says more each time it is asked.
  @Test
  void aGrowingLiarIsNotScannedWithoutPause() {
    scene.need("k", 10);
    long[] count = {100};
    scene.add("a", null, () -> count[0]++, asked -> asked);
    reclaimer.wake();
    for (int i = 0; i < 100; i++) {
      assertThat(scene.tick()).isEqualTo(AGAIN);
      assertThat(reclaimer.isExhausted("k")).isTrue();
      clock.advance(AGAIN);
    }
    assertThat(calls).hasSize(MOST_FRUITLESS + 99);
  }

  /// A stream of needs that come and go does not have a liar scanned anew for each.
  @Test
  void backoffSurvivesAShortPauseOfTheNeed() {
    scene.liar("a", 256);
    for (int i = 0; i < 100; i++) {
      scene.needs.clear();
      scene.wakeAndTick();
      scene.need("k", 10);
      scene.wakeAndTick();
      assertThat(reclaimer.isExhausted("k")).isTrue();
      clock.advance(MILLI);
    }
    assertThat(calls).hasSize(MOST_FRUITLESS);
  }

  @Test
  void withoutShrinkersThereIsNoUseInWaiting() {
    assertThat(reclaimer.isExhausted("k")).isTrue();
    Shrinker.Registration only = scene.honest("a", 1);
    assertThat(reclaimer.isExhausted("k")).isFalse();
    only.close();
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void withoutAShrinkerForTheNeedItIsExhaustedAtOnce() {
    scene.need("k", 10, "a");
    scene.honest("b", "b", 100);
    assertThat(scene.wakeAndTick()).isEqualTo(AGAIN);
    assertThat(scene.counts).isZero();
    assertThat(reclaimer.isExhausted("k")).isTrue();
  }

  @Test
  void aScanThatRunsIsWaitedFor() {
    Demand blocked = scene.need("1", 10);
    boolean[] has = {false};
    List<Boolean> seen = new ArrayList<>();
    scene.add(
        "a",
        "a",
        () -> has[0] ? 10 : 0,
        asked -> {
          seen.add(reclaimer.isExhausted("1"));
          clock.advance(SECOND + 1);
          seen.add(reclaimer.isExhausted("1"));
          return 0;
        });
    scene.wakeAndTick();
    assertThat(reclaimer.isExhausted("1")).isTrue();
    has[0] = true;
    Demand other = scene.need("2", 10);
    scene.needs.remove(blocked);
    scene.needs.add(blocked);
    other.most = (owner, stage) -> 5;
    scene.wakeAndTick();
    assertThat(seen.subList(0, 2)).as("in time, late").containsExactly(false, true);
  }

  @Test
  void keysOfNeedsThatAreGoneAreForgotten() {
    scene.liar("a", 256);
    scene.need("k", 10);
    scene.wakeAndTick();
    scene.needs.clear();
    clock.advance(4 * SECOND);
    scene.wakeAndTick();
    scene.need("k", 10);
    scene.wakeAndTick();
    assertThat(calls).as("as if never seen").hasSize(2 * MOST_FRUITLESS);
  }

  @Test
  void keysAreForgottenEarlierIfThereAreMany() {
    scene.add("a", null, () -> 256, asked -> 0);
    for (int i = 0; i < 1100; i++) {
      scene.needs.clear();
      scene.need("k" + i, 10);
      scene.wakeAndTick();
    }
    int before = calls.size();
    scene.needs.clear();
    scene.need("k0", 10);
    scene.wakeAndTick();
    assertThat(calls.size() - before).isEqualTo(MOST_FRUITLESS);
  }

  // ---- bad shrinkers

  @Test
  void aLiarIsAskedLastUntilItHelps() {
    Demand need = scene.need("k", 100);
    boolean[] helps = {false};
    scene.add("a", null, () -> 1000, asked -> helps[0] ? need.help(asked) : asked);
    scene.honest("b", 30);
    scene.honest("c", 30);
    scene.wakeAndTick();
    assertThat(calls).startsWith("a=94", "b=2", "c=2", "b=28", "c=28", "a=40");
    calls.clear();
    scene.honest("d", 10);
    need.missing = 20;
    helps[0] = true;
    clock.advance(SECOND);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("d=10", "a=10");
    calls.clear();
    need.missing = 30;
    scene.honest("e", 100);
    scene.wakeAndTick();
    assertThat(calls.getFirst()).startsWith("a=");
  }

  @Test
  void aShrinkerThatThrowsIsLeftAloneForAWhile() {
    Demand need = scene.background("k", 100);
    boolean[] throwsIt = {true};
    scene.add(
        "a",
        null,
        () -> 10,
        asked -> {
          if (throwsIt[0]) {
            throw new IllegalStateException("broken");
          }
          return need.help(1);
        });
    List<Integer> askedInSecond = new ArrayList<>();
    for (int second = 0; second < 200; second++) {
      int before = calls.size();
      scene.wakeAndTick();
      assertThat(calls.size() - before).isLessThanOrEqualTo(1);
      if (calls.size() > before) {
        askedInSecond.add(second);
      }
      clock.advance(SECOND);
    }
    assertThat(askedInSecond).containsExactly(0, 1, 3, 7, 15, 31, 63, 123, 183);
    assertThat(stats().thrown()).isEqualTo(9);

    throwsIt[0] = false;
    need.missing = 1;
    clock.advance(60 * SECOND);
    scene.wakeAndTick();
    throwsIt[0] = true;
    need.missing = 1;
    scene.wakeAndTick();
    calls.clear();
    clock.advance(SECOND);
    scene.wakeAndTick();
    assertThat(calls).as("forgiven").hasSize(1);
  }

  @Test
  void aShrinkerThatThrowsAnErrorDoesNotStopTheOthers() {
    scene.need("k", 100);
    scene.add(
        "a",
        null,
        () -> {
          throw new StackOverflowError();
        },
        asked -> 0);
    scene.honest("b", 200);
    scene.wakeAndTick();
    assertThat(calls).containsExactly("b=100");
    assertThat(stats()).isEqualTo(new Stats(1, 100L * Scene.PAGE_SIZE, 1, 0, 0));
  }

  /// The first worker is stuck in the call as long as `while` lasts, here in the middle of it.
  private void hang(Runnable meanwhile) {
    boolean[] hangs = {true};
    scene.add(
        "slow",
        null,
        () -> 500,
        asked -> {
          if (hangs[0]) {
            hangs[0] = false;
            meanwhile.run();
          }
          return asked;
        });
  }

  /// Runs something on another worker, in the middle of a call.
  private void elsewhere(Runnable step) {
    List<String> outer = List.copyOf(scene.labels);
    scene.labels.clear();
    step.run();
    scene.labels.addAll(outer);
  }

  @Test
  void aHangingCallIsReplacedOnce() {
    Demand need = scene.need("k", 100);
    hang(
        () -> {
          Worker first = scene.worker();
          clock.advance(SECOND);
          reclaimer.wake();
          assertThat(scene.worker()).as("in time").isSameAs(first);
          clock.advance(1);
          reclaimer.wake();
          Worker second = scene.worker();
          assertThat(second).isNotSameAs(first);
          reclaimer.wake();
          assertThat(scene.worker()).isSameAs(second);
          elsewhere(() -> reclaimer.work(second));
        });
    scene.honest("b", 50);
    scene.honest("c", 200);
    Worker first = scene.worker();
    assertThat(scene.wakeAndTick()).as("of the one that was replaced").isEqualTo(Reclaimer.OVER);
    assertThat(first.current()).isNull();
    assertThat(need.missing).isZero();
    assertThat(scene.started).hasSize(2);
    assertThat(stats().hung()).isOne();
  }

  /// Both have seen the same worker and the same call.
  @Test
  void twoThatNoticeThatItHangsReplaceItOnce() {
    scene.need("k", 100);
    hang(
        () -> {
          clock.advance(2 * SECOND);
          clock.beforeNextLook(reclaimer::wake);
          reclaimer.wake();
        });
    assertThat(scene.wakeAndTick()).isEqualTo(Reclaimer.OVER);
    assertThat(scene.started).hasSize(2);
    assertThat(stats().hung()).isOne();
  }

  @Test
  void aHangingShrinkerIsNotCalledAgainBeforeItReturns() {
    scene.need("k", 10);
    hang(
        () -> {
          clock.advance(2 * SECOND);
          reclaimer.wake();
          calls.clear();
          elsewhere(() -> assertThat(scene.tick()).isEqualTo(AGAIN));
          assertThat(calls).isEmpty();
          assertThat(reclaimer.isExhausted("k")).as("none other to ask").isTrue();
        });
    assertThat(scene.wakeAndTick()).isEqualTo(Reclaimer.OVER);
    clock.advance(AGAIN);
    scene.tick();
    assertThat(calls).as("after it has returned").hasSize(MOST_FRUITLESS);
    assertThat(stats().hung()).isOne();
  }

  /// The worker is replaced because of a call that is over when that happens: it is in the next.
  @Test
  void aCallInTimeOfAReplacedWorkerIsWaitedFor() {
    scene.need("k", 10);
    List<Boolean> exhausted = new ArrayList<>();
    boolean[] first = {true};
    scene.add(
        "a",
        null,
        () -> {
          if (first[0]) {
            first[0] = false;
            clock.advance(2 * SECOND);
            reclaimer.wake();
            clock.advance(-2 * SECOND); // as if it had begun just now
            elsewhere(() -> assertThat(scene.wakeAndTick()).isEqualTo(AGAIN));
            exhausted.add(reclaimer.isExhausted("k"));
            clock.advance(2 * SECOND);
            elsewhere(scene::wakeAndTick);
            exhausted.add(reclaimer.isExhausted("k"));
          }
          return 0;
        },
        asked -> 0);
    assertThat(scene.wakeAndTick()).isEqualTo(Reclaimer.OVER);
    assertThat(exhausted).as("in time, late").containsExactly(false, true);
    assertThat(stats().hung()).isOne();
  }

  @Test
  void aCallThatHangsAfterItsRegistrationWasClosedIsReplaced() {
    scene.need("k", 10);
    Shrinker.Registration[] slow = new Shrinker.Registration[1];
    slow[0] =
        scene.add(
            "slow",
            null,
            () -> 100,
            asked -> {
              slow[0].close();
              clock.advance(2 * SECOND);
              reclaimer.wake();
              return 0;
            });
    assertThat(scene.wakeAndTick()).isEqualTo(Reclaimer.OVER);
    assertThat(stats().hung()).isOne();
    assertThat(scene.started).hasSize(2);
  }

  @Test
  void aCallbackThatNeedsMemoryDoesNotNest() {
    int[] depth = {0};
    Demand need = scene.need("k", 100);
    scene.add(
        "a",
        null,
        () -> 100,
        asked -> {
          depth[0]++;
          assertThat(depth[0]).isOne();
          reclaimer.wake();
          depth[0]--;
          return need.help(asked);
        });
    assertThat(scene.wakeAndTick()).isZero();
    assertThat(need.missing).isZero();
  }

  /// It has just seen that there is enough when memory is gone again.
  @Test
  void aNeedThatArisesDuringWorkIsNotForgotten() {
    Demand need = scene.need("k", 100);
    int[] scans = {0};
    scene.add(
        "a",
        null,
        () -> 1000,
        asked -> {
          if (++scans[0] == 1) {
            reclaimer.wake();
          }
          return need.help(100);
        });
    assertThat(scene.wakeAndTick()).isZero();
    need.missing = 100;
    assertThat(scene.tick()).isEqualTo(LOOK);
    assertThat(scans[0]).isEqualTo(2);
  }

  @Test
  void anInterruptLeftBehindIsCleared() {
    scene.need("k", 10);
    scene.add(
        "a",
        null,
        () -> 10,
        asked -> {
          Thread.currentThread().interrupt();
          return 0;
        });
    scene.wakeAndTick();
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void aClosedRegistrationIsNotAskedAnyMore() {
    scene.need("k", 100);
    Shrinker.Registration a = scene.honest("a", 1000);
    scene.honest("b", 1000);
    a.close();
    a.close();
    scene.wakeAndTick();
    assertThat(calls).containsExactly("b=100");
  }
}
