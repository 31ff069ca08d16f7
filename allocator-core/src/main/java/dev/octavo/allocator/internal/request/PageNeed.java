package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// The need of the first request that waits for pages.
///
/// Progress is what shrinkers free on the reclaim thread: pages that others free and take meanwhile
/// are none.
record PageNeed(Setting setting, PageLine line, InLine request, AtomicLong freedBytes)
    implements Reclaimer.Need {

  @Override
  public Object key() {
    return request;
  }

  @Override
  public boolean isAwaited() {
    return true;
  }

  /// What is lacking; if nothing is, but the run is not there, as much as the run has.
  @Override
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  public long missingBytes() {
    if (line.first() != request) {
      return 0;
    }
    long pages = request.demand().totalPages();
    long lacking = pages + setting.marks().min() - setting.pool().freePages();
    return setting.byteSize(lacking > 0 ? Math.min(lacking, pages) : pages);
  }

  @Override
  public int stages() {
    return Spare.STAGES;
  }

  @Override
  public long mostBytes(@Nullable Object owner, int stage) {
    if (!(owner instanceof MemoryAccount account)) {
      return stage == 0 ? Long.MAX_VALUE : 0;
    }
    Payer payer = request.demand().payer();
    return Spare.inStage(account, payer == null ? null : payer.account(), stage);
  }

  @Override
  public long helpedBytes() {
    return freedBytes.get();
  }
}
