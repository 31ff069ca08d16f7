package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.accounts.Books;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Real threads that charge, uncharge and transfer what always fits: no call may be refused.
///
/// The limits cover one unit that two threads pass to and fro, one that a third transfers, and one
/// for each prover; nothing more. One passer charges a unit that the other has uncharged, so what
/// an uncharge has put into a stock must be found by a charge that begins later.
class FittingChargesStressTest {

  private static final long UNIT = 4096;
  private static final int ROUNDS = Integer.getInteger("octavo.stress.rounds", 3_000);
  private static final int PASSERS = 2;

  private final AtomicInteger uncharged = new AtomicInteger(1);
  private final AtomicInteger charged = new AtomicInteger();
  private final AtomicInteger proversEnded = new AtomicInteger();
  private final AtomicLong charges = new AtomicLong();
  private final AtomicLong refusals = new AtomicLong();

  @ParameterizedTest
  @CsvSource({
    "0,    1, false, 1",
    "0,    3, true, 3",
    "1,    1, false, 1",
    "1,    1, true, 3",
    "1,    3, false, 3",
    "1,    3, true, 1",
    "64,   1, false, 3",
    "64,   1, true, 1",
    "64,   3, false, 1",
    "64,   3, true, 3",
  })
  void noChargeThatFitsIsRefused(int batch, int levels, boolean isByBook, int provers)
      throws Exception {
    long max = (2L + provers) * UNIT;
    MemoryAccount root = MemoryAccount.root("r").batch(batch * UNIT).max(max).open();
    MemoryAccount account = root;
    for (int level = 1; level < levels; level++) {
      account = account.child("level" + level).max(max).open();
    }
    Book<MemoryAccount> byHand = account.ledger().books().getFirst();
    Book<MemoryAccount> passed = isByBook ? Books.of(MemoryAccount.class).open(account) : byHand;
    Threads.together(
        PASSERS + 1 + provers,
        number -> {
          if (number < PASSERS) {
            pass(passed, new SplittableRandom(number), provers);
          } else if (number == PASSERS) {
            transfer(passed, Books.of(MemoryAccount.class).open(root), provers);
          } else {
            prove(number % 2 == 0 ? passed : byHand);
          }
          return number;
        });
    System.out.println(
        "FittingChargesStressTest: batch=%d, levels=%d, isByBook=%b, provers=%d: "
            .concat("charges=%s, refusals=%s")
            .formatted(batch, levels, isByBook, provers, charges, refusals));
    assertThat(refusals).hasValue(0);
    if (charged.get() > 0) {
      passed.uncharge(UNIT);
    }
    assertThat(root.usage()).isZero();
    root.drain();
    assertThat(root.reserved()).isZero();
    assertThat(root.peak()).isLessThanOrEqualTo(max);
  }

  /// Each thread charges the unit if it is uncharged, and the other way round.
  private void pass(Book<MemoryAccount> book, SplittableRandom random, int provers) {
    while (proversEnded.get() < provers) {
      if (random.nextBoolean() && uncharged.compareAndSet(1, 0)) {
        (isCharged(book) ? charged : uncharged).set(1);
      } else if (charged.compareAndSet(1, 0)) {
        book.uncharge(UNIT);
        uncharged.set(1);
      }
    }
  }

  private void transfer(Book<MemoryAccount> one, Book<MemoryAccount> other, int provers) {
    while (!isCharged(one)) {
      Thread.onSpinWait();
    }
    boolean isHere = true;
    while (proversEnded.get() < provers) {
      charges.incrementAndGet();
      if ((isHere ? one.transferTo(other, UNIT) : other.transferTo(one, UNIT)) == null) {
        isHere = !isHere;
      } else {
        refusals.incrementAndGet();
      }
    }
    (isHere ? one : other).uncharge(UNIT);
  }

  private void prove(Book<MemoryAccount> book) {
    for (int i = 0; i < ROUNDS; i++) {
      if (isCharged(book)) {
        book.uncharge(UNIT);
      }
    }
    proversEnded.incrementAndGet();
  }

  private boolean isCharged(Book<MemoryAccount> book) {
    charges.incrementAndGet();
    boolean isDone = book.charge(UNIT) == null;
    refusals.addAndGet(isDone ? 0 : 1);
    return isDone;
  }
}
