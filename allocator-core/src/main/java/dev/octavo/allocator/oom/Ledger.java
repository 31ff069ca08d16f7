package dev.octavo.allocator.oom;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The bytes of one account, and how they are charged to it and to all above it, without a lock.
///
/// `own` are the bytes of the account itself, `reserved` those of the account and all below it,
/// which is what its max limits; both with what threads hold in stock. So a limit holds for stocks,
/// too, and is never exceeded.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | reserved | charges add by CAS within max, leaf first, then upwards; what goes back is subtracted; `close` from 0 to closed | volatile | `AccountStressTest`: a strict limit is exceeded |
/// | own | charges add when all levels have room; uncharges subtract by CAS, before the levels | volatile | `MemoryAccountTest`: more is uncharged than was charged |
/// | peak | raised after a charge | volatile | `MemoryAccountProperties`: a peak is missed |
/// | moves ([AccountTree]) | before and after whatever may take bytes for a moment | volatile | `StockRaceTest`: a charge is refused for bytes that nobody uses |
final class Ledger extends Stocks {

  /// How often a refused charge looks again while others move.
  private static final int ROUNDS = 16;

  private static final Logger LOG = LoggerFactory.getLogger(MemoryAccount.class);

  private final MemoryAccount account;
  private final @Nullable Ledger parent;
  private final AccountTree tree;
  private final boolean isStrict;
  private final long batch;
  private final long mostInStock;
  private final Counter own;
  private final Counter reserved;
  private final Counter peak;

  private volatile long max = Long.MAX_VALUE;

  Ledger(MemoryAccount account, @Nullable Ledger parent, AccountTree tree, boolean isStrict) {
    this.account = account;
    this.parent = parent;
    this.tree = tree;
    this.isStrict = isStrict || tree.batch() == 0;
    batch = tree.batch();
    mostInStock = 2 * batch;
    own = tree.newCounter();
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

  // ---- charge

  /// Charges the account and all above it.
  ///
  /// @return null, or the lowest that had no room, in which case nothing has changed
  @Nullable Ledger charge(long byteSize) {
    Stock stock = findStock(Thread.currentThread().threadId());
    return stock != null && stock.take(byteSize) ? null : chargeSlowly(byteSize);
  }

  private @Nullable Ledger chargeSlowly(long byteSize) {
    checkNotNegative(byteSize);
    return mayStock(byteSize) && chargeWithStock(byteSize) ? null : chargeExactly(byteSize, null);
  }

  private boolean mayStock(long byteSize) {
    return !isStrict && byteSize <= batch;
  }

  private boolean chargeWithStock(long byteSize) {
    Stock stock = enterStock(this, Thread.currentThread());
    if (stock == null) {
      return false;
    }
    tree.beginMove();
    boolean isCharged = climb(byteSize + batch, null, tree.leastLeft()) == null;
    if (isCharged && !stock.put(batch, mostInStock)) {
      giveBack(batch);
    }
    tree.endMove();
    return isCharged;
  }

  /// Charges without a stock. Before it refuses, all stocks below the one that has no room go back.
  ///
  /// @param top the first above that is not charged
  private @Nullable Ledger chargeExactly(long byteSize, @Nullable Ledger top) {
    tree.beginMove();
    Ledger refused = climb(byteSize, top, 0);
    tree.endMove();
    for (int round = 0; refused != null && round < ROUNDS; round++) {
      refused.checkOpen();
      Ledger drained = refused;
      long begun = tree.beginMove();
      drained.account.takeBackStocks();
      refused = climb(byteSize, top, 0);
      long ended = tree.endMove();
      if (drained.equals(refused) && AccountTree.wasAlone(begun, ended)) {
        break;
      }
      tree.await(round);
    }
    return refused;
  }

  /// @param left bytes that each max must have left afterwards
  private @Nullable Ledger climb(long byteSize, @Nullable Ledger top, long left) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      if (!level.reserved.tryAdd(byteSize, level.max - left)) {
        release(byteSize, level);
        return level;
      }
    }
    own.getAndAdd(byteSize);
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      level.peak.raiseTo(level.reserved.get());
    }
    return null;
  }

  // ---- uncharge

  void uncharge(long byteSize) {
    Stock stock = findStock(Thread.currentThread().threadId());
    if (stock == null || !stock.put(byteSize, Math.min(mostInStock, own.get()))) {
      unchargeSlowly(byteSize);
    }
  }

  private void unchargeSlowly(long byteSize) {
    checkNotNegative(byteSize);
    Stock stock = mayStock(byteSize) ? enterStock(this, Thread.currentThread()) : null;
    if (stock == null) {
      unchargeExactly(byteSize, 0);
    } else if (stock.take(batch)) {
      unchargeExactly(byteSize, batch);
    } else if (!stock.put(byteSize, Math.min(mostInStock, own.get()))) {
      unchargeExactly(byteSize, 0);
    }
  }

  /// @param spare bytes from a stock that go back as well
  private void unchargeExactly(long byteSize, long spare) {
    if (!withdraw(byteSize, spare)) {
      giveBack(spare);
      throw MemoryAccountException.underflow(account, byteSize);
    }
    release(byteSize + spare, null);
  }

  /// Takes bytes from the account's own, and leaves the levels as they are.
  ///
  /// @return false if it does not use so many
  private boolean withdraw(long byteSize, long spare) {
    long inStock = stockBytes() + spare;
    if (byteSize > own.get() - inStock) {
      tree.beginMove();
      account.takeBackStocks();
      tree.endMove();
    }
    return byteSize <= Long.MAX_VALUE - spare && own.trySubtract(byteSize + spare);
  }

  /// Uncharges what a stock held.
  void giveBack(long byteSize) {
    long left = byteSize;
    if (!own.trySubtract(left)) {
      left = Math.min(left, Math.max(0, own.get()));
      LOG.warn(
          "more was uncharged than charged: account={}, byteSize={}",
          account.path(),
          byteSize - left);
      own.getAndAdd(-left);
    }
    release(left, null);
  }

  private void release(long byteSize, @Nullable Ledger top) {
    for (Ledger level = this; level != null && level != top; level = level.parent) {
      level.reserved.getAndAdd(-byteSize);
    }
  }

  // ---- transfer

  /// Moves bytes to another account.
  ///
  /// @return null, or the lowest that had no room, in which case nothing has changed
  @Nullable Ledger transfer(Ledger to, long byteSize) {
    checkNotNegative(byteSize);
    checkOpen();
    to.checkOpen();
    Ledger common = lowestCommon(to);
    if (!withdraw(byteSize, 0)) {
      throw MemoryAccountException.underflow(account, byteSize);
    }
    Ledger refused;
    try {
      refused = to.chargeExactly(byteSize, common);
    } catch (MemoryAccountException closed) {
      own.getAndAdd(byteSize);
      throw closed;
    }
    if (refused != null) {
      own.getAndAdd(byteSize);
      return refused;
    }
    release(byteSize, common);
    return null;
  }

  private @Nullable Ledger lowestCommon(Ledger other) {
    for (Ledger mine = this; mine != null; mine = mine.parent) {
      for (Ledger its = other; its != null; its = its.parent) {
        if (mine.equals(its)) {
          return mine;
        }
      }
    }
    return null;
  }

  // ---- figures, stocks, end

  long ownBytes() {
    return Math.max(0, own.get() - stockBytes());
  }

  /// With what is in stock.
  long reservedBytes() {
    return Math.max(0, reserved.get());
  }

  long peakBytes() {
    return peak.get();
  }

  /// What a dead thread had in stock: nobody else stores there.
  void takeBackOfDead(@Nullable Stock stock) {
    if (stock != null) {
      tree.beginMove();
      stock.takeBack();
      tree.endMove();
    }
  }

  /// Closes it if it uses nothing, so that no charge succeeds any more.
  boolean close() {
    return reserved.compareAndSet(0, Long.MIN_VALUE);
  }

  boolean isClosed() {
    return reserved.get() == Long.MIN_VALUE;
  }

  private void checkOpen() {
    if (isClosed()) {
      throw MemoryAccountException.closed(account);
    }
  }

  private static void checkNotNegative(long byteSize) {
    if (byteSize < 0) {
      throw new IllegalArgumentException("negative size: byteSize=" + byteSize);
    }
  }
}
