package dev.octavo.allocator.oom;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/// One level of a tree of accounts: the bytes that its max limits, charged without a lock.
///
/// `reserved` are the bytes of the account and all below it, with the stocks of threads. So a limit
/// holds for stocks, too, and is never exceeded. An [AccountBook] has the bytes of the account
/// itself, and [Search] proves a refusal.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | reserved | charges add by CAS within max, leaf first, then upwards; uncharges subtract; `close` from 0 to closed | volatile | `AccountStressTest`: a strict limit is exceeded |
/// | peak | raised after a charge | volatile | `MemoryAccountProperties`: a peak is missed |
/// | max | `MemoryAccount.limits` | volatile | `MemoryAccountTest`: a lower max refuses nothing |
/// | books | opened and closed ones | copied on write | `MemoryAccountProperties`: bytes of a book are missed |
final class Ledger {

  private final MemoryAccount account;
  private final @Nullable Ledger parent;
  private final AccountTree tree;
  private final Counter reserved;
  private final Counter peak;
  private final List<AccountBook> books = new CopyOnWriteArrayList<>();

  private volatile long max = Long.MAX_VALUE;

  Ledger(MemoryAccount account, @Nullable Ledger parent, AccountTree tree) {
    this.account = account;
    this.parent = parent;
    this.tree = tree;
    reserved = tree.newCounter();
    peak = tree.newCounter();
  }

  AccountTree tree() {
    return tree;
  }

  MemoryAccount account() {
    return account;
  }

  void setMax(long byteSize) {
    max = byteSize;
  }

  // ---- charge and uncharge the levels

  /// Charges this level and those above.
  ///
  /// It looks at all levels before it charges the first one, so a charge that cannot succeed hides
  /// no room from others. One that loses a race afterwards is undone, and counted as such.
  ///
  /// @param top the first level that is not charged
  /// @param left bytes that each max must have left afterwards
  /// @return null, or the lowest level without room; then nothing has changed
  @Nullable Ledger climb(long byteSize, @Nullable Ledger top, long left) {
    Ledger full = lowestWithoutRoom(byteSize, top, left);
    if (full != null) {
      return full;
    }
    boolean isLonely = this == top || parent == top;
    Ledger refused = isLonely ? add(byteSize, top, left) : announceAndAdd(byteSize, top, left);
    if (refused == null) {
      raisePeaks(top);
    }
    return refused;
  }

  /// The lowest level whose max leaves no room now.
  @Nullable Ledger lowestWithoutRoom(long byteSize, @Nullable Ledger top, long left) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      long now = level.reserved.get();
      if (now < 0 || byteSize > level.max - left - now) {
        return level;
      }
    }
    return null;
  }

  private @Nullable Ledger announceAndAdd(long byteSize, @Nullable Ledger top, long left) {
    tree.beginClimb();
    Ledger refused = add(byteSize, top, left);
    tree.endClimb(refused != null && refused != this);
    return refused;
  }

  private @Nullable Ledger add(long byteSize, @Nullable Ledger top, long left) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      if (!level.reserved.tryAdd(byteSize, level.max - left)) {
        release(byteSize, level);
        return level;
      }
    }
    return null;
  }

  private void raisePeaks(@Nullable Ledger top) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      level.peak.raiseTo(level.reserved.get());
    }
  }

  void release(long byteSize, @Nullable Ledger top) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      level.reserved.getAndAdd(-byteSize);
    }
  }

  @Nullable Ledger lowestCommon(Ledger other) {
    for (Ledger mine = this; mine != null; mine = mine.parent) {
      for (Ledger its = other; its != null; its = its.parent) {
        if (mine.equals(its)) {
          return mine;
        }
      }
    }
    return null;
  }

  // ---- books

  AccountBook openBook(boolean isByHand, boolean isStrict) {
    AccountBook book = new AccountBook(this, isByHand, isStrict);
    addBook(book);
    return book;
  }

  void addBook(AccountBook book) {
    books.add(book);
  }

  void removeBook(AccountBook book) {
    books.remove(book);
  }

  List<AccountBook> books() {
    return books;
  }

  // ---- figures, end

  /// Bytes with stocks.
  long reservedBytes() {
    return Math.max(0, reserved.get());
  }

  long peakBytes() {
    return peak.get();
  }

  /// Bytes that the max leaves; negative if it was lowered below the usage.
  long headroom() {
    return max - reservedBytes();
  }

  /// Closes it if it uses nothing, so that no charge succeeds any more.
  boolean close() {
    return reserved.compareAndSet(0, Long.MIN_VALUE);
  }

  boolean isClosed() {
    return reserved.get() == Long.MIN_VALUE;
  }

  void checkOpen() {
    if (isClosed()) {
      throw MemoryAccountException.closed(account);
    }
  }
}
