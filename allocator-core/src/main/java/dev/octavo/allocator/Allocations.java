package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.request.Admission;
import dev.octavo.allocator.internal.request.Demand;
import dev.octavo.allocator.internal.request.Holdings;
import dev.octavo.allocator.internal.request.Payer;
import dev.octavo.allocator.internal.request.Refusal;
import dev.octavo.allocator.internal.request.Requests;
import dev.octavo.allocator.internal.request.Resizes;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// All that can be asked of an allocator, in the name of any account: checks arguments and the
/// sleep guard, passes requests on, and makes segments and exceptions of the answers.
///
/// The public faces are thin layers over it.
final class Allocations {

  private final Requests requests;
  private final Resizes resizes;
  private final Holdings holdings;
  private final PagePool pool;

  /// The pool, if it is one that checks everything.
  private final @Nullable CheckedPool checked;

  private final Segments segments;
  private final Failures failures;
  private final SleepGuard guard;

  /// How long a request waits that does not say it.
  private final long waitNanos;

  private final String name;
  private final Watermarks watermarks;
  private final Admission blocking;
  private final Admission nowait;
  private final Admission atomic;

  /// Settings of an allocator.
  ///
  /// @param waitNanos how long a request waits that does not say it
  record Options(String name, SleepGuard guard, long waitNanos, Watermarks watermarks) {}

  Allocations(Options options, Requests requests, Segments segments, Failures failures) {
    this.requests = requests;
    resizes = new Resizes(requests);
    this.segments = segments;
    this.failures = failures;
    watermarks = options.watermarks();
    name = options.name();
    holdings = requests.holdings();
    pool = requests.pool();
    checked = pool instanceof CheckedPool found ? found : null;
    guard = options.guard();
    waitNanos = options.waitNanos();
    Watermarks.Pages marks = watermarks.inPages(segments.pageSize());
    blocking = new Admission(marks.min(), true);
    nowait = new Admission(marks.min(), false);
    atomic = new Admission(marks.atomicMark(), false);
  }

  private Admission admission(AllocationMode mode) {
    return switch (mode) {
      case BLOCKING -> blocking;
      case NOWAIT -> nowait;
      case ATOMIC -> atomic;
    };
  }

  // ---- parts

  Requests requests() {
    return requests;
  }

  Segments segments() {
    return segments;
  }

  Failures failures() {
    return failures;
  }

  PagePool pool() {
    return pool;
  }

  String name() {
    return name;
  }

  Watermarks.Pages marks() {
    return watermarks.inPages(segments.pageSize());
  }

  long waitNanos() {
    return waitNanos;
  }

  /// What is free now, after threads have released what they hold.
  BuddyInfo info() {
    long cachedPages = pool.cachedPages();
    return new BuddyInfo(
        name,
        segments.pageSize(),
        pool.geometry().pageCount(),
        cachedPages,
        pool.freeAreas(),
        watermarks);
  }

  // ---- the guard

  boolean mustNotSleep() {
    return guard.isOn() && AtomicContext.isSleepForbidden();
  }

  void reportSleep(long byteSize, long byteAlignment) {
    reportSleep("allocate(byteSize=" + byteSize + ", byteAlignment=" + byteAlignment);
  }

  /// @param call the method and its operands, without the end
  void reportSleep(String call) {
    guard.report(
        call + ", mode=BLOCKING)", "use ATOMIC or NOWAIT, or allocate outside of the section");
  }

  // ---- segments

  MemorySegment allocate(
      @Nullable Payer payer, long byteSize, long byteAlignment, AllocationMode mode, long nanos) {
    checkSize(byteSize, byteAlignment);
    MemorySegment memory = segments.memoryOf(payer);
    if (byteSize == 0) {
      return emptySegment(byteAlignment);
    }
    long page = takeBytes(payer, byteSize, byteAlignment, mode, nanos);
    return slice(memory, page, byteSize);
  }

  /// As [#allocate] with one page's alignment and no payer, for a thread that has just found
  /// nothing in the words that it has leased.
  MemorySegment allocateUnleased(long byteSize, AllocationMode mode, long nanos) {
    checkSize(byteSize, 1);
    MemorySegment memory = segments.memory();
    if (byteSize == 0) {
      return emptySegment(1);
    }
    long pages = segments.pagesFor(byteSize);
    long page = requests.takeUnleased(pages, admission(mode));
    if (page < 0) {
      page = awaitBytes(null, byteSize, 1, mode, nanos, page);
    }
    return slice(memory, page, byteSize);
  }

  @Nullable MemorySegment tryAllocate(
      @Nullable Payer payer, long byteSize, long byteAlignment, AllocationMode mode) {
    Checks.neverWaits(mode);
    checkSize(byteSize, byteAlignment);
    MemorySegment memory = segments.memoryOf(payer);
    if (byteSize == 0) {
      return emptySegment(byteAlignment);
    }
    int alignOrder = segments.alignOrder(byteAlignment);
    long page =
        take(payer, segments.pagesFor(byteSize), alignOrder, segments.phase(alignOrder), mode);
    return page < 0 ? null : slice(memory, page, byteSize);
  }

  /// @param order 0..maxOrder, not checked
  MemorySegment allocatePages(@Nullable Payer payer, int order, AllocationMode mode) {
    MemorySegment memory = segments.memoryOf(payer);
    long pages = 1L << order;
    long page = take(payer, pages, order, 0, mode);
    if (page < 0) {
      page = await(new Demand(payer, pages, order, 0, "order=" + order), mode, waitNanos, page);
    }
    return slice(memory, page, pages * segments.pageSize());
  }

  @Nullable MemorySegment tryAllocatePages(@Nullable Payer payer, int order) {
    MemorySegment memory = segments.memoryOf(payer);
    long pages = 1L << order;
    long page = take(payer, pages, order, 0, AllocationMode.NOWAIT);
    return page < 0 ? null : slice(memory, page, pages * segments.pageSize());
  }

  private static void checkSize(long byteSize, long byteAlignment) {
    Checks.range("byte size", byteSize, 0, Long.MAX_VALUE);
    Checks.powerOfTwo("byte alignment", byteAlignment);
  }

  private MemorySegment emptySegment(long byteAlignment) {
    failures.checkOpen();
    return MemorySegment.ofAddress(byteAlignment);
  }

  /// The segment of an allocation, of which `byteSize` bytes may be touched from now on.
  MemorySegment slice(MemorySegment memory, long page, long byteSize) {
    if (checked != null) {
      checked.guard((int) page, byteSize, pool.tagAt((int) page));
    }
    return segments.slice(memory, page, byteSize);
  }

  // ---- requests

  /// The first page of a run for so many bytes.
  long takeBytes(
      @Nullable Payer payer, long byteSize, long byteAlignment, AllocationMode mode, long nanos) {
    int alignOrder = segments.alignOrder(byteAlignment);
    long page =
        requests.take(
            payer,
            segments.pagesFor(byteSize),
            alignOrder,
            segments.phase(alignOrder),
            admission(mode));
    return page < 0 ? awaitBytes(payer, byteSize, byteAlignment, mode, nanos, page) : page;
  }

  private long awaitBytes(
      @Nullable Payer payer,
      long byteSize,
      long byteAlignment,
      AllocationMode mode,
      long nanos,
      long why) {
    failures.checkOpen();
    int alignOrder = segments.alignOrder(byteAlignment);
    String request = "byteSize=" + byteSize + ", byteAlignment=" + byteAlignment;
    Demand demand =
        new Demand(
            payer, segments.pagesFor(byteSize), alignOrder, segments.phase(alignOrder), request);
    return await(demand, mode, nanos, why);
  }

  /// The first page of a run that is free now, or the code of a refusal.
  long take(@Nullable Payer payer, long pages, int alignOrder, long phase, AllocationMode mode) {
    long page = requests.take(payer, pages, alignOrder, phase, admission(mode));
    if (page < 0) {
      failures.checkOpen();
    }
    return page;
  }

  /// Waits for what was not available at once, if the mode allows it.
  ///
  /// @param why the code of the refusal
  /// @return the first page, 0 for many runs
  /// @throws OutOfPagesException if there is nothing
  long await(Demand demand, AllocationMode mode, long nanos, long why) {
    long page = mode == AllocationMode.BLOCKING ? requests.await(demand, nanos, why) : why;
    if (page < 0) {
      Refusal refusal = Refusal.of(page);
      failures.checkOpen();
      throw failures.refused(demand, mode, refusal, admission(mode).mark(), info());
    }
    return page;
  }

  // ---- free, trim, resize

  void free(MemorySegment segment) {
    if (segments.isEmptyAllocation(segment)) {
      return;
    }
    int page = segments.headOf(segment);
    long pages = segments.pagesFor(segment.byteSize());
    if (!isLength(pages) || !holdings.free(segments.payerOf(segment, page), page, (int) pages)) {
      throw failures.invalidFree(page, pages);
    }
  }

  private boolean isLength(long pages) {
    return pages >= 1 && pages <= pool.geometry().pageCount();
  }

  MemorySegment trim(MemorySegment segment, long newByteSize) {
    Checks.range("new byte size", newByteSize, 1, segment.byteSize());
    int page = segments.headOf(segment);
    Payer payer = segments.payerOf(segment, page);
    trimRun(payer, page, segments.pagesFor(segment.byteSize()), segments.pagesFor(newByteSize));
    return slice(segments.memoryOf(payer), page, newByteSize);
  }

  void trimRun(@Nullable Payer payer, int page, long pages, long newPages) {
    lock(payer, page, pages);
    holdings.trim(payer, page, (int) pages, (int) newPages);
  }

  /// Keeps every other call away from an allocation.
  private void lock(@Nullable Payer payer, int page, long pages) {
    if (!isLength(pages) || !pool.hold(page, (int) pages)) {
      throw failures.invalidFree(page, pages);
    }
    if (payer != null && !holdings.isOf(payer, page)) {
      pool.release(page, (int) pages);
      throw failures.invalidFree(page, pages);
    }
  }

  MemorySegment resize(@Nullable Payer requester, MemorySegment segment, long newByteSize) {
    Checks.range("new byte size", newByteSize, 1, Long.MAX_VALUE);
    if (newByteSize <= segment.byteSize()) {
      return trim(segment, newByteSize);
    }
    if (segments.isEmptyAllocation(segment)) {
      return allocate(requester, newByteSize, 1, AllocationMode.BLOCKING, waitNanos);
    }
    int page = segments.headOf(segment);
    Payer payer = segments.payerOf(segment, page);
    long pages = segments.pagesFor(segment.byteSize());
    lock(payer, page, pages);
    return growLocked(payer, page, (int) pages, segments.pagesFor(newByteSize), blocking)
        ? slice(segments.memoryOf(payer), page, newByteSize)
        : move(payer, segment, page, newByteSize);
  }

  /// @return false, and it is still locked, if it cannot grow where it is
  private boolean growLocked(
      @Nullable Payer payer, int page, int pages, long newPages, Admission mode) {
    boolean isDone = false;
    boolean isSame = newPages == pages;
    try {
      boolean grown =
          !isSame
              && newPages <= pool.geometry().pageCount()
              && resizes.grow(payer, page, pages, (int) newPages, mode);
      isDone = true;
      if (isSame) {
        holdings.release(payer, page, pages);
      }
      return isSame || grown;
    } finally {
      if (!isDone) {
        holdings.release(payer, page, pages);
      }
    }
  }

  boolean tryGrowRun(@Nullable Payer payer, int page, int pages, int newPages) {
    lock(payer, page, pages);
    boolean grown = growLocked(payer, page, pages, newPages, nowait);
    if (!grown) {
      holdings.release(payer, page, pages);
    }
    return grown;
  }

  /// Copies a locked allocation to another place. The account pays for the difference only.
  private MemorySegment move(
      @Nullable Payer payer, MemorySegment locked, int page, long newByteSize) {
    int pages = (int) segments.pagesFor(locked.byteSize());
    long newPages = segments.pagesFor(newByteSize);
    String call = "byteSize=" + locked.byteSize() + ", newByteSize=" + newByteSize;
    Demand demand = new Demand(payer, newPages, 0, 0, call).replacing(page, pages);
    long newPage = Refusal.NO_RUN.code();
    boolean isMoved = false;
    try {
      newPage = resizes.takeReplacement(demand, blocking);
      if (newPage < 0) {
        newPage = await(demand, AllocationMode.BLOCKING, waitNanos, newPage);
      }
      if (newPage != page) {
        MemorySegment target = segments.slice(segments.memoryOf(payer), newPage, newByteSize);
        MemorySegment.copy(locked, 0, target, 0, locked.byteSize());
      }
      isMoved = true;
    } finally {
      if (!isMoved) {
        if (newPage >= 0) {
          holdings.giveBack(demand, newPage);
        }
        holdings.release(payer, page, pages);
      }
    }
    if (newPage == page) { // the pages behind it became free, and it grew
      holdings.freeIfGone(payer, page, (int) newPages);
    } else if (!holdings.replace(payer, page, pages, (int) newPage, (int) newPages)
        && payer != null) {
      throw failures.gone(payer);
    }
    return slice(segments.memoryOf(payer), newPage, newByteSize);
  }

  /// Makes another account of the same allocator pay for an allocation.
  MemorySegment handOver(MemorySegment segment, Payer from, Payer to) {
    int page = segments.headOf(segment);
    int pages = (int) segments.pagesFor(segment.byteSize());
    Payer payer = segments.payerOf(segment, page);
    lock(payer, page, pages);
    if (!holdings.isOf(from, page)) {
      holdings.release(payer, page, pages);
      throw new IllegalArgumentException(
          "not charged to this account: account=" + from.account().path() + ", page=" + page);
    }
    boolean isDone = false;
    try {
      if (to.isGone()) {
        throw failures.gone(to);
      }
      holdings.transfer(from, to, page, pages);
      isDone = true;
    } finally {
      holdings.release(isDone ? to : from, page, pages);
    }
    if (to.isGone()) {
      throw failures.gone(to);
    }
    return slice(to.memory(segments.memory()), page, segment.byteSize());
  }

  // ---- many

  /// Takes all runs or none.
  void takeAll(@Nullable Payer payer, long pages, long[] into) {
    Demand demand =
        new Demand(payer, pages, 0, 0, "pages=" + pages + ", count=" + into.length).manyInto(into);
    long outcome = requests.takeAll(demand, blocking);
    if (outcome < 0) {
      failures.checkOpen();
      await(demand, AllocationMode.BLOCKING, waitNanos, outcome);
    }
  }

  /// Takes as many runs as there are.
  int tryTakeMany(@Nullable Payer payer, long pages, long[] into) {
    int count = requests.takeMany(payer, pages, into, nowait);
    if (count < into.length) {
      failures.checkOpen();
    }
    return count;
  }

  int slices(long byteSize, long[] pages, int count, @Nullable MemorySegment[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = slice(segments.memory(), pages[i], byteSize);
    }
    return count;
  }

  // ---- runs

  /// @param pageAlignment a power of two
  long allocateRun(@Nullable Payer payer, int pages, int pageAlignment, AllocationMode mode) {
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    Checks.powerOfTwo("page alignment", pageAlignment);
    int alignOrder = Integer.numberOfTrailingZeros(pageAlignment);
    long page = take(payer, pages, alignOrder, 0, mode);
    if (page < 0) {
      String request = "pages=" + pages + ", pageAlignment=" + pageAlignment;
      page = await(new Demand(payer, pages, alignOrder, 0, request), mode, waitNanos, page);
    }
    return page;
  }

  /// As [#allocateRun] in mode BLOCKING, with no alignment and no payer, for a thread that has just
  /// found nothing in the words that it has leased.
  ///
  /// @param pages at least 1
  long allocateRunUnleased(int pages) {
    long page = requests.takeUnleased(pages, blocking);
    if (page < 0) {
      failures.checkOpen();
      Demand demand = new Demand(null, pages, 0, 0, "pages=" + pages + ", pageAlignment=1");
      page = await(demand, AllocationMode.BLOCKING, waitNanos, page);
    }
    return page;
  }

  void freeRun(long page, int pages) {
    if (!holdings.free(holdings.payerOf((int) page), (int) page, pages)) {
      throw failures.invalidFree(page, pages);
    }
  }
}
