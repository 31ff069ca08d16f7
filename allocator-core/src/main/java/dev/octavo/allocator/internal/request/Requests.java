package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolWatch;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The one door through which requests for pages pass.
///
/// 1. A request that can never be served is refused ([#take]).
/// 2. Its account pays, once; the pages are taken from the words that the thread has leased or from
///    the tree, down to the request's mark; a refusal is exact (L5). Here NOWAIT and ATOMIC end.
/// 3. A BLOCKING request gets in line ([#await]): in an account's [LimitLine] for room, in the
///    [PageLine] for pages. While it waits, the reclaimer asks shrinkers, and then [LastResort] the
///    OOM killer.
/// 4. It leaves with its pages, interrupted, dismissed, or at its deadline; then it makes one last
///    attempt at everything that is free, whatever is kept for others.
///
/// In a no-reclaim scope, where callbacks run that are about to free something, a BLOCKING request
/// neither gets in line nor leaves a reserve.
///
/// Source: `__alloc_pages_slowpath` of Linux's mm/page_alloc.c.
public final class Requests implements PoolWatch {

  /// Delay before each request of an account above its high mark.
  private static final long THROTTLE_NANOS = 1_000_000;

  private final PagePool pool;
  private final Setting setting;
  private final Waits waits;
  private final Reclaim reclaim;
  private final PageLine line;

  /// @param pages makes the pool, which tells of shortages
  /// @param memory of the region, or null if it has none
  /// @param killer makes the OOM killer
  public Requests(
      Options options,
      Function<PoolWatch, PagePool> pages,
      @Nullable MemorySegment memory,
      LastResort.KillerFactory killer) {
    pool = pages.apply(this);
    MemoryAccount root = options.accounts();
    Books<MemoryAccount> books = Books.of(MemoryAccount.class);
    Payers payers = root == null ? null : new Payers(root, books, pool, options.pageSize(), memory);
    setting =
        new Setting(
            options.name(),
            options.pageSize(),
            options.clock(),
            options.marks(),
            pool,
            payers,
            new Holdings(pool, payers),
            books);
    waits = new Waits(setting, killer);
    reclaim = waits.reclaim();
    line = waits.lines().pages();
  }

  /// Settings of an allocator's requests.
  ///
  /// @param marks in pages
  /// @param accounts the root of all accounts that pay, or null
  public record Options(
      String name,
      int pageSize,
      WaitClock clock,
      Watermarks.Pages marks,
      @Nullable MemoryAccount accounts) {}

  /// Sets what is told of requests that wait for long.
  public void dumpTo(Consumer<List<WaitingRoom.Waiting>> log) {
    waits.dumpTo(log);
  }

  // ---- parts

  public PagePool pool() {
    return pool;
  }

  Waits waits() {
    return waits;
  }

  public Holdings holdings() {
    return setting.holdings();
  }

  public @Nullable Payers payers() {
    return setting.payers();
  }

  public @Nullable OomKiller killer() {
    LastResort last = waits.lastResort();
    return last == null ? null : last.killer();
  }

  /// The number of requests that wait, for pages or for room.
  public int waiters() {
    return waits.lines().waiters();
  }

  /// The requests that wait for pages, first to last.
  public List<WaitingRoom.Waiting> waiting() {
    return line.room().line();
  }

  /// The demand of a request in line.
  public static Optional<Demand> demandOf(WaitingRoom.Waiting waiting) {
    return waiting.request() instanceof InLine request
        ? Optional.of(request.demand())
        : Optional.empty();
  }

  // ---- at once

  /// Takes a run that is free now.
  ///
  /// @param payer the account that pays, or null
  /// @param pages at least 1
  /// @param alignOrder log2 of the alignment in pages
  /// @param phase distance of the region's base from such an alignment, in pages
  /// @return the first page, or the [code][Refusal#code] of a refusal
  public long take(@Nullable Payer payer, long pages, int alignOrder, long phase, Admission mode) {
    Refusal never = never(pages, alignOrder, phase, mode.mark());
    if (never != null) {
      return never.code();
    }
    if (payer == null) {
      return takeFree((int) pages, alignOrder, phase, mode);
    }
    return pool.hasFreeInTree(pages + mode.mark())
        ? payAndTake(payer, pages, alignOrder, phase, mode)
        : takeAndPay(payer, pages, alignOrder, phase, mode);
  }

  /// Pays first: pages are likely to be there.
  private long payAndTake(Payer payer, long pages, int alignOrder, long phase, Admission mode) {
    long refused = pay(payer, pages, mode);
    if (refused < 0) {
      return refused;
    }
    long page = Refusal.NO_RUN.code();
    try {
      page = takeFree((int) pages, alignOrder, phase, mode);
    } finally {
      if (page < 0) {
        payer.uncharge(pages);
      }
    }
    return page < 0 ? page : holdings().settle(payer, page, pages);
  }

  /// Pays last: a charge that is undone because there are no pages would refuse those of others.
  private long takeAndPay(Payer payer, long pages, int alignOrder, long phase, Admission mode) {
    long page = takeFree((int) pages, alignOrder, phase, mode);
    if (page < 0) {
      return page;
    }
    long refused = Refusal.LIMIT.code();
    try {
      refused = pay(payer, pages, mode);
    } finally {
      if (refused < 0) {
        pool.free((int) page, (int) pages);
      }
    }
    return refused < 0 ? refused : holdings().settle(payer, page, pages);
  }

  /// As [#take] without a payer or an alignment, for a thread that has just looked at the words
  /// that it has leased.
  public long takeUnleased(long pages, Admission mode) {
    Refusal never = never(pages, 0, 0, mode.mark());
    if (never != null) {
      return never.code();
    }
    return line.isEmpty()
        ? pool.allocateUnleased((int) pages, mode.mark())
        : takeBehind((int) pages, 0, 0, mode);
  }

  /// Takes as many runs as an array has elements, or none.
  ///
  /// @return 0 or more, or the code of a refusal
  public long takeAll(Demand demand, Admission mode) {
    long all = demand.totalPages();
    Refusal never = demand.count() == 0 ? null : never(all, 0, 0, mode.mark());
    if (never != null) {
      return never.code();
    }
    Payer payer = demand.payer();
    boolean isBehindOthers = mode.mayWait() && !line.isEmpty();
    if (isBehindOthers || !pool.hasFreeInTree(all + mode.mark())) {
      return refusalOf(payer, all);
    }
    if (payer != null) {
      long refused = pay(payer, all, mode);
      if (refused < 0) {
        return refused;
      }
    }
    return waits.takePaid(demand, mode.mark());
  }

  /// The code of why a request gets in line for pages.
  static long refusalOf(@Nullable Payer payer, long pages) {
    boolean isNeverPaid = payer != null && payer.neverPays(pages) != null;
    return (isNeverPaid ? Refusal.NEVER_PAID : Refusal.NO_RUN).code();
  }

  /// Takes as many runs as there are now.
  ///
  /// @param into receives their first pages, from index 0
  /// @return how many
  public int takeMany(@Nullable Payer payer, long pages, long[] into, Admission mode) {
    if (payer == null && line.isEmpty()) {
      boolean never = into.length == 0 || never(pages, 0, 0, mode.mark()) != null;
      return never ? 0 : pool.allocateMany((int) pages, into, mode.mark());
    }
    int count = 0;
    boolean done = false;
    try {
      long page = 0;
      while (count < into.length && page >= 0) {
        page = take(payer, pages, 0, 0, mode);
        if (page >= 0) {
          into[count++] = page;
        }
      }
      done = true;
    } finally {
      for (int i = 0; !done && i < count; i++) {
        holdings().freeRun(payer, into[i], (int) pages);
      }
    }
    return count;
  }

  /// Why such a request can never be served, or null.
  @Nullable Refusal never(long pages, int alignOrder, long phase, long mark) {
    long pageCount = pool.geometry().pageCount();
    if (pages > pageCount - mark) {
      return pages > pageCount ? Refusal.CAPACITY : Refusal.MARK;
    }
    return alignOrder > 0 && !pool.geometry().canHold(pages, alignOrder, phase)
        ? Refusal.CAPACITY
        : null;
  }

  private long takeFree(int pages, int alignOrder, long phase, Admission mode) {
    return line.isEmpty()
        ? pool.allocate(pages, alignOrder, phase, mode.mark())
        : takeBehind(pages, alignOrder, phase, mode);
  }

  /// While others wait: a request that may wait gets in line, another takes first what is not kept
  /// for the first in line, and then anything.
  private long takeBehind(int pages, int alignOrder, long phase, Admission mode) {
    if (mode.mayWait()) {
      return Refusal.NO_RUN.code();
    }
    int page = line.takeOutside(pages, alignOrder, phase, mode.mark());
    if (page == PagePool.NONE) {
      return pool.allocate(pages, alignOrder, phase, mode.mark());
    }
    pool.adopt(page);
    return page;
  }

  // ---- paying

  /// Pays for pages, unless others wait for room and the request may wait, too.
  ///
  /// @return 0, or the code of a refusal
  public long pay(Payer payer, long pages, Admission mode) {
    if (payer.isGone()) {
      return Refusal.GONE.code();
    }
    boolean isHigh = reclaim.noteHigh(payer);
    if (mode.mayWait()) {
      if (isHigh) {
        reclaim.throttle(THROTTLE_NANOS);
      }
      if (waits.isLimitAwaited(payer)) {
        return refusal(payer, pages);
      }
    }
    return payer.charge(pages) == null ? 0 : refusal(payer, pages);
  }

  private static long refusal(Payer payer, long pages) {
    if (payer.isGone()) {
      return Refusal.GONE.code();
    }
    return (payer.neverPays(pages) == null ? Refusal.LIMIT : Refusal.NEVER_PAID).code();
  }

  /// Waits for what was not available at once.
  ///
  /// @param nanos how long at most; 0 or less: not at all
  /// @param why the code of the refusal
  /// @return the first page, 0 for many runs, or the code of a refusal; the demand says more of it
  public long await(Demand demand, long nanos, long why) {
    return waits.await(demand, nanos, why);
  }

  // ---- callbacks

  /// Adds a shrinker.
  ///
  /// @param account whose memory it frees, or null
  public Shrinker.Registration add(
      String name, Shrinker shrinker, @Nullable MemoryAccount account) {
    return reclaim.add(name, shrinker, account);
  }

  @Override
  public void low() {
    reclaim.wake();
  }

  @Override
  public void freed(int pages) {
    if (!line.isUndoing()) {
      reclaim.freed(pages);
      line.freed();
    }
  }

  // ---- the end

  /// Makes all requests of payers that are gone leave their lines.
  public void dismissGone() {
    waits.lines().dismissGone();
  }

  /// Ends all payers, so that their requests fail; called before the pool is shut.
  public void shut() {
    Payers payers = setting.payers();
    if (payers != null) {
      payers.shut();
    }
  }

  /// Fails all requests that wait, and stops the reclaimer.
  public void close() {
    waits.lines().close();
    reclaim.close();
  }
}
