package dev.octavo.allocator.internal.reclaim;

import static dev.octavo.allocator.internal.reclaim.JumpingClock.MILLI;
import static dev.octavo.allocator.internal.reclaim.JumpingClock.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.Reclaimer.Stats;
import dev.octavo.allocator.internal.reclaim.Reclaimer.Worker;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The reclaimer's sentences, with a clock that jumps and a worker whose thread never starts: the
/// test ticks in its place.
class ReclaimerTest implements Reclaimer.Host {

  private static final int PAGE_SIZE = 4096;
  private static final long HIGH = 1000;
  private static final long REST = 100 * MILLI;
  private static final long LOOK = 5 * SECOND;

  private final JumpingClock clock = new JumpingClock();
  private final List<Thread> started = new ArrayList<>();
  private final Reclaimer reclaimer =
      new Reclaimer(Reclaimer.Settings.of("test", PAGE_SIZE, HIGH), this, clock) {
        @Override
        void start(Thread thread) {
          started.add(thread);
        }
      };

  private long free;
  private long served;
  private long awaited;
  private int exhausted;
  private Runnable lastResort = () -> {};

  /// What was called, in which scope.
  private final List<String> calls = new ArrayList<>();

  private final List<String> labels = new ArrayList<>();

  /// What callbacks asserted; the reclaimer contains whatever they throw.
  private final List<AssertionError> failures = new ArrayList<>();

  @AfterEach
  void noCallbackFailed() {
    assertThat(failures).isEmpty();
  }

  @Override
  public long freePages() {
    return free;
  }

  @Override
  public long awaitedPages() {
    return awaited;
  }

  @Override
  public long served() {
    return served;
  }

  @Override
  public long call(String label, LongSupplier callback) {
    labels.add(label);
    try {
      return callback.getAsLong();
    } catch (AssertionError e) {
      failures.add(e);
      throw e;
    } finally {
      labels.removeLast();
    }
  }

  @Override
  public void exhausted() {
    assertThat(labels).containsExactly("exhausted");
    exhausted++;
    lastResort.run();
  }

  /// A shrinker that writes down how many pages it is asked for.
  private Shrinker.Registration add(String name, LongSupplier count, LongUnaryOperator scan) {
    return reclaimer.add(
        name,
        new Shrinker() {
          @Override
          public long count() {
            assertThat(labels).containsExactly(name);
            return count.getAsLong() * PAGE_SIZE;
          }

          @Override
          public long scan(long byteSize) {
            assertThat(labels).containsExactly(name);
            assertThat(byteSize).isPositive();
            calls.add(name + "=" + byteSize / PAGE_SIZE);
            return scan.applyAsLong(byteSize / PAGE_SIZE) * PAGE_SIZE;
          }
        });
  }

  /// One that has so many pages, and frees what is asked.
  private Shrinker.Registration honest(String name, long pages) {
    long[] left = {pages};
    return add(
        name,
        () -> left[0],
        asked -> {
          long now = Math.min(asked, left[0]);
          left[0] -= now;
          free += now;
          return now;
        });
  }

  private Shrinker.Registration liar(String name) {
    return add(name, () -> 1000, asked -> asked);
  }

  private Worker worker() {
    Worker worker = reclaimer.worker();
    assertThat(worker).isNotNull();
    return worker;
  }

  private long wakeAndTick() {
    reclaimer.wake();
    return worker().tick();
  }

  // ---- threads

  @Test
  void theFirstShrinkerStartsADaemon() {
    assertThat(started).isEmpty();
    assertThatCode(reclaimer::wake).doesNotThrowAnyException();
    honest("a", 1);
    honest("b", 1);
    assertThat(started).hasSize(1);
    assertThat(started.getFirst().isDaemon()).isTrue();
    assertThat(started.getFirst().getName()).isEqualTo("octavo-reclaim-test");
  }

  @Test
  void wakingUnparksOnceUntilTheWorkerHasSeenIt() {
    honest("a", 1);
    reclaimer.wake();
    assertThat(clock.isWoken(started.getFirst())).isTrue();
    clock.park(this, 0); // of this thread; the other's permit stays
    free = HIGH;
    assertThat(worker().tick()).isZero();
    assertThat(worker().tick()).isEqualTo(LOOK);
  }

  @Test
  void closingEndsTheWorkerAndAllCalls() {
    honest("a", 1000);
    Worker worker = worker();
    reclaimer.wake();
    reclaimer.close();
    assertThat(worker.tick()).isEqualTo(Reclaimer.OVER);
    assertThat(clock.isWoken(started.getFirst())).isTrue();
    assertThat(calls).isEmpty();
    assertThatCode(reclaimer::wake).doesNotThrowAnyException();
    assertThatThrownBy(() -> honest("b", 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("allocator is closed: name=test, shrinker=b");
  }

  @Test
  void closingDuringACallEndsTheRound() {
    add(
        "a",
        () -> 10,
        asked -> {
          reclaimer.close();
          return 0;
        });
    liar("b");
    reclaimer.wake();
    assertThat(worker().tick()).isEqualTo(Reclaimer.OVER);
    assertThat(calls).hasSize(1);
  }

  @Test
  void aShrinkerNeedsAName() {
    assertThatThrownBy(() -> honest("", 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shrinker needs a name: name=");
    assertThat(started).isEmpty();
  }

  // ---- rounds

  @Test
  void itWorksUntilFreeMemoryIsHigh() {
    free = 900;
    honest("a", 5000);
    assertThat(wakeAndTick()).isZero();
    assertThat(free).isEqualTo(HIGH);
    assertThat(calls).containsExactly("a=100");
    assertThat(reclaimer.stats()).isEqualTo(new Stats(1, 100 * PAGE_SIZE, 0, 0, 0));
  }

  @Test
  void itDoesNothingUnlessWoken() {
    honest("a", 5000);
    assertThat(worker().tick()).isEqualTo(LOOK);
    assertThat(calls).isEmpty();
  }

  @Test
  void whatIsMissingIsSharedInProportion() {
    free = 200;
    honest("a", 300);
    honest("b", 100);
    honest("none", 0);
    honest("c", 1200);
    assertThat(wakeAndTick()).isZero();
    assertThat(calls).containsExactly("a=150", "b=50", "c=600");
    assertThat(free).isEqualTo(HIGH);
  }

  @Test
  void nobodyIsAskedOnceThereIsEnough() {
    free = 900;
    add("a", () -> 500, asked -> free += 200);
    honest("b", 500);
    assertThat(wakeAndTick()).isZero();
    assertThat(calls).containsExactly("a=50");
  }

  @Test
  void itWorksWhileAnybodyWaits() {
    free = HIGH;
    awaited = 1;
    add(
        "a",
        () -> 500,
        asked -> {
          free += asked;
          awaited = free < HIGH + 100 ? 1 : 0;
          return asked;
        });
    assertThat(wakeAndTick()).isZero();
    assertThat(calls).containsExactly("a=32", "a=32", "a=32", "a=32");
  }

  @Test
  void asMuchIsFreedAsTheFirstInLineWants() {
    free = HIGH;
    awaited = 5000;
    add(
        "a",
        () -> 9000,
        asked -> {
          free += asked;
          awaited = 0;
          return asked;
        });
    assertThat(wakeAndTick()).isZero();
    assertThat(calls).containsExactly("a=5000");
  }

  @Test
  void whatAWaiterTakesAtOnceIsProgress() {
    awaited = 1;
    add(
        "a",
        () -> 5000,
        asked -> {
          served++;
          awaited = served < 100 ? 1 : 0;
          free = awaited > 0 ? 0 : HIGH;
          return asked;
        });
    assertThat(wakeAndTick()).isZero();
    assertThat(served).isEqualTo(100);
    assertThat(exhausted).isZero();
  }

  @Test
  void guessesOfAnySizeAreSharedSomehow() {
    free = 990;
    add("greedy", () -> Long.MAX_VALUE / PAGE_SIZE, asked -> 0);
    add("negative", () -> -1, asked -> 0);
    honest("small", 10);
    assertThat(wakeAndTick()).isZero();
    assertThat(calls.subList(0, 2)).containsExactly("greedy=31", "small=1");
    assertThat(free).isEqualTo(HIGH);
  }

  @Test
  void sharesDoubleWithoutProgress() {
    free = 900;
    liar("a");
    wakeAndTick();
    assertThat(calls)
        .startsWith("a=100", "a=200", "a=400", "a=800", "a=1000", "a=1000")
        .hasSize(Reclaimer.MOST_FRUITLESS);
  }

  // ---- exhaustion

  @Test
  void itGivesUpAfterSixteenRoundsWithoutProgress() {
    liar("a");
    assertThat(reclaimer.isExhausted()).isFalse();
    assertThat(wakeAndTick()).isEqualTo(REST);
    assertThat(reclaimer.stats()).isEqualTo(new Stats(16, 0, 0, 0, 1));
    assertThat(reclaimer.isExhausted()).isTrue();
    assertThat(exhausted).as("nobody waits").isZero();
  }

  @Test
  void progressCountsFromAnew() {
    int[] scans = {0};
    add(
        "a",
        () -> 5000,
        asked -> {
          scans[0]++;
          free += scans[0] == 16 ? 1 : 0;
          return 0;
        });
    assertThat(wakeAndTick()).isEqualTo(REST);
    assertThat(scans[0]).isEqualTo(32);
  }

  @Test
  void whoHasNothingIsNotAskedSixteenTimes() {
    honest("a", 0);
    assertThat(wakeAndTick()).isEqualTo(REST);
    assertThat(reclaimer.stats().rounds()).isOne();
    assertThat(reclaimer.isExhausted()).isTrue();
  }

  @Test
  void itRestsUntilANewNeed() {
    liar("a");
    wakeAndTick();
    assertThat(worker().tick()).as("not woken").isEqualTo(LOOK);
    reclaimer.wake();
    clock.advance(REST / 4);
    assertThat(worker().tick()).as("not yet").isEqualTo(REST * 3 / 4);
    clock.advance(REST * 3 / 4);
    assertThat(worker().tick()).isEqualTo(REST);
    assertThat(reclaimer.stats().rounds()).isEqualTo(32);
  }

  @Test
  void itSaysSoAfterEachRestWhileAnybodyWaits() {
    awaited = 1;
    liar("a");
    assertThat(wakeAndTick()).isEqualTo(REST);
    assertThat(exhausted).isOne();
    assertThat(worker().tick()).isEqualTo(REST);
    assertThat(exhausted).isOne();
    clock.advance(REST);
    assertThat(worker().tick()).isEqualTo(REST);
    assertThat(exhausted).isEqualTo(2);
    free = HIGH;
    awaited = 0;
    clock.advance(REST);
    assertThat(worker().tick()).isZero();
    assertThat(exhausted).isEqualTo(2);
    assertThat(reclaimer.isExhausted()).isFalse();
  }

  @Test
  void aLastResortThatThrowsIsContained() {
    awaited = 1;
    liar("a");
    lastResort =
        () -> {
          throw new IllegalStateException("no killer");
        };
    assertThat(wakeAndTick()).isEqualTo(REST);
    assertThat(reclaimer.stats().thrown()).isOne();
  }

  @Test
  void withoutShrinkersThereIsNoUseInWaiting() {
    assertThat(reclaimer.isExhausted()).isTrue();
    Shrinker.Registration only = honest("a", 1);
    assertThat(reclaimer.isExhausted()).isFalse();
    only.close();
    assertThat(reclaimer.isExhausted()).isTrue();
  }

  // ---- bad shrinkers

  @Test
  void whoLiedIsAskedLastUntilItHelps() {
    boolean[] helps = {false};
    free = 900;
    add("a", () -> 1000, asked -> helps[0] ? free += asked : asked);
    honest("b", 30);
    honest("c", 30);
    wakeAndTick();
    assertThat(calls).startsWith("a=94", "b=2", "c=2", "b=2", "c=2", "a=90");
    calls.clear();
    reclaimer.runRound(worker(), 0);
    assertThat(calls.getLast()).startsWith("a=");
    helps[0] = true;
    reclaimer.runRound(worker(), 0);
    free = 500;
    calls.clear();
    reclaimer.runRound(worker(), 0);
    assertThat(calls.getFirst()).startsWith("a=");
  }

  @Test
  void whoThrowsIsLeftAloneForAWhile() {
    boolean[] throwsIt = {true};
    add(
        "a",
        () -> 10,
        asked -> {
          if (throwsIt[0]) {
            throw new IllegalStateException("broken");
          }
          return 0;
        });
    List<Integer> askedInSecond = new ArrayList<>();
    for (int second = 0; second < 200; second++) {
      int before = calls.size();
      reclaimer.runRound(worker(), 0);
      if (calls.size() > before) {
        askedInSecond.add(second);
      }
      clock.advance(SECOND);
    }
    assertThat(askedInSecond).containsExactly(0, 1, 3, 7, 15, 31, 63, 123, 183);
    assertThat(reclaimer.stats().thrown()).isEqualTo(9);

    throwsIt[0] = false;
    clock.advance(60 * SECOND);
    reclaimer.runRound(worker(), 0);
    throwsIt[0] = true;
    reclaimer.runRound(worker(), 0);
    calls.clear();
    clock.advance(SECOND);
    reclaimer.runRound(worker(), 0);
    assertThat(calls).as("forgiven").hasSize(1);
  }

  @Test
  void whoThrowsAnErrorDoesNotStopTheOthers() {
    free = 900;
    add(
        "a",
        () -> {
          throw new StackOverflowError();
        },
        asked -> 0);
    honest("b", 200);
    assertThat(wakeAndTick()).isZero();
    assertThat(calls).containsExactly("b=100");
    assertThat(reclaimer.stats()).isEqualTo(new Stats(1, 100 * PAGE_SIZE, 1, 0, 0));
  }

  /// The first worker is stuck in the call as long as `while` lasts, here in the middle of it.
  private void hang(Runnable meanwhile) {
    boolean[] hangs = {true};
    add(
        "slow",
        () -> 100,
        asked -> {
          if (hangs[0]) {
            hangs[0] = false;
            meanwhile.run();
          }
          return asked;
        });
  }

  @Test
  void whatHangsIsReplacedOnce() {
    free = 900;
    hang(
        () -> {
          Worker first = worker();
          clock.advance(SECOND);
          reclaimer.wake();
          assertThat(worker()).as("in time").isSameAs(first);
          clock.advance(1);
          reclaimer.wake();
          Worker second = worker();
          assertThat(second).isNotSameAs(first);
          reclaimer.wake();
          assertThat(worker()).isSameAs(second);
          labels.clear();
          second.tick();
          labels.add("slow");
        });
    honest("b", 50);
    honest("c", 200);
    Worker first = worker();
    assertThat(wakeAndTick()).as("of the one that was replaced").isEqualTo(Reclaimer.OVER);
    assertThat(first.isInCall()).isFalse();
    assertThat(free).isEqualTo(HIGH);
    assertThat(started).hasSize(2);
    assertThat(reclaimer.stats().hung()).isOne();
  }

  /// Both have seen the same worker and the same call.
  @Test
  void twoWhoNoticeThatItHangsReplaceItOnce() {
    hang(
        () -> {
          clock.advance(2 * SECOND);
          clock.beforeNextLook(reclaimer::wake);
          reclaimer.wake();
        });
    assertThat(wakeAndTick()).isEqualTo(Reclaimer.OVER);
    assertThat(started).hasSize(2);
    assertThat(reclaimer.stats().hung()).isOne();
  }

  @Test
  void whatHangsIsNotCalledAgainBeforeItReturns() {
    awaited = 1;
    hang(
        () -> {
          clock.advance(2 * SECOND);
          reclaimer.wake();
          calls.clear();
          labels.clear();
          assertThat(worker().tick()).isEqualTo(REST);
          assertThat(calls).isEmpty();
          assertThat(exhausted).as("nobody else to ask").isOne();
          labels.add("slow");
        });
    assertThat(wakeAndTick()).isEqualTo(Reclaimer.OVER);
    clock.advance(REST);
    worker().tick();
    assertThat(calls).as("after it has returned").hasSize(Reclaimer.MOST_FRUITLESS);
    assertThat(reclaimer.stats().hung()).isOne();
  }

  @Test
  void aCallThatHangsAfterItsRegistrationWasClosedIsReplaced() {
    Shrinker.Registration[] slow = new Shrinker.Registration[1];
    slow[0] =
        add(
            "slow",
            () -> 100,
            asked -> {
              slow[0].close();
              clock.advance(2 * SECOND);
              reclaimer.wake();
              return 0;
            });
    assertThat(wakeAndTick()).isEqualTo(Reclaimer.OVER);
    assertThat(reclaimer.stats().hung()).isOne();
    assertThat(started).hasSize(2);
  }

  @Test
  void aCallbackThatNeedsMemoryDoesNotNest() {
    int[] depth = {0};
    free = 900;
    add(
        "a",
        () -> 100,
        asked -> {
          depth[0]++;
          assertThat(depth[0]).isOne();
          reclaimer.wake();
          free += asked;
          depth[0]--;
          return asked;
        });
    assertThat(wakeAndTick()).isZero();
    assertThat(free).isEqualTo(HIGH);
  }

  /// It has just seen that there is enough when memory is gone again.
  @Test
  void aNeedThatArisesDuringWorkIsNotForgotten() {
    free = 900;
    int[] scans = {0};
    add(
        "a",
        () -> 1000,
        asked -> {
          free = HIGH;
          if (++scans[0] == 1) {
            reclaimer.wake();
          }
          return asked;
        });
    assertThat(wakeAndTick()).isZero();
    free = 900;
    assertThat(worker().tick()).isZero();
    assertThat(scans[0]).isEqualTo(2);
  }

  @Test
  void anInterruptLeftBehindIsCleared() {
    add(
        "a",
        () -> 10,
        asked -> {
          Thread.currentThread().interrupt();
          return 0;
        });
    reclaimer.runRound(worker(), 0);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void aClosedRegistrationIsNotAskedAnyMore() {
    Shrinker.Registration a = honest("a", 1000);
    honest("b", 1000);
    a.close();
    a.close();
    free = 900;
    wakeAndTick();
    assertThat(calls).containsExactly("b=100");
  }
}
