package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.reclaim.Watermarks;

/// Has the OOM policy decide when everything else was in vain: what the killer needs to know of an
/// allocator, and when it is asked.
///
/// It is asked by the first in line, which looks about every 10 ms, once it has waited for
/// [#PATIENCE_NANOS] and shrinkers have nothing more.
final class LastResort implements OomKiller.Host {

  /// Memory that others free in the normal course of things shall come first.
  static final long PATIENCE_NANOS = 100_000_000;

  private final SlowPath slowPath;
  private final PagePool pool;
  private final Accounts accounts;
  private final Watermarks.Pages marks;
  private final WaitClock clock;
  private final int pageSize;
  private final OomKiller killer;

  LastResort(
      SlowPath slowPath, PageAllocatorBuilder options, Accounts accounts, Watermarks.Pages marks) {
    this.slowPath = slowPath;
    this.accounts = accounts;
    this.marks = marks;
    pool = slowPath.pool();
    clock = options.waitClock;
    pageSize = options.pageSize;
    killer = options.killer(this);
  }

  OomKiller killer() {
    return killer;
  }

  /// Has the killer take its next step, for the first in line.
  ///
  /// @param room where it waits
  /// @param domain the account that has no room, or the root if there are no pages
  void step(WaitingRoom room, MemoryAccount domain) {
    if (!(room.firstRequest() instanceof SlowPath.InLine first)
        || clock.nanoTime() - first.since() < PATIENCE_NANOS) {
      return;
    }
    Accounts.Tenant payer = first.run().payer();
    MemoryAccount requester = payer == null ? domain : payer.account();
    OomKiller.Shortage shortage =
        new OomKiller.Shortage(
            domain,
            requester,
            first.run().pages() * pageSize,
            first.who(),
            AllocationMode.BLOCKING.name());
    if (killer.tick(shortage) instanceof OomKiller.Outcome.Fail fail) {
      room.fail(first, Failures.refused(fail));
    }
  }

  // ---- what the killer asks

  @Override
  public long capacityByteSize() {
    return (long) pool.geometry().pageCount() * pageSize;
  }

  @Override
  public long freeByteSize() {
    return Math.max(0, pool.freePages()) * pageSize;
  }

  @Override
  public int pageByteSize() {
    return pageSize;
  }

  /// Side by side, too: else nobody would have to give while all wait for a run that is not there.
  @Override
  public boolean isEnough(OomKiller.Shortage shortage) {
    return freeByteSize() - shortage.byteSize() >= marks.high() * pageSize
        && pool.freeAreas().largestRun() * pageSize >= shortage.byteSize();
  }

  @Override
  public boolean reap(MemoryAccount account) {
    boolean reaped = accounts.reap(account);
    slowPath.dismissGone();
    slowPath.offerRoom(account);
    return reaped;
  }

  @Override
  public void call(String label, Runnable callback) {
    try (var _ = AtomicContext.noReclaim(label)) {
      callback.run();
    }
  }
}
