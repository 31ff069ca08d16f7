package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import org.jspecify.annotations.Nullable;

/// The need of an account that is above its high mark: its own shrinkers and those below it are
/// asked, down to their low marks.
record HighNeed(MemoryAccount account) implements Reclaimer.Need {

  @Override
  public Object key() {
    return account;
  }

  @Override
  public boolean isAwaited() {
    return false;
  }

  @Override
  public long missingBytes() {
    return account.usage() - account.limits().highByteSize();
  }

  @Override
  public int stages() {
    return 1;
  }

  @Override
  public long mostBytes(@Nullable Object owner, int stage) {
    return owner instanceof MemoryAccount shrinking && Spare.isAtOrBelow(shrinking, account)
        ? Spare.aboveLow(shrinking)
        : 0;
  }

  @Override
  public long helpedBytes() {
    return -account.usage();
  }
}
