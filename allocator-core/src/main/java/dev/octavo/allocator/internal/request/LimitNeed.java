package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import org.jspecify.annotations.Nullable;

/// The need of the first request that waits for room in an account: only shrinkers below the limit
/// are asked, because only what they free makes room there. A shrinker of no account is below the
/// root's.
record LimitNeed(Setting setting, LimitLine line, InLine request) implements Reclaimer.Need {

  @Override
  public Object key() {
    return request;
  }

  @Override
  public boolean isAwaited() {
    return true;
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  public long missingBytes() {
    if (line.first() != request) {
      return 0;
    }
    long room = setting.books().headroom(line.domain());
    return setting.byteSize(request.demand().chargedPages()) - Math.max(0, room);
  }

  @Override
  public int stages() {
    return Spare.STAGES;
  }

  @Override
  public long mostBytes(@Nullable Object owner, int stage) {
    if (!(owner instanceof MemoryAccount account)) {
      return stage == 0 && line.domain().parent().isEmpty() ? Long.MAX_VALUE : 0;
    }
    if (!Spare.isAtOrBelow(account, line.domain())) {
      return 0;
    }
    Payer payer = request.demand().payer();
    return Spare.inStage(account, payer == null ? null : payer.account(), stage);
  }

  @Override
  public long helpedBytes() {
    return line.helpedBytes();
  }
}
