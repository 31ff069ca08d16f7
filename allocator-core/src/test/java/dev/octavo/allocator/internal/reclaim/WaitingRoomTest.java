package dev.octavo.allocator.internal.reclaim;

import static dev.octavo.allocator.internal.reclaim.JumpingClock.MILLI;
import static dev.octavo.allocator.internal.reclaim.JumpingClock.SECOND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.WaitingRoom.Answer;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Reason;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Waiting;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The waiting room's sentences, one thread and a clock that jumps. Several waiters come about as
/// another waits while the first one sleeps.
class WaitingRoomTest implements WaitingRoom.Host {

  private static final long LONG = 3600 * SECOND;

  private final JumpingClock clock = new JumpingClock();
  private final long start = clock.nanoTime();
  private final WaitingRoom room = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
  private final Permits memory = new Permits();

  private final List<List<String>> dumps = new ArrayList<>();
  private int inside;
  private int looksInVain;
  private boolean breaks;
  private Runnable whileWaiting = () -> {};

  @Override
  public void entered() {
    assertThat(room.isEmpty()).isFalse();
    inside++;
  }

  @Override
  public void left() {
    assertThat(room.isEmpty()).isFalse();
    inside--;
  }

  @Override
  public void stillWaiting() {
    looksInVain++;
    whileWaiting.run();
    if (breaks) {
      throw new IllegalStateException("host is broken");
    }
  }

  @Override
  public void dump(List<Waiting> line) {
    dumps.add(line.stream().map(Waiting::toString).toList());
    if (breaks) {
      throw new IllegalStateException("host is broken");
    }
  }

  @AfterEach
  void nobodyIsLeft() {
    assertThat(room.isEmpty()).isTrue();
    assertThat(room.size()).isZero();
    assertThat(room.line()).isEmpty();
    assertThat(room.firstRequest()).isNull();
    assertThat(inside).isZero();
  }

  private Answer await(int count, long nanos) {
    return room.await(memory.wanted(count), clock.nanoTime() + nanos);
  }

  private long elapsed() {
    return clock.nanoTime() - start;
  }

  // ---- ends

  @Test
  void whatIsThereIsServedAtOnce() {
    memory.put(3);
    Thread.currentThread().interrupt();
    assertThat(await(3, -SECOND)).isEqualTo(Answer.served(3));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(elapsed()).isZero();
    assertThat(room.ended(Reason.SERVED)).isOne();
  }

  @Test
  void whatIsFreedGoesToTheWaiter() {
    clock.plan(() -> memory.release(2, room));
    clock.plan(
        () -> {
          assertThat(room.size()).isOne();
          assertThat(inside).isOne();
          assertThat(room.firstRequest()).isInstanceOf(Permits.Wanted.class);
          memory.release(1, room);
          assertThat(memory.free()).as("after the hand-over").isZero();
        });
    assertThat(await(3, SECOND)).isEqualTo(Answer.served(3));
    assertThat(elapsed()).isZero();
  }

  @Test
  void aDeadlineEndsTheWait() {
    memory.put(2);
    assertThat(await(3, SECOND)).isEqualTo(Answer.unserved(Reason.DEADLINE));
    assertThat(elapsed()).isEqualTo(SECOND);
    assertThat(memory.free()).isEqualTo(2);
    assertThat(room.ended(Reason.DEADLINE)).isOne();
  }

  /// Memory that came without an offer in the last moment.
  @Test
  void aWaiterLooksOnceMoreAtItsDeadline() {
    clock.plan(
        () -> {
          clock.advance(SECOND);
          memory.put(3);
        });
    assertThat(await(3, SECOND)).isEqualTo(Answer.served(3));
  }

  @Test
  void anInterruptEndsTheWaitAndStaysSet() {
    clock.plan(Thread.currentThread()::interrupt);
    assertThat(await(3, SECOND)).isEqualTo(Answer.unserved(Reason.INTERRUPTED));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(elapsed()).isZero();
    assertThat(room.ended(Reason.INTERRUPTED)).isOne();
  }

  @Test
  void closingEndsAllWaits() {
    clock.plan(
        () -> {
          clock.plan(room::close);
          assertThat(await(1, SECOND)).isEqualTo(Answer.unserved(Reason.CLOSED));
        });
    assertThat(await(3, SECOND)).isEqualTo(Answer.unserved(Reason.CLOSED));
    memory.put(3);
    assertThat(await(3, SECOND)).isEqualTo(Answer.unserved(Reason.CLOSED));
    assertThat(memory.free()).isEqualTo(3);
    assertThat(elapsed()).isZero();
    assertThat(room.ended(Reason.CLOSED)).isEqualTo(3);
  }

  @Test
  void aPolicyEndsAWait() {
    Permits.Wanted request = memory.wanted(3);
    RuntimeException cause = new IllegalStateException("chosen");
    assertThat(room.fail(request, cause)).isFalse();
    clock.plan(() -> assertThat(room.fail(request, cause)).isTrue());
    assertThat(room.await(request, clock.nanoTime() + SECOND))
        .isEqualTo(new Answer(Reason.FAILED_BY_POLICY, WaitingRoom.NONE, cause));
    assertThat(room.fail(request, cause)).isFalse();
  }

  /// Whoever frees memory is not bothered, and the next is served.
  @Test
  void aRequestThatThrowsFailsItsOwnWait() {
    RuntimeException failure = new IllegalStateException("broken");
    Permits.Wanted broken =
        memory.new Wanted(1) {
          @Override
          public long tryTake() {
            if (super.tryTake() == WaitingRoom.NONE) {
              return WaitingRoom.NONE;
            }
            throw failure;
          }
        };
    clock.plan(
        () -> {
          clock.plan(() -> memory.release(3, room));
          assertThat(await(2, SECOND)).isEqualTo(Answer.served(2));
        });
    assertThat(room.await(broken, clock.nanoTime() + SECOND))
        .isEqualTo(new Answer(Reason.BROKEN, WaitingRoom.NONE, failure));
  }

  @Test
  void whatWasTakenForOneWhoLeftGoesBack() {
    Permits.Wanted request =
        memory.new Wanted(3) {
          @Override
          public long tryTake() {
            long taken = super.tryTake();
            if (taken != WaitingRoom.NONE) {
              room.fail(this, new IllegalStateException("meanwhile"));
            }
            return taken;
          }
        };
    clock.plan(() -> memory.release(3, room));
    assertThat(room.await(request, clock.nanoTime() + SECOND).reason())
        .isEqualTo(Reason.FAILED_BY_POLICY);
    assertThat(memory.free()).isEqualTo(3);
  }

  @Test
  void whatCannotGoBackStopsNobodyElse() {
    Permits.Wanted request =
        memory.new Wanted(1) {
          @Override
          public long tryTake() {
            room.fail(this, new IllegalStateException("meanwhile"));
            return 1;
          }

          @Override
          public void giveBack(long result) {
            throw new IllegalStateException("no way back");
          }
        };
    assertThat(room.await(request, clock.nanoTime() + SECOND).reason())
        .isEqualTo(Reason.FAILED_BY_POLICY);
    memory.put(1);
    assertThat(await(1, SECOND)).isEqualTo(Answer.served(1));
  }

  /// Else nobody behind it would ever be tried.
  @Test
  void anErrorLeavesNobodyInLine() {
    whileWaiting =
        () -> {
          throw new StackOverflowError();
        };
    assertThatThrownBy(() -> await(1, SECOND)).isInstanceOf(StackOverflowError.class);
    nobodyIsLeft();
    memory.put(1);
    assertThat(await(1, SECOND)).isEqualTo(Answer.served(1));
    assertThat(room.ended(Reason.BROKEN)).isOne();
  }

  @Test
  void whatWasTakenForOneWhoFailedGoesBack() {
    whileWaiting =
        () -> {
          memory.release(1, room);
          assertThat(memory.free()).isZero();
          throw new StackOverflowError();
        };
    assertThatThrownBy(() -> await(1, SECOND)).isInstanceOf(StackOverflowError.class);
    assertThat(memory.free()).isOne();
  }

  // ---- order

  @Test
  void smallRequestsDoNotOvertakeALargeOne() {
    memory.put(2);
    clock.plan(() -> assertThat(await(1, SECOND).reason()).isEqualTo(Reason.DEADLINE));
    clock.plan(() -> memory.release(1, room));
    assertThat(await(3, LONG)).isEqualTo(Answer.served(3));
  }

  @Test
  void oneFreeServesAllWhoFit() {
    clock.plan(
        () -> {
          clock.plan(
              () -> {
                clock.plan(() -> memory.release(6, room));
                assertThat(await(4, SECOND).reason()).isEqualTo(Reason.DEADLINE);
              });
          assertThat(await(2, LONG)).isEqualTo(Answer.served(2));
        });
    assertThat(await(3, LONG)).isEqualTo(Answer.served(3));
    assertThat(memory.free()).isOne();
  }

  // ---- looking

  @Test
  void theFirstInLineLooksEveryTenMillis() {
    clock.plan(() -> clock.advance(0));
    clock.plan(() -> clock.advance(0));
    assertThat(await(1, 10 * SECOND - 1).reason()).isEqualTo(Reason.DEADLINE);
    assertThat(looksInVain).isEqualTo(1000 + 2);
  }

  /// Pages that were on the move during the first look, and nobody offers them.
  @Test
  void whatComesWithoutAnOfferIsFound() {
    clock.plan(() -> memory.put(1));
    assertThat(await(1, LONG)).isEqualTo(Answer.served(1));
    assertThat(elapsed()).isLessThanOrEqualTo(10 * MILLI);
  }

  @Test
  void othersSleepUntilTheirTurn() {
    clock.plan(
        () -> {
          int before = looksInVain;
          assertThat(await(1, SECOND).reason()).isEqualTo(Reason.DEADLINE);
          assertThat(looksInVain).isEqualTo(before);
        });
    assertThat(await(2, 2 * SECOND).reason()).isEqualTo(Reason.DEADLINE);
  }

  /// As `giveBack` does when it frees.
  @Test
  void anOfferDuringAServiceDoesNotNest() {
    List<Integer> depths = new ArrayList<>();
    Permits.Wanted request =
        memory.new Wanted(1) {
          private int depth;

          @Override
          public long tryTake() {
            depth++;
            depths.add(depth);
            if (depths.size() == 1) {
              room.offer();
              memory.put(1);
            }
            depth--;
            return depths.size() == 1 ? WaitingRoom.NONE : super.tryTake();
          }
        };
    assertThat(room.await(request, start)).isEqualTo(Answer.served(1));
    assertThat(depths).containsExactly(1, 1);
  }

  @Test
  void anOfferDoesNotServeForEver() {
    int[] looks = {0};
    boolean[] isBusy = {false};
    Permits.Wanted request =
        memory.new Wanted(1) {
          @Override
          public long tryTake() {
            looks[0]++;
            if (isBusy[0]) {
              room.offer();
            }
            return super.tryTake();
          }
        };
    clock.plan(
        () -> {
          looks[0] = 0;
          isBusy[0] = true;
          room.offer();
          isBusy[0] = false;
          assertThat(looks[0]).isEqualTo(WaitingRoom.MOST_LOOKS);
          assertThat(clock.isWoken(Thread.currentThread())).as("goes on by itself").isTrue();
        });
    clock.plan(() -> memory.put(1));
    assertThat(room.await(request, start + SECOND)).isEqualTo(Answer.served(1));
  }

  // ---- dumps

  @Test
  void alongWaitIsDumpedOnce() {
    await(5, 35 * SECOND);
    assertThat(dumps)
        .containsExactly(
            List.of(
                "thread="
                    + Thread.currentThread().getName()
                    + ", virtual=false, waitedMillis=10000, request=permits=5"));
  }

  @Test
  void aShortWaitIsNotDumped() {
    await(5, 10 * SECOND - 1);
    assertThat(dumps).isEmpty();
  }

  /// Two more come 4 s and 8 s after the first. All are in the first dump; the last is in line for
  /// 10 s when that is 8 s old.
  @Test
  void aDumpListsAllInOrderAndComesAtMostEveryTenSeconds() {
    clock.plan(
        () -> {
          clock.advance(4 * SECOND);
          clock.plan(
              () -> {
                clock.advance(4 * SECOND);
                await(7, 11 * SECOND);
              });
          await(6, 7 * SECOND);
        });
    await(5, 20 * SECOND);
    assertThat(dumps).hasSize(1);
    assertThat(dumps.getFirst())
        .extracting(line -> line.substring(line.indexOf("waitedMillis")))
        .containsExactly(
            "waitedMillis=18000, request=permits=5",
            "waitedMillis=14000, request=permits=6",
            "waitedMillis=10000, request=permits=7");
  }

  @Test
  void laterWaitsAreDumpedAgain() {
    await(5, 11 * SECOND);
    await(6, 11 * SECOND);
    assertThat(dumps).hasSize(2);
  }

  @Test
  void aBrokenHostFailsNoWait() {
    breaks = true;
    clock.plan(() -> clock.advance(10 * SECOND));
    clock.plan(() -> memory.release(1, room));
    assertThat(await(1, LONG)).isEqualTo(Answer.served(1));
    assertThat(looksInVain).isPositive();
    assertThat(dumps).hasSize(1);
  }

  @Test
  void virtualThreadsAreNamedByNumberAndMarked() throws InterruptedException {
    Thread virtual = Thread.ofVirtual().start(() -> await(1, 11 * SECOND));
    virtual.join();
    assertThat(dumps)
        .containsExactly(
            List.of(
                "thread=#"
                    + virtual.threadId()
                    + ", virtual=true, waitedMillis=10000, request=permits=1"));
  }
}
