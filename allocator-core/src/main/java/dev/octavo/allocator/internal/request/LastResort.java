package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.buddy.FreeMap;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The OOM killer's view of an allocator, and when it is asked.
///
/// It is asked by the first in line, which looks about every 10 ms, once it has waited for
/// [#PATIENCE_NANOS] and shrinkers have nothing more for it.
public final class LastResort implements OomKiller.Host {

  /// Memory that others free in the normal course of things comes first.
  public static final long PATIENCE_NANOS = 100_000_000;

  /// Makes the killer of a host.
  @FunctionalInterface
  public interface KillerFactory {

    OomKiller killerOf(OomKiller.Host host);
  }

  private final Setting setting;
  private final PagePool pool;
  private final Payers payers;
  private final Lines lines;
  private final Reclaim reclaim;
  private final OomKiller killer;

  /// The decision that made an account the victim; written by the ticking thread.
  private volatile OomKiller.Outcome.@Nullable Fail lastKill;

  LastResort(Setting setting, Payers payers, Lines lines, Reclaim reclaim, KillerFactory factory) {
    this.setting = setting;
    this.payers = payers;
    this.lines = lines;
    this.reclaim = reclaim;
    pool = setting.pool();
    killer = factory.killerOf(this);
  }

  OomKiller killer() {
    return killer;
  }

  /// Makes the killer take its next step, for the first in line.
  ///
  /// @param place where it waits
  /// @param domain the account that has no room, or null if there are no pages
  void step(WaitingRoom place, InLine first, @Nullable MemoryAccount domain) {
    boolean isTooEarly = setting.clock().nanoTime() - first.since() < PATIENCE_NANOS;
    if (isTooEarly || !reclaim.isExhausted(first)) {
      return;
    }
    OomKiller.Shortage shortage = first.shortage();
    if (shortage == null) {
      shortage = shortageOf(first, domain);
      first.shortage(shortage);
    }
    if (killer.tick(shortage) instanceof OomKiller.Outcome.Fail fail) {
      place.fail(first, new Dismissal(Refusal.POLICY, fail));
    }
  }

  private OomKiller.Shortage shortageOf(InLine request, @Nullable MemoryAccount limit) {
    return shortageOf(request.demand(), limit, request.threadName(), request);
  }

  private OomKiller.Shortage shortageOf(
      Demand demand, @Nullable MemoryAccount limit, String threadName, Object request) {
    MemoryAccount domain = limit == null ? payers.root().account() : limit;
    Payer payer = demand.payer();
    return new OomKiller.Shortage(
        limit == null ? OomKiller.Shortage.Kind.PAGES : OomKiller.Shortage.Kind.LIMIT,
        domain,
        payer == null ? domain : payer.account(),
        setting.byteSize(demand.chargedPages()),
        threadName,
        "BLOCKING",
        request);
  }

  /// The decision because of which a victim's demand does not wait.
  ///
  /// @return null if it is not known yet, or there is none any more
  OomKiller.Outcome.@Nullable Fail verdictOn(Demand demand) {
    OomKiller.Outcome.Fail kill = lastKill;
    return kill == null
        ? null
        : kill.forRequest(shortageOf(demand, null, Thread.currentThread().getName(), demand));
  }

  // ---- what the killer asks

  @Override
  public long capacityByteSize() {
    return setting.byteSize(pool.geometry().pageCount());
  }

  @Override
  public long freeByteSize() {
    return setting.byteSize(Math.max(0, pool.freePages()));
  }

  @Override
  public int pageByteSize() {
    return setting.pageSize();
  }

  @Override
  public boolean isWaiting(OomKiller.Shortage shortage) {
    return shortage.request() instanceof InLine request && !request.isOver();
  }

  /// Looks at what is free in the tree: while a request waits no thread keeps free pages.
  @Override
  public boolean isEnough(OomKiller.Shortage shortage) {
    if (!(shortage.request() instanceof InLine request)) {
      return false;
    }
    Demand demand = request.demand();
    if (pool.freePages() < demand.totalPages() + setting.marks().min()) {
      return false;
    }
    FreeMap free = pool.freeMap();
    return demand.isBulk()
        ? free.countRuns((int) demand.pages()) >= demand.count()
        : free.hasRun((int) demand.pages(), demand.alignOrder(), demand.phase());
  }

  @Override
  public long helpfulByteSize(OomKiller.Shortage shortage, MemoryAccount account) {
    return shortage.kind() == OomKiller.Shortage.Kind.PAGES
        ? payers.heldByteSize(account)
        : account.ownUsage();
  }

  @Override
  public Set<MemoryAccount> helpful(OomKiller.Shortage shortage, Collection<MemoryAccount> units) {
    boolean isOfPages = shortage.kind() == OomKiller.Shortage.Kind.PAGES;
    if (!isOfPages || !(shortage.request() instanceof InLine request)) {
      return Set.copyOf(units);
    }
    Set<MemoryAccount> helpful =
        new HashSet<>(
            new RunFormers(pool, payers, setting.marks().min())
                .among(units, request.demand(), request.hadVictim()));
    if (!mayBeItsOwnVictim(shortage, request)) {
      helpful.removeIf(unit -> unit.victims().contains(shortage.requester()));
    }
    return helpful;
  }

  /// A request of no account would take all others without one with it, and a resize needs its
  /// account alive.
  private boolean mayBeItsOwnVictim(OomKiller.Shortage shortage, InLine request) {
    return !shortage.requester().equals(payers.root().account())
        && !request.demand().isReplacement();
  }

  @Override
  public void chosen(Set<MemoryAccount> members, OomKiller.Outcome.Fail failure) {
    lastKill = failure;
    if (failure.shortage().request() instanceof InLine served) {
      served.hadVictim(true);
    }
    lines.dismiss(
        request -> {
          Payer payer = request.demand().payer();
          return payer != null && members.contains(payer.account())
              ? new Dismissal(Refusal.POLICY, failure.forRequest(shortageOf(request, null)))
              : null;
        });
  }

  @Override
  public boolean reap(MemoryAccount account) {
    boolean reaped = payers.reap(account);
    lines.dismissGone();
    return reaped;
  }

  @Override
  public void call(String label, Runnable callback) {
    try (var _ = AtomicContext.noReclaim(label)) {
      callback.run();
    }
  }
}
