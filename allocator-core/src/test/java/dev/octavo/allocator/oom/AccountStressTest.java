package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Real threads on accounts near their limits.
class AccountStressTest {

  private static final int THREADS = 6;
  private static final int CALLS = 150_000;
  private static final long MAX = 4096;
  private static final long BATCH = 16;
  private static final int MOST = 40;

  /// One more thread looks at the sums all the time.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void sumsAreExactAtTheEndAndNoLimitIsEverExceeded(boolean isStrict) throws Exception {
    long seed = System.nanoTime();
    System.out.println("AccountStressTest: isStrict=" + isStrict + ", seed=" + seed);
    MemoryAccountBuilder builder = MemoryAccount.root("r").batch(BATCH).max(MAX);
    MemoryAccount root = isStrict ? builder.strict().open() : builder.open();
    List<MemoryAccount> accounts = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      accounts.add(root.child("a" + i).max(MAX / 2).open());
    }
    AtomicBoolean isOver = new AtomicBoolean();
    AtomicLong looks = new AtomicLong();
    List<long[]> kept =
        Threads.together(
            THREADS + 1,
            number -> {
              if (number == THREADS) {
                watch(root, accounts, isOver, looks);
                return new long[accounts.size()];
              }
              long[] held = work(accounts, new Random(seed + number));
              if (number == 0) {
                isOver.set(true);
              }
              return held;
            });
    assertThat(looks).hasPositiveValue();
    long all = 0;
    for (int i = 0; i < accounts.size(); i++) {
      int account = i;
      long expected = kept.stream().mapToLong(held -> held[account]).sum();
      assertThat(accounts.get(i).usage()).isEqualTo(expected);
      assertThat(accounts.get(i).peak()).isLessThanOrEqualTo(MAX / 2);
      all += expected;
    }
    assertThat(root.usage()).isEqualTo(all);
    assertThat(root.peak()).isLessThanOrEqualTo(MAX);
    root.drain();
    assertThat(root.reserved()).isEqualTo(all);
    for (int i = 0; i < accounts.size(); i++) {
      accounts.get(i).uncharge(accounts.get(i).ownUsage());
      accounts.get(i).close();
    }
    root.close();
  }

  private static void watch(
      MemoryAccount root, List<MemoryAccount> accounts, AtomicBoolean isOver, AtomicLong looks) {
    do {
      assertThat(root.reserved()).isLessThanOrEqualTo(MAX);
      for (MemoryAccount account : accounts) {
        assertThat(account.reserved()).isLessThanOrEqualTo(MAX / 2);
      }
      looks.incrementAndGet();
    } while (!isOver.get());
  }

  /// Returns what is still charged, by account.
  private static long[] work(List<MemoryAccount> accounts, Random random) {
    long[] held = new long[accounts.size()];
    for (int i = 0; i < CALLS; i++) {
      int account = random.nextInt(held.length);
      int other = random.nextInt(held.length);
      long byteSize = random.nextInt(MOST);
      if (held[account] >= byteSize && random.nextInt(5) != 0) {
        accounts.get(account).uncharge(byteSize);
        held[account] -= byteSize;
      } else if (held[account] >= byteSize && moves(accounts, account, other, byteSize)) {
        held[account] -= byteSize;
        held[other] += byteSize;
      } else if (accounts.get(account).tryCharge(byteSize).isEmpty()) {
        held[account] += byteSize;
      }
    }
    return held;
  }

  private static boolean moves(List<MemoryAccount> accounts, int from, int to, long byteSize) {
    try {
      accounts.get(from).transferTo(accounts.get(to), byteSize);
      return true;
    } catch (MemoryAccountException refused) {
      assertThat(refused.reason()).isEqualTo(MemoryAccountException.Reason.LIMIT);
      return false;
    }
  }
}
