package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.RaceExplorer;
import dev.octavo.allocator.internal.buddy.RaceScheduler;
import dev.octavo.allocator.internal.buddy.RaceSubject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// Stocks, while others drain them: charges and uncharges of a few threads in every order of their
/// accesses with few preemptions. Each result must have an explanation by some order of the calls,
/// so no charge is refused for bytes that nobody uses, and in the end all sums are exact.
class StockRaceTest {

  private static final long BATCH = 2;

  /// Calls on two accounts below a root.
  private static final class Calls implements RaceSubject {

    /// A call that was made: the account, what it changed, whether it was done, and when it ran.
    private record Call(int account, long delta, boolean isDone, int begun, int ended, int to) {

      Call(int account, long delta, boolean isDone, int begun, int ended) {
        this(account, delta, isDone, begun, ended, account);
      }

      void make(long[] usage, int sign) {
        usage[account] += sign * delta;
        if (to != account) {
          usage[to] -= sign * delta;
        }
      }
    }

    private final MemoryAccount root;
    private final MemoryAccount[] accounts = new MemoryAccount[2];
    private final long[] max;
    private final List<Call> calls = new ArrayList<>();
    private int time;

    Calls(RaceScheduler scheduler, long rootMax, long firstMax, long secondMax) {
      max = new long[] {firstMax, secondMax, rootMax};
      root = MemoryAccount.root("r").max(rootMax).open(new SteppedTree(scheduler));
      accounts[0] = root.child("a").max(firstMax).open();
      accounts[1] = root.child("b").max(secondMax).open();
    }

    boolean charge(int account, long byteSize) {
      int begun = time++;
      boolean isDone = accounts[account].tryCharge(byteSize).isEmpty();
      calls.add(new Call(account, byteSize, isDone, begun, time++));
      return isDone;
    }

    void transfer(int from, int to, long byteSize) {
      int begun = time++;
      boolean isDone = true;
      try {
        accounts[from].transferTo(accounts[to], byteSize);
      } catch (MemoryAccountException refused) {
        assertThat(refused.reason()).isEqualTo(MemoryAccountException.Reason.LIMIT);
        isDone = false;
      }
      calls.add(new Call(from, -byteSize, isDone, begun, time++, to));
    }

    void uncharge(int account, long byteSize) {
      int begun = time++;
      accounts[account].uncharge(byteSize);
      calls.add(new Call(account, -byteSize, true, begun, time++));
    }

    @Override
    public Optional<String> unexplained() {
      return isExplained(new ArrayList<>(calls), new long[2])
          ? Optional.empty()
          : Optional.of(calls.toString());
    }

    /// Whether the calls left can come in an order that keeps to their times.
    private boolean isExplained(List<Call> left, long[] usage) {
      if (left.isEmpty()) {
        return true;
      }
      int firstEnd = left.stream().mapToInt(Call::ended).min().orElseThrow();
      for (Call call : List.copyOf(left)) {
        if (call.begun() < firstEnd && fits(usage, call) == call.isDone()) {
          left.remove(call);
          call.make(usage, call.isDone() ? 1 : 0);
          boolean isExplained = isExplained(left, usage);
          call.make(usage, call.isDone() ? -1 : 0);
          left.add(call);
          if (isExplained) {
            return true;
          }
        }
      }
      return false;
    }

    private boolean fits(long[] usage, Call call) {
      if (call.to() != call.account()) {
        return usage[call.to()] - call.delta() <= max[call.to()];
      }
      return call.delta() < 0
          ? usage[call.account()] + call.delta() >= 0
          : usage[call.account()] + call.delta() <= max[call.account()]
              && usage[0] + usage[1] + call.delta() <= max[2];
    }

    @Override
    public void checkAtRest(Object description) {
      long[] usage = new long[2];
      calls.stream().filter(Call::isDone).forEach(call -> call.make(usage, 1));
      for (int i = 0; i < 2; i++) {
        assertThat(accounts[i].usage()).as("%s", description).isEqualTo(usage[i]);
        assertThat(accounts[i].ownUsage()).as("%s", description).isEqualTo(usage[i]);
        assertThat(accounts[i].peak()).as("%s", description).isLessThanOrEqualTo(max[i]);
      }
      assertThat(root.usage()).as("%s", description).isEqualTo(usage[0] + usage[1]);
      assertThat(root.peak()).as("%s", description).isLessThanOrEqualTo(max[2]);
      root.drain();
      assertThat(root.reserved()).as("%s", description).isEqualTo(usage[0] + usage[1]);
    }
  }

  /// A tree whose every shared access is a step. Only one thread runs at any moment, so the
  /// handshake has nothing to do.
  private static final class SteppedTree extends AccountTree {
    private final RaceScheduler scheduler;

    SteppedTree(RaceScheduler scheduler) {
      super(() -> 0, BATCH);
      this.scheduler = scheduler;
    }

    @Override
    boolean mayStock(Thread thread) {
      return true;
    }

    @Override
    long leastLeft() {
      return 0;
    }

    @Override
    void handshake() {
      scheduler.step();
    }

    @Override
    void await(int round) {
      scheduler.pause();
    }

    @Override
    Counter newCounter() {
      return new Counter() {
        @Override
        long get() {
          step();
          return super.get();
        }

        @Override
        boolean compareAndSet(long expected, long update) {
          step();
          return super.compareAndSet(expected, update);
        }

        @Override
        long getAndAdd(long delta) {
          step();
          return super.getAndAdd(delta);
        }
      };
    }

    /// The first counter is made before the scheduler is known.
    @SuppressWarnings("NullAway")
    private void step() {
      if (scheduler != null) {
        scheduler.step();
      }
    }

    @Override
    Stock newStock(AccountBook book, Thread thread) {
      return new Stock(book, thread) {
        @Override
        void setBytes(long bytes) {
          step();
          super.setBytes(bytes);
        }

        @Override
        long copyBytes() {
          step();
          return super.copyBytes();
        }

        @Override
        boolean isRevoked() {
          step();
          return super.isRevoked();
        }

        @Override
        void revoke() {
          step();
          super.revoke();
        }

        @Override
        boolean claim(long bytes) {
          step();
          return super.claim(bytes);
        }
      };
    }
  }

  private static RaceExplorer<Calls, Integer> of(long rootMax, long firstMax, long secondMax) {
    return RaceExplorer.of(scheduler -> new Calls(scheduler, rootMax, firstMax, secondMax), _ -> 0);
  }

  private static BiConsumer<Calls, Integer> does(Consumer<Calls> calls) {
    return (all, _) -> calls.accept(all);
  }

  @Test
  void aChargeFromAStockAndADrainAgreeOnEachByte() {
    int runs =
        of(7, 7, 7)
            .thread(
                does(
                    calls -> {
                      if (calls.charge(0, 1)) {
                        calls.charge(0, 1);
                        calls.charge(0, 1);
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 5)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  @Test
  void anUnchargeIntoAStockAndADrainAgreeOnEachByte() {
    int runs =
        of(6, 6, 6)
            .thread(
                does(
                    calls -> {
                      if (calls.charge(0, 2)) {
                        calls.uncharge(0, 1);
                        calls.uncharge(0, 1);
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 5)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  @Test
  void aStockThatIsRevokedIsUsedNoMore() {
    int runs =
        of(8, 8, 8)
            .thread(
                does(
                    calls -> {
                      for (int i = 0; i < 2; i++) {
                        if (calls.charge(0, 1)) {
                          calls.uncharge(0, 1);
                        }
                      }
                    }))
            .thread(
                does(
                    calls -> {
                      if (calls.charge(1, 8)) {
                        calls.uncharge(1, 8);
                      }
                    }))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  @Test
  void twoDrainersGiveBackOnce() {
    int runs =
        of(5, 5, 5)
            .thread(does(calls -> calls.charge(0, 1)))
            .thread(does(calls -> calls.charge(1, 4)))
            .thread(does(calls -> calls.charge(1, 4)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  /// A charge that is refused above holds bytes below for a moment.
  @Test
  void aChargeIsNotRefusedForOneThatIsRolledBack() {
    int runs =
        of(8, 6, 8)
            .thread(does(calls -> calls.charge(1, 4)))
            .thread(does(calls -> calls.charge(0, 5)))
            .thread(does(calls -> calls.charge(0, 3)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  /// The first thread would fill its stock again and again beside the one that is refused.
  @Test
  void noStockIsFilledWhileARefusalIsProved() {
    int runs =
        of(5, 5, 5)
            .thread(
                does(
                    calls -> {
                      for (int i = 0; i < 3; i++) {
                        if (calls.charge(0, 1)) {
                          calls.uncharge(0, 1);
                        }
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 4)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  /// The second thread charges what the first has uncharged, and the third always fits.
  @Test
  void aChargeIsNotRefusedForAStockOnItsWayBack() {
    int runs =
        of(3, 3, 3)
            .thread(
                does(
                    calls -> {
                      if (calls.charge(0, 1)) {
                        calls.uncharge(0, 1);
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 3)))
            .thread(does(calls -> calls.charge(1, 2)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  /// An uncharge that returns a batch takes it out of the stock before the levels have it.
  @Test
  void aChargeIsNotRefusedForABatchThatAnUnchargeReturns() {
    int runs =
        of(8, 8, 8)
            .thread(
                does(
                    calls -> {
                      if (calls.charge(0, 1) && calls.charge(0, 2)) {
                        calls.uncharge(0, 2);
                        calls.uncharge(0, 1);
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 4)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }

  /// A refused transfer holds bytes in the levels of its target for a moment.
  @Test
  void aChargeIsNotRefusedForATransfer() {
    int runs =
        of(8, 8, 4)
            .thread(
                does(
                    calls -> {
                      if (calls.charge(0, 3)) {
                        calls.transfer(0, 1, 3);
                      }
                    }))
            .thread(does(calls -> calls.charge(1, 3)))
            .thread(does(calls -> calls.charge(1, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(200);
  }
}
