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
import java.util.concurrent.atomic.LongAdder;
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

  /// The payer is closed, or its memory was taken away.
  static final long GONE = -5;

  /// As [#DEADLINE] and [#INTERRUPTED], but it waited for room in an account.
  static final long LIMIT_DEADLINE = -6;

  static final long LIMIT_INTERRUPTED = -7;

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

  private final LongAdder servedWithRoom = new LongAdder();

  /// Accounts that have no room for requests, by number.
  private final ConcurrentHashMap<Long, LimitHost> limits = new ConcurrentHashMap<>();

  private final @Nullable Accounts accounts;

  /// Null without accounts.
  private final @Nullable LastResort lastResort;

  /// @param pages makes the pool, which tells the slow path of shortages
  SlowPath(
      PageAllocator allocator,
      PageAllocatorBuilder options,
      Watermarks.Pages marks,
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
    MemoryAccount root = options.accounts;
    accounts =
        root == null ? null : new Accounts(root, pool, pageSize, allocator.openRegion().memory());
    lastResort = accounts == null ? null : new LastResort(this, options, accounts, marks);
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

  /// How many requests wait, for pages or for room.
  int waiters() {
    int waiters = room.size();
    for (LimitHost host : limits.values()) {
      waiters += host.line.size();
    }
    return waiters;
  }

  @Nullable Accounts accounts() {
    return accounts;
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
    if (payer.isGone()) {
      return GONE;
    }
    if (pages > pool.geometry().pageCount()) {
      return PagePool.NONE;
    }
    return payer.charge(pages) != null
        ? LIMIT
        : paid(payer, pages, () -> takeFree(pages, alignOrder, phase, mode));
  }

  /// Makes an allocation that is paid for already.
  ///
  /// @param attempt takes the pages
  /// @return the first page, or a negative number: what the attempt returned, or [#GONE]
  long paid(Accounts.Tenant payer, long pages, LongSupplier attempt) {
    long page;
    try {
      page = attempt.getAsLong();
    } catch (RuntimeException | Error e) {
      uncharge(payer, pages);
      throw e;
    }
    return settle(payer, page, pages);
  }

  /// Completes or undoes an allocation that was paid for before it was tried.
  ///
  /// @param page the first page, or a negative number if there was none
  /// @return the same, or [#GONE]
  long settle(Accounts.Tenant payer, long page, long pages) {
    if (page < 0) {
      uncharge(payer, pages);
      return page;
    }
    pool.setTag((int) page, payer.number());
    return goneOr(payer, page, pages);
  }

  private long goneOr(Accounts.Tenant payer, long page, long pages) {
    if (accounts == null || !payer.isGoneMeanwhile()) {
      return page;
    }
    if (accounts.freeIfOf(payer, (int) page, (int) pages)) { // else the reaper has done it
      offerRoom(payer.account());
    }
    return GONE;
  }

  /// Slows down an account above its high mark, and has its shrinkers asked.
  void throttle(Accounts.Tenant payer) {
    MemoryAccount over = payer.overHigh();
    if (over != null && !AtomicContext.isNoReclaim()) {
      Reclaimer own = highMarks.get(over.id());
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
    offerRoom(payer.account());
  }

  /// Serves those who wait for room in an account, or in one above it.
  void offerRoom(MemoryAccount account) {
    if (limits.isEmpty()) {
      return;
    }
    for (MemoryAccount at = account; at != null; at = at.parent().orElse(null)) {
      LimitHost host = limits.get(at.id());
      if (host != null) {
        host.line.offer();
      }
    }
  }

  /// Has all requests of payers that are gone leave their lines.
  void dismissGone() {
    dismissGone(room);
    limits.values().forEach(host -> dismissGone(host.line));
  }

  private void dismissGone(WaitingRoom line) {
    for (WaitingRoom.Waiting waiting : line.line()) {
      if (waiting.request() instanceof InLine request && request.isGone()) {
        line.fail(waiting.request(), allocator.failures().gone(requireNonNull(request.run.payer)));
      }
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
        allocator.freeRun(payer, into[i], (int) pages);
      }
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
    if (nanos <= 0 && why == PagePool.NONE && !room.isEmpty()) {
      // Who does not wait stands in no line (L5).
      return take(run.payer, run.pages, run.alignOrder, run.phase, AllocationMode.NOWAIT);
    }
    long start = clock.nanoTime();
    long left = nanos;
    long outcome = why;
    while (outcome == PagePool.NONE || outcome == LIMIT) {
      if (run.payer != null && run.payer.isGone()) {
        return GONE;
      }
      if (pool.isClosed()) {
        return PagePool.NONE;
      }
      if (left <= 0 || !canEverBeServed(run)) {
        return left == nanos ? outcome : outcome == LIMIT ? LIMIT_DEADLINE : DEADLINE;
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
      long outcome = stall(host.line, new InLine(run, description, domain), deadline);
      if (outcome >= 0) {
        servedWithRoom.increment();
      }
      return outcome;
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
        : paid(
            payer, run.pages, () -> pool.allocate((int) run.pages, run.alignOrder, run.phase, 0));
  }

  /// An account whose max keeps requests waiting, and their line.
  private final class LimitHost implements WaitingRoom.Host {

    private final MemoryAccount domain;
    private final WaitingRoom line;

    LimitHost(MemoryAccount domain) {
      this.domain = domain;
      line = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
    }

    /// Whether others share the limit, whose shrinkers may give. Who has a limit of its own is left
    /// alone with it: nobody's cache shall shrink because of that.
    private boolean isShared() {
      return !domain.children().isEmpty();
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
      askForVictim(line, domain, !isShared() || reclaimer.isExhausted());
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
          yield page == InLine.NO_PAGES ? PagePool.NONE : page == InLine.NOBODY ? GONE : LIMIT;
        }
        pool.adopt((int) page);
        yield request.kept(page);
      }
      case DEADLINE -> request.domain == null ? DEADLINE : LIMIT_DEADLINE;
      case INTERRUPTED -> request.domain == null ? INTERRUPTED : LIMIT_INTERRUPTED;
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

    /// The payer is closed, or its memory was taken away.
    static final long NOBODY = NOT_A_PAGE + 2;

    /// So often a request for pages finds no room in its account before it leaves the line: who
    /// frees makes pages free before it uncharges them.
    private static final int MOST_REFUSALS = 3;

    private final Run run;
    private final String description;
    private final @Nullable MemoryAccount domain;
    private int refusals;
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
      if (pool.isClosed()) {
        return NO_PAGES; // whoever comes to a line when all lines have been closed
      }
      Accounts.Tenant payer = run.payer;
      if (payer == null) {
        return takePages();
      }
      if (payer.isGone()) {
        return NOBODY;
      }
      MemoryAccount refused = payer.charge(run.pages);
      if (refused != null) {
        return refused.equals(domain) || (domain == null && ++refusals < MOST_REFUSALS)
            ? WaitingRoom.NONE
            : OTHER_LIMIT;
      }
      long page = WaitingRoom.NONE;
      try {
        // Who has got room stands behind those who wait for pages.
        page = domain == null || room.isEmpty() ? takePages() : WaitingRoom.NONE;
      } finally {
        if (page < 0) {
          payer.uncharge(run.pages);
        }
      }
      if (page >= 0) {
        pool.setTag((int) page, payer.number());
        return page;
      }
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

    boolean isGone() {
      return run.payer != null && run.payer.isGone();
    }

    /// The page that this was served with, or [SlowPath#GONE] if the payer ended meanwhile.
    long kept(long page) {
      return run.payer == null ? page : goneOr(run.payer, page, run.pages);
    }

    @Override
    public void giveBack(long page) {
      if (page < NOT_A_PAGE) {
        allocator.freeRun(run.payer, page, (int) run.pages);
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
    reclaimer.wake();
    pool.beginWait();
  }

  @Override
  public void left() {
    pool.endWait();
  }

  @Override
  public void stillWaiting() {
    reclaimer.wake();
    if (accounts != null) {
      askForVictim(room, accounts.root().account(), reclaimer.isExhausted());
    }
  }

  private void askForVictim(WaitingRoom place, MemoryAccount domain, boolean isLast) {
    if (lastResort != null && isLast) {
      lastResort.step(place, domain);
    }
  }

  @Override
  public void dump(List<WaitingRoom.Waiting> line) {
    LOG.warn("{}", text(line));
  }

  /// Who waits for pages, for what, since when and why, and what is free; a line each.
  String waitersText() {
    return text(room.line());
  }

  private String text(List<WaitingRoom.Waiting> line) {
    BuddyInfo info = allocator.buddyInfo();
    StringBuilder text = new StringBuilder("requests wait for memory: name=");
    text.append(allocator.name()).append(", waiters=").append(line.size());
    if (!line.isEmpty() && line.getFirst().request() instanceof InLine first) {
      text.append(", why=").append(Failures.rule(Failures.shortage(info, first.run, marks.min())));
    }
    line.forEach(waiting -> text.append(System.lineSeparator()).append("  ").append(waiting));
    return text.append(System.lineSeparator())
        .append(
            "  freePages=%d, largestFreeRun=%d".formatted(info.freePages(), info.largestFreeRun()))
        .append(", min=%d, low=%d, high=%d".formatted(marks.min(), marks.low(), marks.high()))
        .append(System.lineSeparator())
        .append("  ")
        .append(info.toBuddyinfoLine())
        .toString();
  }

  // ---- asked by the reclaimer

  @Override
  public long freePages() {
    return pool.freePages();
  }

  @Override
  public long awaitedPages() {
    long pages = awaitedPages(room);
    for (LimitHost limit : limits.values()) {
      pages = Math.max(pages, limit.isShared() ? awaitedPages(limit.line) : 0);
    }
    return pages;
  }

  private static long awaitedPages(WaitingRoom place) {
    return place.firstRequest() instanceof InLine first ? first.run.pages : 0;
  }

  @Override
  public long served() {
    return room.ended(WaitingRoom.Reason.SERVED) + servedWithRoom.sum();
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
