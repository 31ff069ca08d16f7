package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.accounts.Book;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The bytes charged to one account by hand, or by one allocator, with stocks of its own.
///
/// An account has one book for what is charged by hand; each allocator opens another. `own` are the
/// bytes of this book with what threads hold in stock; the [Ledger] of the account and those above
/// count them, too.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | own | charges add when all levels have room; uncharges subtract by CAS, before the levels | volatile | `MemoryAccountTest`: more is uncharged than was charged |
/// | isClosed | `close`, to true | volatile | `MemoryAccountTest.aClosedBookChargesNoMore` |
final class AccountBook extends Stocks {

  private static final Logger LOG = LoggerFactory.getLogger(MemoryAccount.class);

  private final Ledger ledger;
  private final AccountTree tree;
  private final boolean isByHand;
  private final boolean isStrict;
  private final long batch;
  private final long mostInStock;
  private final Counter own;

  private volatile boolean isClosed;

  /// @param isByHand whether a mistake must be found: then an uncharge may have to take back stocks
  AccountBook(Ledger ledger, boolean isByHand, boolean isStrict) {
    this.ledger = ledger;
    tree = ledger.tree();
    this.isByHand = isByHand;
    this.isStrict = isStrict || tree.batch() == 0;
    batch = tree.batch();
    mostInStock = 2 * batch;
    own = tree.newCounter();
  }

  AccountTree tree() {
    return tree;
  }

  @Override
  public MemoryAccount account() {
    return ledger.account();
  }

  // ---- charge

  @Override
  public @Nullable MemoryAccount charge(long byteSize) {
    Stock stock = findStock(Thread.currentThread().threadId());
    return stock != null && stock.take(byteSize) ? null : chargeSlowly(byteSize);
  }

  private @Nullable MemoryAccount chargeSlowly(long byteSize) {
    checkNotNegative(byteSize);
    if (isClosed) {
      throw MemoryAccountException.closed(account());
    }
    if (mayStock(byteSize) && chargeWithStock(byteSize)) {
      return null;
    }
    Ledger refused = chargeExactly(byteSize, null);
    tree.tellOfUndone(account());
    return refused == null ? null : refused.account();
  }

  private boolean mayStock(long byteSize) {
    return !isStrict && byteSize <= batch && !tree.isSearched();
  }

  /// Charges the bytes and a batch for the thread's stock.
  private boolean chargeWithStock(long byteSize) {
    tree.beginMove();
    try {
      Stock stock = tree.isSearched() ? null : enterStock(this, Thread.currentThread());
      if (stock == null || ledger.climb(byteSize + batch, null, tree.leastLeft()) != null) {
        return false;
      }
      if (!addOwn(byteSize + batch, null)) {
        return false;
      }
      if (!stock.put(batch, mostInStock)) {
        giveBack(batch);
      }
      return true;
    } finally {
      tree.endMove();
    }
  }

  /// Charges without a stock, and proves a refusal.
  ///
  /// @param top the first level above that is not charged
  private @Nullable Ledger chargeExactly(long byteSize, @Nullable Ledger top) {
    Ledger refused = ledger.climb(byteSize, top, 0);
    if (refused != null) {
      refused = new Search(ledger, byteSize, top).charge(refused);
    }
    if (refused == null && !addOwn(byteSize, top)) {
      throw MemoryAccountException.closed(account());
    }
    return refused;
  }

  /// Counts bytes that are charged to the levels. The closing thread writes `isClosed` and then
  /// reads `own`, this one writes `own` and then reads `isClosed`: so either the charge counts and
  /// the book stays open, or it is undone.
  ///
  /// @param top the first level above that is not charged
  /// @return false, and the levels are not charged any more, if the book is closed
  private boolean addOwn(long byteSize, @Nullable Ledger top) {
    own.getAndAdd(byteSize);
    if (!isClosed) {
      return true;
    }
    own.getAndAdd(-byteSize);
    ledger.release(byteSize, top);
    return false;
  }

  @Override
  public boolean tryCharge(long byteSize) {
    Stock stock = findStock(Thread.currentThread().threadId());
    if (stock != null && stock.take(byteSize)) {
      return true;
    }
    checkNotNegative(byteSize);
    if (isClosed || ledger.climb(byteSize, null, 0) != null) {
      return false;
    }
    return addOwn(byteSize, null);
  }

  // ---- uncharge

  @Override
  public void uncharge(long byteSize) {
    Stock stock = findStock(Thread.currentThread().threadId());
    if (stock == null || !stock.put(byteSize, Math.min(mostInStock, own.get()))) {
      unchargeSlowly(byteSize);
    }
  }

  private void unchargeSlowly(long byteSize) {
    checkNotNegative(byteSize);
    if (!mayStock(byteSize) || !unchargeWithStock(byteSize)) {
      unchargeExactly(byteSize, 0);
    }
    tree.tellUncharged(account(), byteSize);
  }

  /// Puts the bytes into the thread's stock, or releases them with a batch of it.
  private boolean unchargeWithStock(long byteSize) {
    tree.beginMove();
    try {
      Stock stock = tree.isSearched() ? null : enterStockIfMemory();
      if (stock == null) {
        return false;
      }
      if (stock.take(batch)) {
        unchargeExactly(byteSize, batch);
        return true;
      }
      return stock.put(byteSize, Math.min(mostInStock, own.get()));
    } finally {
      tree.endMove();
    }
  }

  /// L7: an uncharge works without memory on the Java heap.
  private @Nullable Stock enterStockIfMemory() {
    try {
      return isClosed ? null : enterStock(this, Thread.currentThread());
    } catch (OutOfMemoryError none) {
      return null;
    }
  }

  /// @param spare bytes from a stock that are released as well
  private void unchargeExactly(long byteSize, long spare) {
    if (!withdraw(byteSize, spare)) {
      giveBack(spare);
      throw MemoryAccountException.underflow(account(), byteSize, bytes());
    }
    ledger.release(byteSize + spare, null);
  }

  /// Takes bytes from the book's own, and leaves the levels as they are.
  ///
  /// @return false if it has not charged so many
  private boolean withdraw(long byteSize, long spare) {
    if (isByHand && byteSize > own.get() - stockBytes() - spare) {
      settle();
    }
    return byteSize <= Long.MAX_VALUE - spare && own.trySubtract(byteSize + spare);
  }

  /// Uncharges what a stock held. Inside a move.
  void giveBack(long byteSize) {
    long left = byteSize;
    if (!own.trySubtract(left)) {
      left = Math.min(left, Math.max(0, own.get()));
      LOG.warn(
          "more was uncharged than charged: account={}, byteSize={}",
          account().path(),
          byteSize - left);
      own.getAndAdd(-left);
    }
    ledger.release(left, null);
  }

  // ---- transfer

  @Override
  public @Nullable MemoryAccount transferTo(Book<MemoryAccount> other, long byteSize) {
    checkNotNegative(byteSize);
    AccountBook to = (AccountBook) other;
    checkOpen();
    to.checkOpen();
    if (!withdraw(byteSize, 0)) {
      throw MemoryAccountException.underflow(account(), byteSize, bytes());
    }
    Ledger common = ledger.lowestCommon(to.ledger);
    Ledger refused = ledger;
    try {
      refused = to.chargeExactly(byteSize, common);
    } finally {
      if (refused != null) {
        own.getAndAdd(byteSize);
      }
    }
    to.tree.tellOfUndone(to.account());
    if (refused != null) {
      return refused.account();
    }
    ledger.release(byteSize, common);
    tree.tellUncharged(account(), byteSize);
    return null;
  }

  // ---- figures, end

  @Override
  public long bytes() {
    return Math.max(0, own.get() - stockBytes());
  }

  @Override
  public void settle() {
    List<Stock> found = new ArrayList<>();
    addStocks(found, Stock::holdsBytes);
    tree.takeBack(found);
  }

  @Override
  public void close() {
    if (isClosed) {
      return;
    }
    isClosed = true;
    List<Stock> found = new ArrayList<>();
    addStocks(found, Stock::isInUse);
    tree.takeBack(found);
    if (own.get() != 0) {
      isClosed = false;
      throw new IllegalStateException(
          "book is in use: account=%s, byteSize=%d".formatted(account().path(), bytes()));
    }
    ledger.removeBook(this);
  }

  @Override
  public void reopen() {
    ledger.addBook(this);
    isClosed = false;
  }

  private void checkOpen() {
    ledger.checkOpen();
    if (isClosed) {
      throw MemoryAccountException.closed(account());
    }
  }

  private static void checkNotNegative(long byteSize) {
    if (byteSize < 0) {
      throw new IllegalArgumentException("negative size: byteSize=" + byteSize);
    }
  }
}
