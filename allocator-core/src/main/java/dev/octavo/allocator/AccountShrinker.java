package dev.octavo.allocator;

import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/// A shrinker that frees an account's memory, and no more of it than the account's marks allow: not
/// below low while others can give, never below min.
///
/// Asked from two sides: when the allocator runs short, and when the account is above its high
/// mark; by one at a time.
final class AccountShrinker implements Shrinker {

  private final Shrinker inner;
  private final MemoryAccount account;
  private final BooleanSupplier othersHaveNothing;
  private final ReentrantLock turn = new ReentrantLock();

  /// @param othersHaveNothing whether it may go below low
  AccountShrinker(Shrinker inner, MemoryAccount account, BooleanSupplier othersHaveNothing) {
    this.inner = inner;
    this.account = account;
    this.othersHaveNothing = othersHaveNothing;
  }

  @Override
  public long count() {
    return inTurn(() -> Math.min(spare(), inner.count()));
  }

  @Override
  public long scan(long byteSize) {
    return inTurn(
        () -> {
          long most = Math.min(spare(), byteSize);
          return most <= 0 ? 0 : inner.scan(most);
        });
  }

  /// What the marks leave to be freed.
  private long spare() {
    MemoryAccount.Limits limits = account.limits();
    long floor = othersHaveNothing.getAsBoolean() ? limits.minByteSize() : limits.lowByteSize();
    return Math.max(0, account.usage() - floor);
  }

  private long inTurn(LongSupplier action) {
    if (!turn.tryLock()) {
      return 0;
    }
    try {
      return action.getAsLong();
    } finally {
      turn.unlock();
    }
  }
}
