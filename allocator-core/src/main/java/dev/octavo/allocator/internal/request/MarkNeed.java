package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import org.jspecify.annotations.Nullable;

/// The need of an allocator with fewer free pages than its high watermark: accounts give down to
/// their low marks first, then down to min.
record MarkNeed(Setting setting) implements Reclaimer.Need {

  private static final int STAGES = 2;

  @Override
  public Object key() {
    return MarkNeed.class;
  }

  @Override
  public boolean isAwaited() {
    return false;
  }

  @Override
  public long missingBytes() {
    long missing = setting.marks().high() - setting.pool().freePages();
    return missing > 0 ? setting.byteSize(missing) : 0;
  }

  @Override
  public int stages() {
    return STAGES;
  }

  @Override
  public long mostBytes(@Nullable Object owner, int stage) {
    if (!(owner instanceof MemoryAccount account)) {
      return stage == 0 ? Long.MAX_VALUE : 0;
    }
    return stage == 0 ? Spare.aboveLow(account) : Spare.aboveMin(account);
  }

  @Override
  public long helpedBytes() {
    return setting.byteSize(Math.max(0, setting.pool().freePages()));
  }
}
