package dev.octavo.allocator.internal.request;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The way of a request that was refused at once and may wait; see [Requests].
final class Waits implements LineOwner {

  private final Setting setting;
  private final PagePool pool;
  private final Holdings holdings;
  private final Lines lines;
  private final Reclaim reclaim;

  /// Null without accounts.
  private final @Nullable LastResort lastResort;

  /// Set once, before the allocator is handed out.
  private Consumer<List<WaitingRoom.Waiting>> dump = line -> {};

  Waits(Setting setting, LastResort.KillerFactory killer) {
    this.setting = setting;
    pool = setting.pool();
    holdings = setting.holdings();
    lines = new Lines(setting, this);
    reclaim = new Reclaim(setting, lines);
    Payers payers = setting.payers();
    lastResort = payers == null ? null : new LastResort(setting, payers, lines, reclaim, killer);
  }

  void dumpTo(Consumer<List<WaitingRoom.Waiting>> log) {
    dump = log;
  }

  Lines lines() {
    return lines;
  }

  Reclaim reclaim() {
    return reclaim;
  }

  @Nullable LastResort lastResort() {
    return lastResort;
  }

  /// Waits for what was not available at once.
  ///
  /// @param nanos how long at most; 0 or less: not at all
  /// @param why the code of the refusal
  /// @return the first page, 0 for many runs, or the code of a refusal; the demand says more of it
  public long await(Demand demand, long nanos, long why) {
    Refusal first = Refusal.of(why);
    if (AtomicContext.isNoReclaim()) {
      return first.isTemporary() || first == Refusal.MARK ? takeNow(demand, 0) : why;
    }
    long start = setting.clock().nanoTime();
    long left = nanos;
    long outcome = why;
    while (outcome < 0 && Refusal.of(outcome).isTemporary()) {
      Refusal end = endOf(demand.payer());
      if (end != null) {
        return end == Refusal.POLICY ? takeAsVictim(demand) : end.code();
      }
      if (demand.ended() == Demand.Ended.INTERRUPTED) {
        return outcome;
      }
      if (left <= 0) {
        demand.endedBy(nanos > 0 ? Demand.Ended.DEADLINE : Demand.Ended.AT_ONCE);
        return takeNow(demand, markOf(demand.payer()));
      }
      long deadline = setting.clock().nanoTime() + Math.min(left, Long.MAX_VALUE / 2);
      outcome =
          outcome == Refusal.IN_PLACE.code()
              ? growInPlace(demand)
              : stand(demand, deadline, outcome);
      left = nanos - (setting.clock().nanoTime() - start);
    }
    if (outcome == Refusal.POLICY.code() && demand.verdict() == null) {
      return takeAsVictim(demand);
    }
    return outcome;
  }

  /// Stands in the line for what is missing.
  private long stand(Demand demand, long deadline, long why) {
    return why == Refusal.LIMIT.code()
        ? awaitRoom(demand, deadline)
        : lines.pages().await(demand, deadline);
  }

  /// Grows the allocation that was to be replaced, which ends the lock on it.
  ///
  /// @return its first page, or the code of a refusal
  private long growInPlace(Demand demand) {
    Payer payer = demand.payer();
    MemoryAccount refused = payer == null ? null : payer.charge(demand.chargedPages());
    if (refused != null) {
      return Refusal.LIMIT.code();
    }
    return growPaid(demand, markOf(payer)) ? demand.replacedPage() : holdings.unpaid(demand);
  }

  private boolean growPaid(Demand demand, long mark) {
    return pool.growHeld(demand.replacedPage(), demand.replacedPages(), (int) demand.pages(), mark);
  }

  private @Nullable Refusal endOf(@Nullable Payer payer) {
    if (pool.isClosed()) {
      return Refusal.CLOSED;
    }
    if (payer == null) {
      return null;
    }
    if (payer.isGone()) {
      return Refusal.GONE;
    }
    return isVictim(payer) ? Refusal.POLICY : null;
  }

  /// Waits in the line of the account that has no room, then takes pages if there are any.
  private long awaitRoom(Demand demand, long deadline) {
    long outcome = requireNonNull(lines.limits()).await(domainOf(demand), demand, deadline);
    if (outcome < 0) {
      return outcome;
    }
    demand.hadRoom();
    if (!lines.pages().isEmpty()) {
      return holdings.unpaid(demand); // behind those that wait for pages
    }
    return takePaid(demand, markOf(demand.payer()));
  }

  /// The account in whose line a request has to wait.
  private MemoryAccount domainOf(Demand demand) {
    MemoryAccount known = demand.domain();
    if (known != null) {
      demand.refusedBy((MemoryAccount) null);
      return known;
    }
    Payer payer = requireNonNull(demand.payer());
    MemoryAccount awaited = requireNonNull(lines.limits()).awaitedAt(payer);
    if (awaited != null) {
      return awaited;
    }
    MemoryAccount full =
        setting.books().headroomRefuser(payer.account(), setting.byteSize(demand.chargedPages()));
    return full != null ? full : payer.account();
  }

  /// One exact attempt at everything that is free.
  private long takeNow(Demand demand, long mark) {
    Payer payer = demand.payer();
    if (payer != null) {
      if (payer.isGone()) {
        return Refusal.GONE.code();
      }
      MemoryAccount refused = payer.charge(demand.chargedPages());
      if (refused != null) {
        demand.refusedBy(refused);
        return (payer.isGone() ? Refusal.GONE : Refusal.LIMIT).code();
      }
    }
    return demand.isReplacement() && growPaid(demand, mark)
        ? demand.replacedPage()
        : takePaid(demand, mark);
  }

  /// Takes pages that are charged already, or undoes the charge.
  long takePaid(Demand demand, long mark) {
    if (demand.isBulk()) {
      return takeAllPaid(demand, mark);
    }
    if (demand.canGrowInPlace(pool, mark) && growPaid(demand, mark)) {
      return demand.replacedPage();
    }
    long page = Refusal.NO_RUN.code();
    try {
      page = pool.allocate((int) demand.pages(), demand.alignOrder(), demand.phase(), mark);
    } finally {
      if (page < 0) {
        holdings.unpaid(demand);
      }
    }
    Payer payer = demand.payer();
    return page < 0 || payer == null || demand.isReplacement()
        ? page
        : holdings.settle(payer, page, demand.pages());
  }

  private long takeAsVictim(Demand demand) {
    long outcome = takeNow(demand, setting.marks().victimMark());
    if (outcome >= 0 || !Refusal.of(outcome).isTemporary()) {
      return outcome;
    }
    demand.refusedBy(requireNonNull(lastResort).verdictOn(demand));
    return Refusal.POLICY.code();
  }

  /// Takes all runs of a demand that is charged already, or undoes the charge.
  private long takeAllPaid(Demand demand, long mark) {
    long[] into = demand.into();
    boolean taken = into.length == 0;
    try {
      taken = taken || pool.allocateAll((int) demand.pages(), into, mark);
    } finally {
      if (!taken) {
        holdings.unpaid(demand);
      }
    }
    return taken ? holdings.settleAll(demand) : Refusal.NO_RUN.code();
  }

  // ---- asked by the lines

  @Override
  public void wakeReclaimer() {
    reclaim.wake();
  }

  @Override
  public void sleeping(InLine request) {
    if (lastResort != null) {
      request.beginStall(lastResort.killer().pressure());
    }
  }

  @Override
  public void stillWaiting(WaitingRoom place, @Nullable MemoryAccount domain) {
    reclaim.wake();
    if (lastResort != null && place.firstRequest() instanceof InLine first) {
      lastResort.step(place, first, domain);
    }
  }

  @Override
  public boolean isLimitAwaited(Payer payer) {
    LimitLines limits = lines.limits();
    return limits != null && !limits.isEmpty() && limits.awaitedAt(payer) != null;
  }

  @Override
  public boolean isVictim(@Nullable Payer payer) {
    return payer != null && lastResort != null && lastResort.killer().isVictim(payer.account());
  }

  @Override
  public long markOf(@Nullable Payer payer) {
    return isVictim(payer) ? setting.marks().victimMark() : setting.marks().min();
  }

  @Override
  public void dump(List<WaitingRoom.Waiting> waiting) {
    dump.accept(waiting);
  }
}
