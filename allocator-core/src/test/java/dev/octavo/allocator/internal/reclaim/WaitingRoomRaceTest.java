package dev.octavo.allocator.internal.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.RaceExplorer;
import dev.octavo.allocator.internal.buddy.RaceScheduler;
import dev.octavo.allocator.internal.buddy.RaceSubject;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Answer;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Reason;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// No wake-up is lost, no memory is lost, and first come is first served, in every order of steps
/// with few preemptions. Nobody looks again by itself here and no deadline ends a wait, so a lost
/// wake-up is a run that does not end.
///
/// Each test runs with an offer that looks often, and with one that leaves the rest to the first in
/// line after one look.
class WaitingRoomRaceTest {

  private static final int PREEMPTIONS = 3;
  private static final int MANY = 100;
  private static final long NEVER = Long.MAX_VALUE;

  /// The calls of one run.
  private static final class Calls implements RaceSubject, WaitingRoom.Host {

    private final RaceScheduler scheduler;
    private final int mostLooks;
    private final WaitingRoom room;
    private final Permits memory;

    private final Set<Thread> permits = new HashSet<>();
    private final ConcurrentHashMap<Integer, Thread> waiters = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Integer, WaitingRoom.Request> requests =
        new ConcurrentHashMap<>();
    private final ConcurrentHashMap<Integer, Answer> answers = new ConcurrentHashMap<>();

    /// Numbers of waiters, in the order in which they got in line, and were served.
    private final List<Integer> came = new ArrayList<>();

    private final List<Integer> served = new ArrayList<>();

    private int total;
    private int inside;

    Calls(RaceScheduler scheduler, int mostLooks) {
      this.scheduler = scheduler;
      this.mostLooks = mostLooks;
      memory = new SteppedPermits();
      room = new SteppedRoom();
    }

    void await(int number, int count) {
      WaitingRoom.Request request =
          memory.new Wanted(count) {
            @Override
            public long tryTake() {
              long taken = super.tryTake();
              if (taken != WaitingRoom.NONE) {
                served.add(number);
              }
              return taken;
            }

            @Override
            public void giveBack(long result) {
              served.remove(Integer.valueOf(number));
              memory.release((int) result, room);
            }
          };
      waiters.put(number, Thread.currentThread());
      requests.put(number, request);
      answers.put(number, room.await(request, NEVER));
    }

    void release(int count) {
      total += count;
      memory.release(count, room);
    }

    void interrupt(int number) {
      scheduler.step();
      Thread waiter = waiters.get(number);
      while (waiter == null) {
        scheduler.pause();
        waiter = waiters.get(number);
      }
      waiter.interrupt();
    }

    void fail(int number) {
      scheduler.step();
      while (!requests.containsKey(number)
          || !room.fail(requests.get(number), new IllegalStateException())) {
        if (answers.containsKey(number)) {
          return;
        }
        scheduler.pause();
      }
    }

    Reason reason(int number) {
      return Objects.requireNonNull(answers.get(number)).reason();
    }

    @Override
    public void entered() {
      inside++;
    }

    @Override
    public void left() {
      inside--;
    }

    @Override
    public void stillWaiting() {}

    @Override
    public void dump(List<WaitingRoom.Waiting> line) {}

    @Override
    public Optional<String> unexplained() {
      List<Integer> inOrder = came.stream().filter(served::contains).toList();
      return served.equals(inOrder)
          ? Optional.empty()
          : Optional.of("came=" + came + ", served=" + served);
    }

    @Override
    public void checkAtRest(Object description) {
      long taken =
          answers.values().stream()
              .filter(answer -> answer.reason() == Reason.SERVED)
              .mapToLong(Answer::result)
              .sum();
      assertThat(memory.free() + taken).as("permits, %s", description).isEqualTo(total);
      assertThat(room.isEmpty()).as("%s", description).isTrue();
      assertThat(room.line()).as("%s", description).isEmpty();
      assertThat(room.first()).as("%s", description).isNull();
      assertThat(inside).as("%s", description).isZero();
    }

    private final class SteppedPermits extends Permits {

      @Override
      boolean take(int count) {
        scheduler.step();
        return super.take(count);
      }

      @Override
      void put(int count) {
        scheduler.step();
        super.put(count);
        scheduler.step();
      }
    }

    private final class SteppedClock implements WaitClock {

      @Override
      public long nanoTime() {
        return 0;
      }

      @Override
      public void park(Object blocker, long nanos) {
        scheduler.step();
        Thread me = Thread.currentThread();
        while (!permits.remove(me) && !me.isInterrupted()) {
          scheduler.pause();
        }
      }

      @Override
      public void unpark(Thread thread) {
        scheduler.step();
        permits.add(thread);
      }
    }

    private final class SteppedRoom extends WaitingRoom {

      SteppedRoom() {
        super(new SteppedClock(), Calls.this, NEVER);
      }

      @Override
      long pollNanos() {
        return NEVER;
      }

      @Override
      int mostLooks() {
        return mostLooks;
      }

      @Override
      void count(int change) {
        scheduler.step();
        super.count(change);
      }

      @Override
      void enqueue(Waiter waiter) {
        scheduler.step();
        waiters.entrySet().stream()
            .filter(entry -> entry.getValue().equals(Thread.currentThread()))
            .forEach(entry -> came.add(entry.getKey()));
        super.enqueue(waiter);
      }

      @Override
      void dequeue(Waiter waiter) {
        scheduler.step();
        super.dequeue(waiter);
      }

      @Override
      @Nullable Waiter first() {
        scheduler.step();
        return super.first();
      }

      @Override
      long addOffers(long change) {
        scheduler.step();
        return super.addOffers(change);
      }

      @Override
      void clearOffers() {
        scheduler.step();
        super.clearOffers();
      }

      @Override
      boolean answer(Waiter waiter, Answer answer) {
        scheduler.step();
        return super.answer(waiter, answer);
      }

      @Override
      boolean isClosed() {
        scheduler.step();
        return super.isClosed();
      }

      @Override
      void setClosed() {
        scheduler.step();
        super.setClosed();
        scheduler.step();
      }
    }
  }

  /// Every order of the threads' steps with so many preemptions.
  @SafeVarargs
  private static void explore(int mostLooks, int preemptions, Consumer<Calls>... threads) {
    Function<RaceScheduler, Calls> subject = scheduler -> new Calls(scheduler, mostLooks);
    RaceExplorer<Calls, Integer> explorer = RaceExplorer.of(subject, calls -> 0);
    for (Consumer<Calls> thread : threads) {
      explorer.thread((calls, none) -> thread.accept(calls));
    }
    assertThat(explorer.explore(preemptions)).isGreaterThan(MANY);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void aFreeMeetsAWaiterThatComes(int mostLooks) {
    explore(
        mostLooks,
        PREEMPTIONS,
        calls -> {
          calls.await(0, 2);
          assertThat(calls.reason(0)).isEqualTo(Reason.SERVED);
        },
        calls -> calls.release(2));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void twoFreesServeALargeRequest(int mostLooks) {
    explore(
        mostLooks,
        2,
        calls -> {
          calls.await(0, 2);
          assertThat(calls.reason(0)).isEqualTo(Reason.SERVED);
        },
        calls -> calls.release(1),
        calls -> calls.release(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void firstComeIsFirstServed(int mostLooks) {
    explore(
        mostLooks,
        2,
        calls -> calls.await(0, 1),
        calls -> calls.await(1, 2),
        calls -> {
          calls.release(1);
          calls.release(1);
          calls.release(1);
        });
  }

  /// There is never enough for the large request.
  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void whoLeavesLetsTheNextOneIn(int mostLooks) {
    explore(
        mostLooks,
        2,
        calls -> {
          calls.await(0, 2);
          assertThat(calls.reason(0)).isEqualTo(Reason.INTERRUPTED);
        },
        calls -> {
          calls.await(1, 1);
          assertThat(calls.reason(1)).isEqualTo(Reason.SERVED);
        },
        calls -> {
          calls.release(1);
          calls.interrupt(0);
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void aWaiterGivesUpWhileItIsServed(int mostLooks) {
    explore(
        mostLooks,
        PREEMPTIONS,
        calls -> calls.await(0, 1),
        calls -> {
          calls.interrupt(0);
          calls.release(1);
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void aPolicyFailsAWaiterWhileItIsServed(int mostLooks) {
    explore(
        mostLooks,
        2,
        calls -> calls.await(0, 1),
        calls -> calls.fail(0),
        calls -> calls.release(1));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16})
  void aWaiterComesWhileTheRoomCloses(int mostLooks) {
    explore(mostLooks, PREEMPTIONS, calls -> calls.await(0, 1), calls -> calls.room.close());
  }
}
