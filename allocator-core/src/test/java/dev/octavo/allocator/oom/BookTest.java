package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccountException.Reason;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Books of an account, and what the tree tells those that wait for room.
class BookTest {

  private static final long BATCH = 64;
  private static final long MAX = 64 * BATCH;

  private static final Books<MemoryAccount> BOOKS = Books.of(MemoryAccount.class);

  private final MemoryAccount root = MemoryAccount.root("r").batch(BATCH).max(MAX).open();
  private final MemoryAccount account = root.child("a").open();
  private final Book<MemoryAccount> book = BOOKS.open(account);
  private final List<String> news = new ArrayList<>();

  private static Reason reasonOf(ThrowingCallable call) {
    return catchThrowableOfType(MemoryAccountException.class, call).reason();
  }

  private Runnable listen() {
    return BOOKS.listen(root, (from, byteSize) -> news.add(from.name() + " " + byteSize));
  }

  // ---- books

  @Test
  void bytesByHandAndOfEachBookAreApart() {
    Book<MemoryAccount> other = BOOKS.open(account);
    account.charge(10);
    assertThat(book.charge(20)).isNull();
    assertThat(other.tryCharge(30)).isTrue();
    assertThat(book.bytes()).isEqualTo(20);
    assertThat(other.bytes()).isEqualTo(30);
    assertThat(account.ownUsage()).isEqualTo(60);
    assertThat(root.usage()).isEqualTo(60);
    assertThat(reasonOf(() -> account.uncharge(11))).isEqualTo(Reason.UNDERFLOW);
    assertThat(reasonOf(() -> other.uncharge(31))).isEqualTo(Reason.UNDERFLOW);
    assertThat(reasonOf(account::close)).isEqualTo(Reason.IN_USE);
    account.uncharge(10);
    assertThat(book.transferTo(other, 20)).isNull();
    assertThat(other.bytes()).isEqualTo(50);
    other.uncharge(50);
    account.close();
  }

  @Test
  void theStocksOfABookGoBackWithTheOthers() {
    assertThat(book.charge(1)).isNull();
    assertThat(root.reserved()).isEqualTo(BATCH + 1);
    assertThat(root.usage()).isEqualTo(1);
    assertThat(root.drain()).isEqualTo(BATCH);
    assertThat(book.charge(1)).isNull();
    book.settle();
    assertThat(root.reserved()).isEqualTo(2);
    assertThat(book.charge(1)).isNull();
    assertThat(root.child("b").open().tryCharge(MAX - 3)).isEmpty();
  }

  @Test
  void aRefusedTransferOfABookChangesNothing() {
    Book<MemoryAccount> tight = BOOKS.open(root.child("tight").max(5).open());
    assertThat(book.charge(10)).isNull();
    assertThat(book.transferTo(tight, 6)).isSameAs(tight.account());
    assertThat(reasonOf(() -> book.transferTo(tight, MAX))).isEqualTo(Reason.UNDERFLOW);
    assertThat(book.bytes()).isEqualTo(10);
    assertThat(tight.bytes()).isZero();
    tight.account().close();
    assertThat(reasonOf(() -> book.transferTo(tight, 1))).isEqualTo(Reason.CLOSED);
    assertThat(reasonOf(() -> BOOKS.open(tight.account()))).isEqualTo(Reason.CLOSED);
    assertThat(book.bytes()).isEqualTo(10);
  }

  @Test
  void aClosedBookChargesNoMore() {
    assertThat(book.charge(10)).isNull();
    assertThatIllegalStateException()
        .isThrownBy(book::close)
        .withMessage("book is in use: account=r/a, byteSize=10");
    assertThat(book.charge(5)).isNull();
    book.uncharge(15);
    book.close();
    book.close();
    assertThat(reasonOf(() -> book.charge(1))).isEqualTo(Reason.CLOSED);
    assertThat(book.tryCharge(1)).isFalse();
    assertThat(root.reserved()).isZero();
    account.close();
  }

  @Test
  void roomIsToldWithoutACharge() {
    MemoryAccount tight = account.child("tight").max(10).open();
    tight.charge(4);
    root.drain();
    assertThat(BOOKS.headroomRefuser(tight, 6)).isNull();
    assertThat(BOOKS.headroomRefuser(tight, 7)).isSameAs(tight);
    assertThat(BOOKS.headroomRefuser(account, MAX - 3)).isSameAs(root);
    assertThat(BOOKS.headroom(tight)).isEqualTo(6);
    tight.limits(Limits.ofMax(1));
    assertThat(BOOKS.headroom(tight)).isEqualTo(-3);
    assertThatIllegalArgumentException().isThrownBy(() -> Books.of(String.class));
  }

  // ---- waits

  @Test
  void eachUnchargeIsToldWhileARequestWaits() {
    Runnable stop = listen();
    account.charge(100);
    account.uncharge(1);
    assertThat(news).isEmpty();
    BOOKS.beginWait(root);
    assertThat(book.charge(MAX)).isSameAs(root);
    account.uncharge(2);
    account.transferTo(root, 3);
    assertThat(book.charge(4)).isNull();
    book.uncharge(4);
    root.limits(Limits.ofMax(MAX + 5));
    root.limits(Limits.ofMax(MAX + 4));
    assertThat(news).containsExactly("a 2", "a 3", "a 4", "r 5");
    BOOKS.endWait(root);
    account.uncharge(1);
    BOOKS.beginWait(root);
    stop.run();
    account.uncharge(1);
    assertThat(news).hasSize(4);
  }

  @Test
  void noStockIsFilledWhileARequestWaits() {
    BOOKS.beginWait(root);
    account.charge(10);
    account.uncharge(1);
    assertThat(book.charge(10)).isNull();
    assertThat(root.reserved()).isEqualTo(19);
    BOOKS.endWait(root);
    account.charge(1);
    assertThat(root.reserved()).isEqualTo(20 + BATCH);
  }

  /// A stock that is empty when the search looks could be filled by its owner afterwards.
  @Test
  void anEmptyStockIsNotFilledWhileARequestWaits() {
    account.charge(1);
    account.charge(BATCH);
    BOOKS.beginWait(root);
    assertThat(book.charge(MAX)).isSameAs(root);
    listen();
    account.uncharge(1);
    assertThat(root.reserved()).isEqualTo(BATCH);
    assertThat(news).containsExactly("a 1");
  }
}
