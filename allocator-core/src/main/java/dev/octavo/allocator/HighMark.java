package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.function.LongSupplier;

/// Has an account's shrinkers asked until it is back at its high mark: to the reclaimer, what the
/// account may still use is what is free.
final class HighMark implements Reclaimer.Host {

  private final MemoryAccount account;
  private final int pageSize;

  HighMark(MemoryAccount account, int pageSize) {
    this.account = account;
    this.pageSize = pageSize;
  }

  /// Pages above the high mark count as missing.
  @Override
  public long freePages() {
    return Math.floorDiv(account.limits().highByteSize() - account.usage(), pageSize);
  }

  @Override
  public long awaitedPages() {
    return 0;
  }

  @Override
  public long served() {
    return 0;
  }

  @Override
  public long call(String label, LongSupplier callback) {
    try (var _ = AtomicContext.noReclaim(label)) {
      return callback.getAsLong();
    }
  }

  @Override
  public void exhausted() {}
}
