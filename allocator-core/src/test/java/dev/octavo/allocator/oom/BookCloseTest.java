package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.AccountAllocator;
import dev.octavo.allocator.AllocationMode;
import dev.octavo.allocator.Bare;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.accounts.Books;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A charge that stands between its look at whether the book is closed and its addition, while
/// another thread closes the book: exactly one of the two wins, and no byte is lost.
@Timeout(30)
class BookCloseTest {

  private static final long PAGE = 4096;

  private static final Books<MemoryAccount> BOOKS = Books.of(MemoryAccount.class);

  private final PausedTree tree = new PausedTree();
  private final MemoryAccount root = new MemoryAccount(MemoryAccount.root("r"), tree);

  /// A tree without stocks, which runs an action before the next addition of one page.
  private static final class PausedTree extends AccountTree {

    private @Nullable Runnable action;

    PausedTree() {
      super(System::nanoTime, 0);
    }

    void beforeAddition(Runnable next) {
      action = next;
    }

    @Override
    Counter newCounter() {
      return new Counter() {
        @Override
        long getAndAdd(long delta) {
          Runnable next = action;
          if (delta == PAGE && next != null) {
            action = null;
            next.run();
          }
          return super.getAndAdd(delta);
        }
      };
    }
  }

  /// Runs a call on another thread to its end.
  private static @Nullable RuntimeException elsewhere(Runnable call) {
    AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    call.run();
                  } catch (RuntimeException e) {
                    failure.set(e);
                  }
                });
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    return failure.get();
  }

  private static boolean succeeds(Runnable call) {
    try {
      call.run();
      return true;
    } catch (RuntimeException e) {
      return false;
    }
  }

  /// Call that charges one page to a book.
  enum Charge {
    CHARGE,
    TRY,
    TRANSFER;

    boolean isMade(Book<MemoryAccount> book, Book<MemoryAccount> other) {
      return switch (this) {
        case CHARGE -> succeeds(() -> assertThat(book.charge(PAGE)).isNull());
        case TRY -> book.tryCharge(PAGE);
        case TRANSFER -> succeeds(() -> assertThat(other.transferTo(book, PAGE)).isNull());
      };
    }
  }

  @ParameterizedTest
  @EnumSource(Charge.class)
  void ofAChargeAndACloseOneWins(Charge charge) {
    MemoryAccount account = root.child("q").open();
    Book<MemoryAccount> book = BOOKS.open(account);
    Book<MemoryAccount> other = BOOKS.open(root.child("other").open());
    assertThat(other.charge(charge == Charge.TRANSFER ? PAGE : 0)).isNull();
    AtomicReference<@Nullable RuntimeException> refusal = new AtomicReference<>();
    tree.beforeAddition(() -> refusal.set(elsewhere(book::close)));
    boolean isCharged = charge.isMade(book, other);
    boolean isClosed = refusal.get() == null;
    assertThat(isCharged).as("charged").isNotEqualTo(isClosed);
    assertThat(book.bytes()).isEqualTo(isCharged ? PAGE : 0);
    if (isCharged) {
      book.uncharge(PAGE);
    }
    book.close();
    other.uncharge(other.bytes());
    account.close();
    assertThat(root.reserved()).isZero();
  }

  @Test
  void aCloseDuringAnAllocationLosesNoPage() {
    race((_, owner) -> owner.close());
  }

  @Test
  void theEndOfTheAccountItselfLosesNoneEither() {
    race((account, _) -> account.close());
  }

  private interface End {
    void of(MemoryAccount account, AccountAllocator owner);
  }

  private void race(End end) {
    try (PageAllocator pages = Bare.builder().capacity(256 * PAGE).accounts(root).build()) {
      MemoryAccount account = root.child("q").open();
      AccountAllocator owner = pages.under(account);
      AtomicReference<@Nullable RuntimeException> refusal = new AtomicReference<>();
      tree.beforeAddition(() -> refusal.set(elsewhere(() -> end.of(account, owner))));
      AtomicReference<@Nullable MemorySegment> got = new AtomicReference<>();
      boolean isServed = succeeds(() -> got.set(owner.allocate(PAGE, AllocationMode.NOWAIT)));
      assertThat(isServed).as("served").isNotEqualTo(refusal.get() == null);
      MemorySegment segment = got.get();
      if (segment != null) {
        owner.free(segment);
      }
      assertThat(pages.freePages()).isEqualTo(256);
      assertThat(pages.audit()).isEmpty();
      assertThat(root.reserved()).isZero();
      owner.close();
      account.close();
    }
  }

  /// An account that comes next under the same number has nothing of the one before.
  @Test
  void theNextAccountInheritsNothing() {
    Consumer<AccountAllocator> use = owner -> owner.free(owner.allocate(PAGE));
    try (PageAllocator pages = Bare.builder().capacity(256 * PAGE).accounts(root).build()) {
      AccountAllocator owner = pages.under(root.child("q").open());
      tree.beforeAddition(() -> elsewhere(owner::close));
      boolean isServed = succeeds(() -> use.accept(owner));
      AccountAllocator next = pages.under(root.child("next").open());
      assertThat(next.account().usage()).as("served=" + isServed).isZero();
      use.accept(next);
      next.close();
      owner.close();
    }
  }
}
