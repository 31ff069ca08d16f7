package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolWatch;
import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.List;
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

  private static final Logger LOG = LoggerFactory.getLogger(SlowPath.class);

  private final PageAllocator allocator;
  private final PagePool pool;
  private final Watermarks.Pages marks;
  private final WaitClock clock;
  private final WaitingRoom room;
  private final Reclaimer reclaimer;

  /// @param pages makes the pool, which tells the slow path of shortages
  SlowPath(
      PageAllocator allocator,
      PageAllocatorBuilder options,
      Watermarks.Pages marks,
      Function<PoolWatch, PagePool> pages) {
    this.allocator = allocator;
    this.marks = marks;
    clock = options.waitClock;
    room = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
    Reclaimer.Settings settings =
        Reclaimer.Settings.of(options.name, options.pageSize, marks.high());
    reclaimer = new Reclaimer(settings, this, clock);
    pool = pages.apply(this);
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
  /// @return the first page, or [PagePool#NONE]
  long take(long pages, int alignOrder, long phase, AllocationMode mode) {
    boolean isBehindOthers = mode == AllocationMode.BLOCKING && !room.isEmpty();
    return isBehindOthers || pages > pool.geometry().pageCount()
        ? PagePool.NONE
        : pool.allocate((int) pages, alignOrder, phase, mark(mode));
  }

  /// Takes runs that are free now.
  ///
  /// @return how many; their first pages stand in `into` from index 0
  int takeMany(long pages, long[] into, AllocationMode mode) {
    boolean isBehindOthers = mode == AllocationMode.BLOCKING && !room.isEmpty();
    return isBehindOthers || pages > pool.geometry().pageCount()
        ? 0
        : pool.allocateMany((int) pages, into, mark(mode));
  }

  long nanoTime() {
    return clock.nanoTime();
  }

  /// Waits for a run that was not free just now.
  ///
  /// @param waitNanos how long at most; 0 or less: not at all
  /// @param description for those who wonder what it waits for
  /// @return the first page, or a negative number that says why not
  long await(Run run, long waitNanos, String description) {
    if (AtomicContext.isNoReclaim()) {
      return run.pages > pool.geometry().pageCount()
          ? PagePool.NONE
          : pool.allocate((int) run.pages, run.alignOrder, run.phase, 0);
    }
    if (waitNanos <= 0 || run.pages > pool.geometry().pageCount() - marks.min()) {
      return PagePool.NONE;
    }
    WaitingRoom.Answer answer =
        room.await(new InLine(run, description), deadline(clock.nanoTime(), waitNanos));
    return switch (answer.reason()) {
      case SERVED -> {
        pool.adopt((int) answer.result());
        yield answer.result();
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
  /// @param pages how many, 1 or more
  /// @param alignOrder log2 of the alignment in pages
  /// @param phase how far the region's base is beyond such an alignment, in pages
  record Run(long pages, int alignOrder, long phase) {}

  /// A request in line.
  private final class InLine implements WaitingRoom.Request {

    private final Run run;
    private final String description;

    InLine(Run run, String description) {
      this.run = run;
      this.description = description;
    }

    @Override
    public long tryTake() {
      return pool.serve((int) run.pages, run.alignOrder, run.phase, marks.min());
    }

    @Override
    public void giveBack(long page) {
      pool.free((int) page, (int) run.pages);
    }

    @Override
    public String describe() {
      return description;
    }
  }

  void close() {
    room.close();
    reclaimer.close();
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
