package dev.octavo.allocator;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolWatch;
import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryPressure;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a request does when the pages that its thread holds do not suffice.
///
/// 1. It takes pages from the tree, as far below the min watermark as its mode may. If fewer than
///    the low watermark stay free, it wakes the reclaimer.
/// 2. Before it fails, every cache is drained, and it looks again (L5). Here NOWAIT and ATOMIC end.
/// 3. BLOCKING gets in line. While anybody is in line, no thread keeps free pages to itself, all
///    that is freed goes to the first in line, and who comes later gets in line behind.
/// 4. The reclaimer runs shrinkers for those in line.
/// 5. A request leaves the line with its pages, at its deadline, or interrupted.
///
/// In a no-reclaim scope, where callbacks run that are about to free something, a BLOCKING request
/// neither gets in line nor leaves a reserve.
///
/// Source: `__alloc_pages_slowpath` of Linux's mm/page_alloc.c.
final class SlowPath implements PoolWatch, WaitingRoom.Host, Reclaimer.Host {

  /// Results that are no page, beside [PagePool#NONE], which means that there was none.
  static final long DEADLINE = -2;

  static final long INTERRUPTED = -3;

  /// The account, or one above it, has reached its max.
  static final long LIMIT = -4;

  /// The account's memory was taken away.
  static final long REAPED = -5;

  /// Who is over its high mark waits so long before each request.
  private static final long THROTTLE_NANOS = 1_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(SlowPath.class);

  private final PageAllocator allocator;
  private final PagePool pool;
  private final Watermarks.Pages marks;
  private final WaitClock clock;
  private final WaitingRoom room;
  private final Reclaimer reclaimer;

  /// Reclaimers of accounts that have shrinkers of their own, by number of the account.
  private final ConcurrentHashMap<Long, Reclaimer> highMarks = new ConcurrentHashMap<>();

  private final int pageSize;

  /// Accounts that have no room for requests, by number.
  private final ConcurrentHashMap<Long, LimitHost> limits = new ConcurrentHashMap<>();

  /// Null without accounts.
  private final @Nullable LastResort lastResort;

  private final @Nullable MemoryAccount rootAccount;

  /// @param accounts who pays for pages, or null
  /// @param pages makes the pool, which tells the slow path of shortages
  SlowPath(
      PageAllocator allocator,
      PageAllocatorBuilder options,
      Watermarks.Pages marks,
      @Nullable Accounts accounts,
      Function<PoolWatch, PagePool> pages) {
    this.allocator = allocator;
    this.marks = marks;
    clock = options.waitClock;
    pageSize = options.pageSize;
    room = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
    Reclaimer.Settings settings =
        Reclaimer.Settings.of(options.name, options.pageSize, marks.high());
    reclaimer = new Reclaimer(settings, this, clock);
    pool = pages.apply(this);
    rootAccount = accounts == null ? null : accounts.root().account();
    lastResort =
        accounts == null
            ? null
            : new LastResort(
                options, pool, accounts, marks, allocator.regionOrNull(), this::offerRoom);
  }

  PagePool pool() {
    return pool;
  }

  Reclaimer reclaimer() {
    return reclaimer;
  }

  WaitingRoom room() {
    return room;
  }

  /// So many pages a request of this mode leaves free.
  long mark(AllocationMode mode) {
    return switch (mode) {
      case BLOCKING, NOWAIT -> marks.min();
      case ATOMIC -> marks.atomicMark();
    };
  }

  /// Takes a run that is free now.
  ///
  /// @param payer who pays for it, or null
  /// @return the first page, or a negative number that says why not
  long take(
      Accounts.@Nullable Tenant payer,
      long pages,
      int alignOrder,
      long phase,
      AllocationMode mode) {
    if (payer == null) {
      return takeFree(pages, alignOrder, phase, mode);
    }
    if (pages > pool.geometry().pageCount()) {
      return PagePool.NONE;
    }
    return payer.charge(pages) != null
        ? LIMIT
        : paid(payer, takeFree(pages, alignOrder, phase, mode), pages);
  }

  /// Completes an allocation that was paid for before it was tried.
  ///
  /// @param page the first page, or negative if it failed
  /// @return the same, or [#REAPED]
  long paid(Accounts.Tenant payer, long page, long pages) {
    if (page < 0) {
      uncharge(payer, pages);
      return page;
    }
    pool.setTag((int) page, payer.number());
    return reapedOr(payer, page, pages);
  }

  private long reapedOr(Accounts.Tenant payer, long page, long pages) {
    if (!payer.isReapedMeanwhile()) {
      return page;
    }
    if (pool.free((int) page, (int) pages)) { // else the reaper has done it
      uncharge(payer, pages);
    }
    return REAPED;
  }

  /// Slows down an account above its high mark, and has its shrinkers asked.
  void throttle(Accounts.Tenant payer) {
    if (payer.account().isOverHigh() && !AtomicContext.isNoReclaim()) {
      Reclaimer own = highMarks.get(payer.account().id());
      if (own != null) {
        own.wake();
      }
      clock.park(this, THROTTLE_NANOS);
    }
  }

  /// Adds a shrinker of an account's memory.
  Shrinker.Registration add(String name, Shrinker shrinker, MemoryAccount account) {
    AccountShrinker bounded = new AccountShrinker(shrinker, account, reclaimer::isExhausted);
    Reclaimer own =
        highMarks.computeIfAbsent(
            account.id(),
            id ->
                new Reclaimer(
                    Reclaimer.Settings.of(allocator.name() + "/" + account.name(), pageSize, 0),
                    new HighMark(account, pageSize),
                    clock));
    Shrinker.Registration forAll = reclaimer.add(name, bounded);
    Shrinker.Registration forItself = own.add(name, bounded);
    return () -> {
      forAll.close();
      forItself.close();
    };
  }

  /// Gives back what was paid; who waits for room may go on.
  void uncharge(Accounts.Tenant payer, long pages) {
    payer.uncharge(pages);
    offerRoom();
  }

  private void offerRoom() {
    if (!limits.isEmpty()) {
      limits.values().forEach(host -> host.line.offer());
    }
  }

  @Nullable LastResort lastResort() {
    return lastResort;
  }

  private long takeFree(long pages, int alignOrder, long phase, AllocationMode mode) {
    boolean isBehindOthers = mode == AllocationMode.BLOCKING && !room.isEmpty();
    return isBehindOthers || pages > pool.geometry().pageCount()
        ? PagePool.NONE
        : pool.allocate((int) pages, alignOrder, phase, mark(mode));
  }

  /// Takes runs that are free now.
  ///
  /// @param payer who pays for them, or null
  /// @return how many; their first pages stand in `into` from index 0
  int takeMany(Accounts.@Nullable Tenant payer, long pages, long[] into, AllocationMode mode) {
    if (payer == null) {
      return takeMany(pages, into, mode);
    }
    int count = 0;
    while (count < into.length) {
      long page = take(payer, pages, 0, 0, mode);
      if (page < 0) {
        return count;
      }
      into[count++] = page;
    }
    return count;
  }

  private int takeMany(long pages, long[] into, AllocationMode mode) {
    boolean isBehindOthers = mode == AllocationMode.BLOCKING && !room.isEmpty();
    return isBehindOthers || pages > pool.geometry().pageCount()
        ? 0
        : pool.allocateMany((int) pages, into, mark(mode));
  }

  long nanoTime() {
    return clock.nanoTime();
  }

  /// Waits for a run that was not to be had just now.
  ///
  /// @param nanos how long at most; 0 or less: not at all
  /// @param description for those who wonder what it waits for
  /// @param why it was not to be had
  /// @return the first page, or a negative number that says why not
  long await(Run run, long nanos, String description, long why) {
    if (AtomicContext.isNoReclaim()) {
      return takeReserve(run);
    }
    long start = clock.nanoTime();
    long left = nanos;
    long outcome = why;
    while (outcome == PagePool.NONE || outcome == LIMIT) {
      if (left <= 0 || !canEverBeServed(run)) {
        return left < nanos ? DEADLINE : outcome;
      }
      long deadline = deadline(clock.nanoTime(), left);
      outcome =
          outcome == LIMIT
              ? awaitRoom(run, description, deadline)
              : stall(room, new InLine(run, description, null), deadline);
      left = nanos - (clock.nanoTime() - start);
    }
    return outcome;
  }

  private long stall(WaitingRoom place, InLine request, long deadline) {
    if (lastResort == null) {
      return outcomeOf(place.await(request, deadline), request);
    }
    try (MemoryPressure.Mark _ = lastResort.killer().pressure().stall()) {
      return outcomeOf(place.await(request, deadline), request);
    }
  }

  /// Waits in the line of the account that has no room. The line goes when it is empty; who comes
  /// to one that is gone just then is not offered what is uncharged, and looks every 10 ms.
  private long awaitRoom(Run run, String description, long deadline) {
    MemoryAccount domain = requireNonNull(run.payer).domainFor(run.pages);
    LimitHost host = limits.computeIfAbsent(domain.id(), id -> new LimitHost(domain));
    try {
      return stall(host.line, new InLine(run, description, domain), deadline);
    } finally {
      if (host.line.isEmpty()) {
        limits.remove(domain.id(), host);
      }
    }
  }

  /// In a callback that is about to free something.
  private long takeReserve(Run run) {
    if (run.pages > pool.geometry().pageCount()) {
      return PagePool.NONE;
    }
    Accounts.Tenant payer = run.payer;
    if (payer == null) {
      return pool.allocate((int) run.pages, run.alignOrder, run.phase, 0);
    }
    return payer.charge(run.pages) != null
        ? LIMIT
        : paid(payer, pool.allocate((int) run.pages, run.alignOrder, run.phase, 0), run.pages);
  }

  /// An account whose max keeps requests waiting, and their line.
  private final class LimitHost implements WaitingRoom.Host {

    private final MemoryAccount domain;
    private final WaitingRoom line;

    LimitHost(MemoryAccount domain) {
      this.domain = domain;
      line = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
    }

    @Override
    public void entered() {
      reclaimer.wake();
    }

    @Override
    public void left() {}

    @Override
    public void stillWaiting() {
      reclaimer.wake();
      askForVictim(line, domain);
    }

    @Override
    public void dump(List<WaitingRoom.Waiting> waiting) {
      LOG.warn(
          "requests wait for room in an account: account={}, usage={}, max={}, line={}",
          domain.path(),
          domain.usage(),
          domain.limits().maxByteSize(),
          waiting);
    }
  }

  /// Who was chosen may use half of the reserve, to get out of the way.
  private long markOf(Run run) {
    Accounts.Tenant payer = run.payer;
    boolean isVictim =
        payer != null && lastResort != null && lastResort.killer().isVictim(payer.account());
    return isVictim ? marks.victimMark() : marks.min();
  }

  private boolean canEverBeServed(Run run) {
    boolean fits = run.pages <= pool.geometry().pageCount() - marks.min();
    return fits && (run.payer == null || run.payer.canEverPay(run.pages));
  }

  private long outcomeOf(WaitingRoom.Answer answer, InLine request) {
    return switch (answer.reason()) {
      case SERVED -> {
        long page = answer.result();
        if (page >= InLine.NOT_A_PAGE) {
          yield page == InLine.NO_PAGES ? PagePool.NONE : page == InLine.GONE ? REAPED : LIMIT;
        }
        pool.adopt((int) page);
        yield request.kept(page);
      }
      case DEADLINE -> DEADLINE;
      case INTERRUPTED -> INTERRUPTED;
      case CLOSED -> PagePool.NONE;
      case BROKEN, FAILED_BY_POLICY -> throw rethrown(answer.cause());
    };
  }

  private static RuntimeException rethrown(@Nullable Throwable cause) {
    if (cause instanceof Error error) {
      throw error;
    }
    return cause instanceof RuntimeException failure ? failure : new IllegalStateException(cause);
  }

  private static long deadline(long now, long waitNanos) {
    return now + Math.min(waitNanos, Long.MAX_VALUE / 2);
  }

  /// What is wanted.
  ///
  /// @param payer who pays for it, or null
  /// @param pages how many, 1 or more
  /// @param alignOrder log2 of the alignment in pages
  /// @param phase how far the region's base is beyond such an alignment, in pages
  record Run(Accounts.@Nullable Tenant payer, long pages, int alignOrder, long phase) {}

  /// A request in line: for pages, or for room in an account and then pages.
  final class InLine implements WaitingRoom.Request {

    /// From here on results are no pages, but reasons to leave the line.
    static final long NOT_A_PAGE = 1L << Integer.SIZE;

    /// The account has room by now, but there are no pages.
    static final long NO_PAGES = NOT_A_PAGE;

    /// Another account has no room.
    static final long OTHER_LIMIT = NOT_A_PAGE + 1;

    /// The account's memory was taken away.
    static final long GONE = NOT_A_PAGE + 2;

    private final Run run;
    private final String description;
    private final @Nullable MemoryAccount domain;
    private final long since = clock.nanoTime();
    private final String who = Thread.currentThread().getName();

    /// @param domain the account in whose line it waits, or null if it waits for pages
    InLine(Run run, String description, @Nullable MemoryAccount domain) {
      this.run = run;
      this.description = description;
      this.domain = domain;
    }

    @Override
    public long tryTake() {
      Accounts.Tenant payer = run.payer;
      if (payer == null) {
        return takePages();
      }
      if (payer.isReaped()) {
        return GONE;
      }
      MemoryAccount refused = payer.charge(run.pages);
      if (refused != null) {
        return refused.equals(domain) ? WaitingRoom.NONE : OTHER_LIMIT;
      }
      long page = takePages();
      if (page >= 0) {
        pool.setTag((int) page, payer.number());
        return page;
      }
      payer.uncharge(run.pages);
      return domain == null ? WaitingRoom.NONE : NO_PAGES;
    }

    private long takePages() {
      return pool.serve((int) run.pages, run.alignOrder, run.phase, markOf(run));
    }

    Run run() {
      return run;
    }

    long since() {
      return since;
    }

    /// For the log.
    String who() {
      return who;
    }

    /// The page that this was served with, or [#REAPED] if the account's memory was taken away
    /// meanwhile, and this with it.
    long kept(long page) {
      return run.payer == null ? page : reapedOr(run.payer, page, run.pages);
    }

    @Override
    public void giveBack(long page) {
      if (page < NOT_A_PAGE && pool.free((int) page, (int) run.pages) && run.payer != null) {
        run.payer.uncharge(run.pages);
      }
    }

    @Override
    public String describe() {
      return run.payer == null
          ? description
          : description + ", account=" + run.payer.account().path();
    }
  }

  void close() {
    room.close();
    limits.values().forEach(host -> host.line.close());
    reclaimer.close();
    highMarks.values().forEach(Reclaimer::close);
  }

  // ---- told by the pool

  @Override
  public void low() {
    reclaimer.wake();
  }

  @Override
  public void freed() {
    if (!room.isEmpty()) {
      room.offer();
    }
  }

  // ---- told by the waiting room

  @Override
  public void entered() {
    pool.beginWait();
    reclaimer.wake();
  }

  @Override
  public void left() {
    pool.endWait();
  }

  @Override
  public void stillWaiting() {
    reclaimer.wake();
    if (rootAccount != null) {
      askForVictim(room, rootAccount);
    }
  }

  private void askForVictim(WaitingRoom place, MemoryAccount domain) {
    if (lastResort != null && reclaimer.isExhausted()) {
      lastResort.step(place, domain);
    }
  }

  @Override
  public void dump(List<WaitingRoom.Waiting> line) {
    BuddyInfo info = allocator.buddyInfo();
    Run first = ((InLine) line.getFirst().request()).run;
    StringBuilder text = new StringBuilder("requests wait for memory: name=");
    text.append(allocator.name())
        .append(", waiters=")
        .append(line.size())
        .append(", why=")
        .append(Failures.rule(Failures.shortage(info, first, marks.min())));
    for (WaitingRoom.Waiting waiting : line) {
      text.append(System.lineSeparator()).append("  ").append(waiting);
    }
    text.append(System.lineSeparator())
        .append(
            "  freePages=%d, largestFreeRun=%d, min=%d, low=%d, high=%d"
                .formatted(
                    info.freePages(),
                    info.largestFreeRun(),
                    marks.min(),
                    marks.low(),
                    marks.high()))
        .append(System.lineSeparator())
        .append("  ")
        .append(info.toBuddyinfoLine());
    LOG.warn("{}", text);
  }

  // ---- asked by the reclaimer

  @Override
  public long freePages() {
    return pool.freePages();
  }

  @Override
  public long awaitedPages() {
    return room.firstRequest() instanceof InLine first ? first.run.pages : 0;
  }

  @Override
  public long served() {
    return room.ended(WaitingRoom.Reason.SERVED);
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
