package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.allocator.context.SleepInAtomicContextException;
import dev.octavo.allocator.context.check.MightSleep;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.cache.CacheLimits;
import dev.octavo.allocator.internal.cache.PageMemory;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolOptions;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.checks.Corruption;
import dev.octavo.allocator.internal.region.Discard;
import dev.octavo.allocator.internal.region.OpenRegion;
import dev.octavo.allocator.internal.region.RegionMemory;
import dev.octavo.allocator.internal.request.Payer;
import dev.octavo.allocator.internal.request.Payers;
import dev.octavo.allocator.internal.request.Requests;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountException;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A buddy page allocator over one region of memory, exact to the page.
///
/// A request of n bytes takes ceil(n / pageSize) pages that follow each other, never the next power
/// of two (L4), and returns a segment of exactly n bytes. The bytes are *not* zeroed: they hold
/// whatever the last owner left.
///
/// | operation | cost | may it sleep | how it fails |
/// |---|---|---|---|
/// | allocate | plain stores where the thread holds a word; else one CAS where a block is open, one more a level where one must be split | with [AllocationMode#BLOCKING] and when memory is short, up to its deadline | [OutOfPagesException] |
/// | tryAllocate | as allocate | never | null |
/// | free | one CAS on the head; a plain store into a word that the thread holds, else one CAS, and one more a level that merges | never | [InvalidFreeException] |
/// | trim | as free | never | [InvalidFreeException] |
/// | resize | in place: one CAS a word; else allocate, copy, free | as allocate | both |
/// | bulk | one store or CAS a word of up to 64 blocks | as allocate | [OutOfPagesException] |
/// | buddyInfo, audit, purge | a pass over the metadata; purge a system call a free run | for a handshake with all threads, if other threads hold words | |
/// | close | a pass over the metadata, some handshakes | takes a lock, waits for calls under way | [LiveAllocationsException], when it is done |
///
/// *Thread safety.* All methods may be called by any number of threads, on any allocation; memory
/// may be freed by a thread that did not allocate it. No method that allocates or frees takes a
/// lock. A call that *fails* for want of pages may spin while another thread stands in the middle
/// of a split or merge, because until then nobody can tell whether memory has run out (L5); if
/// other threads hold words, it first takes them back, which costs a handshake with all threads, 30
/// to 60 microseconds.
///
/// *Shortage.* [AllocationMode] says what a request may do then. Below the min
/// [watermark][Watermarks] only requests of mode ATOMIC go on, and callbacks that reclaim; below
/// the low one [shrinkers][#addShrinker] are asked to free something. Requests that wait stand in
/// line; what others free is handed to the first that can use it, and a window of pages is kept for
/// the first in line. docs/request.md tells the whole way.
///
/// *Sleep guard.* A call of mode BLOCKING inside an [AtomicContext] is reported, however much
/// memory is free, before anything changes (L10); see [SleepGuard].
///
/// *Bad input* gets a typed exception that names all operands, and changes nothing (L6, L8).
///
/// *Determinism.* With one thread, addresses are a function of the calls made; the rule is written
/// down in docs/placement.md.
///
/// The ideas are Linux's: the buddy system of mm/page_alloc.c and its `alloc_pages_exact`.
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class PageAllocator implements SegmentAllocator, AutoCloseable {

  /// The default page size in bytes.
  public static final int DEFAULT_PAGE_SIZE = 4096;

  /// Free memory is returned to the OS in steps of at most so many bytes, because a failing request
  /// waits for the current one.
  private static final int PURGE_STEP_BYTES = 16 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(PageAllocator.class);

  private final String name;
  private final int pageShift;
  private final OpenRegion openRegion;

  /// What segments are slices of, or null if there is no memory.
  private final @Nullable MemorySegment region;

  private final long base;
  private final long capacity;
  private final PagePool pool;

  /// The pool, if it is one that checks everything.
  private final @Nullable CheckedPool checked;

  private final Requests requests;
  private final Allocations allocations;
  private final ArenaSource arenas;
  private final Failures failures;
  private final boolean nativeAccess;

  /// The payer of what is allocated here without an account; null without accounts.
  private final @Nullable Payer payer;

  private final SleepGuard guard;
  private final Object closing = new Object();

  /// Whether `close` has ended all allocations; guarded by `closing`.
  private boolean hasEnded;

  /// Set once, before the allocator is handed out.
  private @Nullable PurgeTimer purgeTimer;

  private @Nullable Thread purgeThread;

  PageAllocator(PageAllocatorBuilder options, Geometry geometry, RegionMemory memory) {
    name = options.name;
    nativeAccess = options.nativeAccess;
    pageShift = Integer.numberOfTrailingZeros(options.pageSize);
    capacity = (long) geometry.pageCount() << pageShift;
    openRegion = new OpenRegion(memory, capacity, nativeAccess);
    region = openRegion.segments();
    base = region == null ? 0 : region.address();
    Watermarks watermarks = options.watermarks(capacity);
    Watermarks.Pages marks = watermarks.inPages(options.pageSize);
    CacheLimits limits = options.limits(geometry).withLow(marks.low());
    PageMemory pageMemory = pageMemory(openRegion);
    requests =
        new Requests(
            new Requests.Options(
                name, options.pageSize, options.waitClock, marks, options.accounts),
            watch ->
                pool(
                    geometry,
                    options,
                    new PoolOptions(
                        Runtime.getRuntime().availableProcessors(),
                        limits,
                        pageMemory,
                        options.checks == CheckLevel.NONE && options.accounts == null,
                        options.accounts != null,
                        watch)),
            openRegion.memory(),
            options::killer);
    pool = requests.pool();
    Payers payers = requests.payers();
    payer = payers == null ? null : payers.root();
    checked = pool instanceof CheckedPool found ? found : null;
    guard = options.guard;
    failures = new Failures(name, pool, checked);
    Segments segments =
        new Segments(name, pageShift, region, capacity, failures, requests.holdings());
    allocations =
        new Allocations(
            new Allocations.Options(name, guard, options.waitNanos, watermarks),
            requests,
            segments,
            failures);
    arenas = new ArenaSource(allocations, openRegion, nativeAccess, options.watchesArenas);
    WaitersText text = new WaitersText(name, failures, marks);
    Allocations all = allocations;
    requests.dumpTo(line -> LOG.warn("{}", text.of(line, all.info())));
    LOG.debug("opened: name={}, capacity={}, pageSize={}", name, capacity, pageSize());
  }

  private PagePool pool(Geometry geometry, PageAllocatorBuilder options, PoolOptions poolOptions) {
    return options.checks == CheckLevel.FULL
        ? new CheckedPool(
            geometry,
            poolOptions,
            pageShift,
            openRegion.memory(),
            found -> Failures.corrupted(name, found))
        : new PagePool(geometry, poolOptions);
  }

  private PageMemory pageMemory(OpenRegion memory) {
    long zeroFrom = ((memory.zeroFrom() - 1) >> pageShift) + 1;
    Discard discard = memory.discard();
    if (discard == null) {
      return new PageMemory(zeroFrom, 1, 1, null);
    }
    int granule = (int) Math.max(1, discard.granule() >>> pageShift);
    PageMemory.Back back =
        (page, pages) ->
            discard.giveBack(base + ((long) page << pageShift), (long) pages << pageShift);
    return new PageMemory(zeroFrom, granule, PURGE_STEP_BYTES >>> pageShift, back);
  }

  /// Has free memory go back to the system after a delay, if it can.
  ///
  /// @param clock null for the system's, and a thread that looks at it
  void startPurging(Duration delay, @Nullable LongSupplier clock) {
    if (pool.canPurge()) {
      PurgeTimer timer = new PurgeTimer(pool, delay, clock == null ? System::nanoTime : clock);
      purgeTimer = timer;
      if (clock == null) {
        purgeThread = timer.thread(name);
        purgeThread.start();
      }
    }
  }

  @Nullable PurgeTimer purgeTimer() {
    return purgeTimer;
  }

  @Nullable Thread purgeThread() {
    return purgeThread;
  }

  /// Starts to describe an allocator.
  ///
  /// @return a builder with all defaults
  public static PageAllocatorBuilder builder() {
    return new PageAllocatorBuilder();
  }

  // ---- segments

  /// Allocates memory, aligned to the page size, with [AllocationMode#BLOCKING].
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws OutOfPagesException if no run of enough free pages was found, up to the deadline
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @Override
  @MightSleep
  public MemorySegment allocate(long byteSize) {
    if (guard.isOn() && AtomicContext.isSleepForbidden()) {
      allocations.reportSleep(byteSize, 1);
    }
    MemorySegment segment = takeHeld(byteSize);
    return segment != null ? segment : allocateUnleased(byteSize, AllocationMode.BLOCKING);
  }

  /// Allocates memory at an aligned address, with [AllocationMode#BLOCKING].
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @param byteAlignment the alignment in bytes, a power of two; beyond the page size it costs no
  ///   memory, as only the pages of the request are taken
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages was found at that alignment, up to
  ///   the deadline
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @Override
  @MightSleep
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, AllocationMode.BLOCKING);
  }

  /// Allocates memory, aligned to the page size.
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @param mode what the request may do
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws SleepInAtomicContextException if the mode is BLOCKING, the thread must not sleep, and
  ///   the guard throws
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocate(long byteSize, AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING) {
      return allocate(byteSize);
    }
    MemorySegment segment = takeHeld(byteSize);
    return segment != null ? segment : allocateUnleased(byteSize, mode);
  }

  private MemorySegment allocateUnleased(long byteSize, AllocationMode mode) {
    long nanos = allocations.waitNanos();
    return payer == null
        ? allocations.allocateUnleased(byteSize, mode, nanos)
        : allocations.allocate(payer, byteSize, 1, mode, nanos);
  }

  /// Allocates memory at an aligned address.
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @param mode what the request may do
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws SleepInAtomicContextException if the mode is BLOCKING, the thread must not sleep, and
  ///   the guard throws
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocate(long byteSize, long byteAlignment, AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING && mustNotSleep()) {
      allocations.reportSleep(byteSize, byteAlignment);
    }
    return allocations.allocate(payer, byteSize, byteAlignment, mode, allocations.waitNanos());
  }

  /// Allocates memory at an aligned address, with a deadline of its own.
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @param mode must be [AllocationMode#BLOCKING], as no other mode waits
  /// @param atMost how long to wait for memory at most, 0 or more; 0 does not wait
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `byteSize < 0`, `byteAlignment` is not a power of two,
  ///   `mode` does not wait, or `atMost` is negative
  /// @throws OutOfPagesException if no run of enough free pages was found, up to the deadline
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocate(
      long byteSize, long byteAlignment, AllocationMode mode, Duration atMost) {
    if (mode != AllocationMode.BLOCKING) {
      throw new IllegalArgumentException("mode does not wait: mode=" + mode + ", atMost=" + atMost);
    }
    long nanos = Checks.nanos("at most", atMost);
    if (mustNotSleep()) {
      allocations.reportSleep(byteSize, byteAlignment);
    }
    return allocations.allocate(payer, byteSize, byteAlignment, mode, nanos);
  }

  private boolean mustNotSleep() {
    return allocations.mustNotSleep();
  }

  /// @param call the method and its operands, without the end
  private void reportSleep(String call) {
    allocations.reportSleep(call);
  }

  /// As [#allocate(long)], with null for want of pages, and [AllocationMode#NOWAIT].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @return a segment of exactly `byteSize` bytes, or null if no run of enough free pages exists
  ///   above the reserve
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(long byteSize) {
    MemorySegment segment = takeHeld(byteSize);
    return segment != null ? segment : tryAllocate(byteSize, 1, AllocationMode.NOWAIT);
  }

  /// Takes a segment from a word that the thread holds, or null.
  private @Nullable MemorySegment takeHeld(long byteSize) {
    long pages = ((byteSize - 1) >>> pageShift) + 1;
    MemorySegment memory = region;
    if (pages <= PagePool.MOST_HELD && memory != null && payer == null) {
      int page = pool.takeHeld((int) pages);
      if (page != PagePool.NONE) {
        return memory.asSlice((long) page << pageShift, byteSize);
      }
    }
    return null;
  }

  /// As [#allocate(long, long)], with null for want of pages, and [AllocationMode#NOWAIT].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @return a segment of exactly `byteSize` bytes, or null if no run of enough free pages exists
  ///   at that alignment above the reserve
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(long byteSize, long byteAlignment) {
    return tryAllocate(byteSize, byteAlignment, AllocationMode.NOWAIT);
  }

  /// As [#allocate(long, long, AllocationMode)], with null for want of pages.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @param mode NOWAIT or ATOMIC
  /// @return a segment of exactly `byteSize` bytes, or null if no run of enough free pages exists
  ///   at that alignment that the mode may take
  /// @throws IllegalArgumentException if `mode` is BLOCKING, `byteSize < 0` or `byteAlignment` is
  ///   not a power of two
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(
      long byteSize, long byteAlignment, AllocationMode mode) {
    return allocations.tryAllocate(payer, byteSize, byteAlignment, mode);
  }

  /// Allocates a block of the buddy system: 2^order pages whose first page index is a multiple of
  /// 2^order, with [AllocationMode#BLOCKING]. Its address is aligned to its size as far as the
  /// region's base is.
  ///
  /// @param order 0..maxOrder
  /// @return a segment of pageSize * 2^order bytes, not zeroed
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `order` is out of range
  /// @throws OutOfPagesException if no block of that order was found free, up to the deadline
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocatePages(int order) {
    return allocatePages(order, AllocationMode.BLOCKING);
  }

  /// As [#allocatePages(int)], with any mode.
  ///
  /// @param order 0..maxOrder
  /// @param mode what the request may do
  /// @return a segment of pageSize * 2^order bytes, not zeroed
  /// @throws SleepInAtomicContextException if the mode is BLOCKING, the thread must not sleep, and
  ///   the guard throws
  /// @throws IllegalArgumentException if `order` is out of range
  /// @throws OutOfPagesException if no block of that order was found free that the mode may take
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocatePages(int order, AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING && mustNotSleep()) {
      reportSleep("allocatePages(order=" + order);
    }
    Checks.range("order", order, 0, maxOrder());
    return allocations.allocatePages(payer, order, mode);
  }

  /// As [#allocatePages(int)], with null for want of pages, and [AllocationMode#NOWAIT].
  ///
  /// @param order 0..maxOrder
  /// @return a segment of pageSize * 2^order bytes, or null if no block of that order is free above
  ///   the reserve
  /// @throws IllegalArgumentException if `order` is out of range
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocatePages(int order) {
    Checks.range("order", order, 0, maxOrder());
    return allocations.tryAllocatePages(payer, order);
  }

  /// Frees a segment that this allocator returned. Never allocates pages, never blocks (L7).
  ///
  /// Freeing an empty segment that [#allocate(long)] returned does nothing.
  ///
  /// @param segment the segment, of the size that was asked for
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void free(MemorySegment segment) {
    allocations.free(segment);
  }

  /// Shortens an allocation in place; the pages behind the new end are free at once.
  ///
  /// @param segment a segment that this allocator returned; it must not be used afterwards
  /// @param newByteSize the new size in bytes, 1..byteSize
  /// @return the segment to use and to free from now on, at the same address
  /// @throws IllegalArgumentException if `newByteSize` is out of range
  /// @throws InvalidFreeException if `segment` is not a live allocation; see its reasons
  public MemorySegment trim(MemorySegment segment, long newByteSize) {
    return allocations.trim(segment, newByteSize);
  }

  /// Gives an allocation another size: in place if it gets shorter or if the pages behind it are
  /// free, else by moving it, which copies its bytes and keeps no alignment beyond the page size.
  /// With [AllocationMode#BLOCKING]; while it waits, the allocation is busy.
  ///
  /// @param segment a segment that this allocator returned; it must not be used afterwards
  /// @param newByteSize the new size in bytes, 1 or more
  /// @return the segment to use and to free from now on; bytes that it gained are not zeroed
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `newByteSize < 1`
  /// @throws InvalidFreeException if `segment` is not a live allocation; see its reasons
  /// @throws OutOfPagesException if it cannot grow in place and no run of enough free pages exists
  ///   elsewhere; `segment` is as it was
  @MightSleep
  public MemorySegment resize(MemorySegment segment, long newByteSize) {
    if (mustNotSleep()) {
      reportSleep("resize(byteSize=" + segment.byteSize() + ", newByteSize=" + newByteSize);
    }
    return allocations.resize(payer, segment, newByteSize);
  }

  /// Fills an array with segments of one size; all or nothing. With [AllocationMode#BLOCKING]: what
  /// is not free at once is waited for one after another, up to one deadline for all.
  ///
  /// @param byteSize the size of each in bytes, 1 or more
  /// @param into the array; its former contents do not matter
  /// @return `into.length`
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `byteSize < 1`
  /// @throws OutOfPagesException if not all were found; `into` is as it was, nothing is allocated
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public int allocateBulk(long byteSize, @Nullable MemorySegment[] into) {
    if (mustNotSleep()) {
      reportSleep("allocateBulk(byteSize=" + byteSize + ", count=" + into.length);
    }
    Checks.range("byte size", byteSize, 1, Long.MAX_VALUE);
    Segments segments = allocations.segments();
    segments.memory();
    long[] pages = new long[into.length];
    allocations.takeAll(payer, segments.pagesFor(byteSize), pages);
    return allocations.slices(byteSize, pages, pages.length, into);
  }

  /// Fills an array with segments of one size as far as pages are there, with
  /// [AllocationMode#NOWAIT].
  ///
  /// @param byteSize the size of each in bytes, 1 or more
  /// @param into the array; entries beyond the result are left as they were
  /// @return how many were allocated, 0..into.length
  /// @throws IllegalArgumentException if `byteSize < 1`
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public int tryAllocateBulk(long byteSize, @Nullable MemorySegment[] into) {
    Checks.range("byte size", byteSize, 1, Long.MAX_VALUE);
    Segments segments = allocations.segments();
    segments.memory();
    long[] pages = new long[into.length];
    int count = allocations.tryTakeMany(payer, segments.pagesFor(byteSize), pages);
    return allocations.slices(byteSize, pages, count, into);
  }

  // ---- page runs

  /// Allocates a run of pages and returns its index, with [AllocationMode#BLOCKING]: no object, no
  /// garbage.
  ///
  /// @param pages how many, 1 or more
  /// @return the index of the first page, 0-based
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws OutOfPagesException if no run of enough free pages was found, up to the deadline
  /// @throws IllegalStateException if the allocator is closed
  @MightSleep
  public long allocatePageRun(int pages) {
    if (mustNotSleep()) {
      reportSleep("allocatePageRun(pages=" + pages);
    }
    if (pages > 0 && payer == null) {
      int page = pool.takeHeld(pages);
      return page != PagePool.NONE ? page : allocations.allocateRunUnleased(pages);
    }
    return allocations.allocateRun(payer, pages, 1, AllocationMode.BLOCKING);
  }

  /// As [#allocatePageRun(int)], with any mode.
  ///
  /// @param pages how many, 1 or more
  /// @param mode what the request may do
  /// @return the index of the first page, 0-based
  /// @throws SleepInAtomicContextException if the mode is BLOCKING, the thread must not sleep, and
  ///   the guard throws
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  /// @throws IllegalStateException if the allocator is closed
  @MightSleep
  public long allocatePageRun(int pages, AllocationMode mode) {
    return allocatePageRun(pages, 1, mode);
  }

  /// Allocates a run of pages at an aligned index, with [AllocationMode#BLOCKING].
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @return the index of the first page, 0-based
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `pages < 1` or `pageAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages was found at that alignment, up to
  ///   the deadline
  /// @throws IllegalStateException if the allocator is closed
  @MightSleep
  public long allocatePageRun(int pages, int pageAlignment) {
    return allocatePageRun(pages, pageAlignment, AllocationMode.BLOCKING);
  }

  /// As [#allocatePageRun(int, int)], with any mode.
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @param mode what the request may do
  /// @return the index of the first page, 0-based
  /// @throws SleepInAtomicContextException if the mode is BLOCKING, the thread must not sleep, and
  ///   the guard throws
  /// @throws IllegalArgumentException if `pages < 1` or `pageAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages was found at that alignment that
  ///   the mode may take
  /// @throws IllegalStateException if the allocator is closed
  @MightSleep
  public long allocatePageRun(int pages, int pageAlignment, AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING && mustNotSleep()) {
      reportSleep("allocatePageRun(pages=" + pages + ", pageAlignment=" + pageAlignment);
    }
    return allocations.allocateRun(payer, pages, pageAlignment, mode);
  }

  /// As [#allocatePageRun(int)], with -1 for want of pages, and [AllocationMode#NOWAIT].
  ///
  /// @param pages how many, 1 or more
  /// @return the index of the first page, or -1 if no run of enough free pages exists above the
  ///   reserve
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws IllegalStateException if the allocator is closed
  public long tryAllocatePageRun(int pages) {
    return tryAllocatePageRun(pages, 1);
  }

  /// As [#allocatePageRun(int, int)], with -1 for want of pages, and [AllocationMode#NOWAIT].
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @return the index of the first page, or -1 if no run of enough free pages exists there above
  ///   the reserve
  /// @throws IllegalArgumentException if `pages < 1` or `pageAlignment` is not a power of two
  /// @throws IllegalStateException if the allocator is closed
  public long tryAllocatePageRun(int pages, int pageAlignment) {
    return tryAllocatePageRun(pages, pageAlignment, AllocationMode.NOWAIT);
  }

  /// As [#tryAllocatePageRun(int, int)], with another mode.
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @param mode NOWAIT or ATOMIC
  /// @return the index of the first page, or -1 if no run of enough free pages exists there that
  ///   the mode may take
  /// @throws IllegalArgumentException if `mode` is BLOCKING, `pages < 1` or `pageAlignment` is not
  ///   a power of two
  /// @throws IllegalStateException if the allocator is closed
  public long tryAllocatePageRun(int pages, int pageAlignment, AllocationMode mode) {
    Checks.neverWaits(mode);
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    Checks.powerOfTwo("page alignment", pageAlignment);
    int alignOrder = Integer.numberOfTrailingZeros(pageAlignment);
    return Math.max(PagePool.NONE, allocations.take(payer, pages, alignOrder, 0, mode));
  }

  /// Fills an array with runs of one length; all or nothing. With [AllocationMode#BLOCKING], as
  /// [#allocateBulk]. No object, no garbage, if they are free at once.
  ///
  /// @param pages the length of each, 1 or more
  /// @param into gets the indices of their first pages, 0-based
  /// @return `into.length`
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws OutOfPagesException if not all were found; nothing is allocated, and what `into` holds
  ///   is undefined
  /// @throws IllegalStateException if the allocator is closed
  @MightSleep
  public int allocatePageRuns(int pages, long[] into) {
    if (mustNotSleep()) {
      reportSleep("allocatePageRuns(pages=" + pages + ", count=" + into.length);
    }
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    allocations.takeAll(payer, pages, into);
    return into.length;
  }

  /// Fills an array with runs of one length as far as pages are there, with
  /// [AllocationMode#NOWAIT]. No object, no garbage.
  ///
  /// @param pages the length of each, 1 or more
  /// @param into gets the indices of their first pages, 0-based
  /// @return how many were allocated, 0..into.length
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws IllegalStateException if the allocator is closed
  public int tryAllocatePageRuns(int pages, long[] into) {
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    return allocations.tryTakeMany(payer, pages, into);
  }

  /// Frees a run. Never allocates, never blocks (L7).
  ///
  /// @param page the index that allocation returned
  /// @param pages its length
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void freePageRun(long page, int pages) {
    if (!isRun(page, pages)) {
      throw failures.invalidFree(page, pages);
    }
    allocations.freeRun(page, pages);
  }

  /// Shortens a run in place; the pages behind the new end are free at once.
  ///
  /// @param page the index that allocation returned
  /// @param pages its length
  /// @param newPages its new length, 1..pages
  /// @throws IllegalArgumentException if `newPages` is out of range
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void trimPageRun(long page, int pages, int newPages) {
    Checks.range("new pages", newPages, 1, pages);
    if (!isRun(page, pages)) {
      throw failures.invalidFree(page, pages);
    }
    allocations.trimRun(payerOf(page), (int) page, pages, newPages);
  }

  /// Grows a run in place, if the pages behind it are free.
  ///
  /// @param page the index that allocation returned
  /// @param pages its length
  /// @param newPages its new length, pages or more
  /// @return false, and nothing has changed, if they are not
  /// @throws IllegalArgumentException if `newPages < pages`
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public boolean tryGrowPageRun(long page, int pages, int newPages) {
    Checks.range("new pages", newPages, pages, Integer.MAX_VALUE);
    if (!isRun(page, pages)) {
      throw failures.invalidFree(page, pages);
    }
    return allocations.tryGrowRun(payerOf(page), (int) page, pages, newPages);
  }

  private @Nullable Payer payerOf(long page) {
    return requests.holdings().payerOf((int) page);
  }

  /// The memory of a run. Such a segment may also be freed by [#free], if it covers an allocation.
  ///
  /// @param page the index of its first page
  /// @param pages its length, 1 or more
  /// @return a segment of pageSize * pages bytes
  /// @throws IllegalArgumentException if the run does not lie in the region
  /// @throws UnsupportedOperationException if the region has no memory
  public MemorySegment segment(long page, int pages) {
    if (!isRun(page, pages)) {
      throw new IllegalArgumentException(
          "run not in region: page=" + page + ", pages=" + pages + ", pageCount=" + pageCount());
    }
    Segments segments = allocations.segments();
    return segments.slice(segments.memory(), page, (long) pages << pageShift);
  }

  private boolean isRun(long page, int pages) {
    return page >= 0 && pages >= 1 && page < pageCount() && pages <= pageCount() - page;
  }

  // ---- arenas

  /// Opens an arena of the calling thread over pages of this allocator, as safe as
  /// [java.lang.foreign.Arena#ofConfined]; see [PageArena].
  ///
  /// Without native access for this module the arena takes the JDK's memory: that is logged once
  /// and counted by [#unpooledArenas].
  ///
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openArena() {
    return openArena(AllocationMode.BLOCKING);
  }

  /// As [#openArena()]; what it allocates is requested with a mode.
  ///
  /// @param mode of all requests of the arena; NOWAIT and ATOMIC for threads that must not sleep
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openArena(AllocationMode mode) {
    return openArena(mode, PageArena.Lifetime.CONFINED);
  }

  /// Opens an arena for any threads, as safe as [java.lang.foreign.Arena#ofShared]: closing it
  /// costs a handshake with all threads, 30 to 60 microseconds. It ends with the allocator, if that
  /// is closed first. Native access as for [#openArena].
  ///
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openSharedArena() {
    return openArena(AllocationMode.BLOCKING, PageArena.Lifetime.SHARED);
  }

  /// Opens an arena for any threads that is cheap to close, because its segments do not end: who
  /// uses one after `close` reads or writes what may be somebody else's by then. Needs no native
  /// access.
  ///
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openUnscopedArena() {
    return openArena(AllocationMode.BLOCKING, PageArena.Lifetime.UNSCOPED);
  }

  /// As [#openUnscopedArena()]; what it allocates is requested with a mode.
  ///
  /// @param mode of all requests of the arena; NOWAIT and ATOMIC for threads that must not sleep
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openUnscopedArena(AllocationMode mode) {
    return openArena(mode, PageArena.Lifetime.UNSCOPED);
  }

  /// How many arenas took the JDK's memory for want of native access.
  ///
  /// @return 0 or more
  public long unpooledArenas() {
    return arenas.unpooledArenas();
  }

  /// How many arenas were found that nobody had closed and nobody could close any more; 0 unless
  /// [PageAllocatorBuilder#watchArenas] was called.
  ///
  /// @return 0 or more
  public long forgottenArenas() {
    return arenas.forgottenArenas();
  }

  private PageArena openArena(AllocationMode mode, PageArena.Lifetime lifetime) {
    return PageArena.open(arenas, payer, mode, lifetime);
  }

  ArenaSource arenas() {
    return arenas;
  }

  /// The accounts that pay.
  Payers payers() {
    return Objects.requireNonNull(requests.payers(), "accounts");
  }

  // ---- in the name of an account

  /// Who chooses a victim when memory or an account has run out: its audit, its pressure figures.
  ///
  /// @return empty without accounts
  public Optional<OomKiller> oomKiller() {
    return Optional.ofNullable(requests.killer());
  }

  /// Gives an account an allocator of its own: what that allocates is charged to the account.
  ///
  /// A *reapable* account's segments have an end of their own, so that they can be taken away from
  /// their owner when the account is chosen; that needs native access for this module, as arenas
  /// do.
  ///
  /// @param account an account of the tree given to [PageAllocatorBuilder#accounts]
  /// @return an allocator of the account; close it before the account
  /// @throws IllegalStateException if there are no accounts here, the allocator or the account is
  ///   closed, 65,535 accounts have allocators, or the account is reapable and the module has no
  ///   native access
  /// @throws IllegalArgumentException if the account is of another tree
  public AccountAllocator under(MemoryAccount account) {
    failures.checkOpen();
    Payers all = requests.payers();
    if (all == null) {
      throw new IllegalStateException("no accounts were given to the builder: name=" + name);
    }
    if (!all.isOfTree(account)) {
      throw new IllegalArgumentException(
          "account of another tree: account=" + account.path() + ", name=" + name);
    }
    if (account.isClosed()) {
      throw new IllegalStateException("account is closed: account=" + account.path());
    }
    if (account.isReapable() && !nativeAccess) {
      throw new IllegalStateException(
          "segments of a reapable account need native access: account="
              + account.path()
              + ", remedy="
              + ArenaSource.REMEDY);
    }
    allocations.segments().memory();
    return new AccountAllocator(allocations, arenas, all.open(account));
  }

  // ---- the whole

  /// The name, as given to the builder.
  ///
  /// @return the name
  public String name() {
    return name;
  }

  /// The size of a page.
  ///
  /// @return bytes, a power of two
  public int pageSize() {
    return 1 << pageShift;
  }

  /// The capacity in pages.
  ///
  /// @return 1 or more
  public long pageCount() {
    return geometry().pageCount();
  }

  /// The capacity in bytes.
  ///
  /// @return pageSize * pageCount
  public long capacity() {
    return capacity;
  }

  /// The largest order of [#allocatePages].
  ///
  /// @return 0..30
  public int maxOrder() {
    return geometry().maxOrder();
  }

  /// Counts what is free, whatever thread keeps it: threads give back what they hold first. Reads
  /// the metadata once.
  ///
  /// @return the counts
  /// @throws IllegalStateException if the allocator is closed
  public BuddyInfo buddyInfo() {
    failures.checkOpen();
    return allocations.info();
  }

  /// Has a shrinker asked when memory runs short, until the result is closed, or the allocator. The
  /// first one starts a daemon thread of the allocator, on which all are called; it ends with the
  /// allocator.
  ///
  /// @param shrinkerName for messages
  /// @param shrinker what could free memory
  /// @return ends it
  /// @throws IllegalStateException if the allocator is closed
  public Shrinker.Registration addShrinker(String shrinkerName, Shrinker shrinker) {
    failures.checkOpen();
    return requests.add(shrinkerName, shrinker, null);
  }

  /// As [#addShrinker(String, Shrinker)], for a shrinker that frees an account's memory: it is not
  /// asked for what lies below the account's low mark while others can give, and never for what
  /// lies below its min; and it is asked, too, when the account is above its high mark and requests
  /// more.
  ///
  /// @param shrinkerName for messages
  /// @param shrinker what could free memory
  /// @param account whose memory it frees
  /// @return ends it
  /// @throws IllegalStateException if the allocator is closed
  public Shrinker.Registration addShrinker(
      String shrinkerName, Shrinker shrinker, MemoryAccount account) {
    failures.checkOpen();
    return requests.add(shrinkerName, shrinker, account);
  }

  /// How many requests wait now, for memory or for room in an account.
  ///
  /// @return 0 or more
  public int waiters() {
    return requests.waiters();
  }

  /// Says who waits for memory, for what, since when and why, with what is free: what the log has
  /// of a request that waits for 10 s. Reads the metadata once.
  ///
  /// @return some lines
  /// @throws IllegalStateException if the allocator is closed
  public String waitersText() {
    return new WaitersText(name, failures, marks()).of(requests.waiting(), buddyInfo());
  }

  /// The free pages, whatever thread keeps them, from counters: cheap, takes nothing from threads,
  /// and exact if no other call runs.
  ///
  /// @return 0..pageCount
  public long freePages() {
    return Math.clamp(pool.freePages(), 0, pageCount());
  }

  /// Gives the memory of all free pages back to the system now, whatever thread keeps them, and
  /// however short they have been free; the pages stay free. Memory that was given back already and
  /// not used since is left alone. What is less than a page of the system stays; with
  /// [MemoryRegion.MapOption#HUGE_PAGES], what is less than a huge page.
  ///
  /// Costs a handshake with all threads, if other threads hold words, and a system call for each
  /// stretch of free memory, of 16 MiB at most. Never sleeps; a call that fails meanwhile may wait
  /// for one of these system calls.
  ///
  /// @return how many bytes, of those in units of which something was freed since the last time; 0
  ///   if the region keeps its memory (see [MemoryRegion])
  /// @throws IllegalStateException if the allocator is closed
  public long purge() {
    failures.checkOpen();
    return pool.purge() << pageShift;
  }

  /// Walks the laws over all metadata. Meaningful only while no other call runs.
  ///
  /// @return every law that is broken and where; empty if all hold, or if the allocator is closed
  public List<Violation> audit() {
    return pool.audit().stream().map(law -> new Violation(law.law(), law.detail())).toList();
  }

  /// Fails if anything is allocated: the check at the end of a test. With [CheckLevel#FULL] it says
  /// where each allocation was made, and looks first whether freed memory in quarantine was written
  /// to. Changes nothing. Reads the metadata once.
  ///
  /// @throws CorruptedMemoryException if freed memory was written to; only with [CheckLevel#FULL]
  /// @throws LiveAllocationsException if allocations are live: how many and where
  public void assertNoLeaks() {
    throwIfAny(Failures.first(corruption(), failures.leaks()));
  }

  private @Nullable RuntimeException corruption() {
    List<Corruption> found = checked == null ? List.of() : checked.findCorruptions();
    return found.isEmpty() ? null : Failures.corrupted(name, found);
  }

  private static void throwIfAny(@Nullable RuntimeException failure) {
    if (failure != null) {
      throw failure;
    }
  }

  /// Closes the allocator and gives its memory back. Whatever is live ends: all segments fail from
  /// then on, and requests that wait. What was live is reported once all that is done, by an
  /// exception; call [#assertNoLeaks] first to be told while it can still be freed. Closing twice
  /// does nothing.
  ///
  /// Segments of three kinds do not end here:
  ///
  /// - Those of a confined arena that is open, which only its thread may close. It gets no further
  ///   pages; its segments stay usable until it is closed, and the memory goes back with the last
  ///   such arena.
  /// - Those of a file ([MemoryRegion#ofFile]), while there is such an arena: they end with it.
  /// - Those of memory that is the caller's ([MemoryRegion#of]), which end with that.
  ///
  /// Waits for calls that are under way; with [CheckLevel#NONE] no call that frees, trims or
  /// resizes may be under way. Costs a few handshakes with all threads, and one more for each
  /// shared arena and each reapable account.
  ///
  /// @throws SleepInAtomicContextException if the thread must not sleep, and the guard throws;
  ///   nothing has changed
  /// @throws CorruptedMemoryException if somebody wrote to freed memory, or behind an allocation
  ///   that was live; the allocator is closed; only with [CheckLevel#FULL]
  /// @throws LiveAllocationsException if allocations were live: how many and where; the allocator
  ///   is closed
  /// @throws IllegalStateException if a native call is using a segment at this moment, with what
  ///   else is to be reported as suppressed; the allocator is closed, and its memory goes back when
  ///   `close` is called again
  @Override
  @MightSleep
  public void close() {
    if (mustNotSleep()) {
      guard.report("close(name=" + name + ")", "close it outside of the section");
    }
    RuntimeException failure = null;
    synchronized (closing) {
      if (!hasEnded) {
        failure = end();
        hasEnded = true;
      }
      boolean isOver = endSegments();
      if (isOver) {
        pool.release();
        isOver = arenas.giveBackIfUnused();
      }
      if (!isOver) {
        failure =
            Failures.first(
                new IllegalStateException("a native call is using a segment: name=" + name),
                failure);
      }
    }
    throwIfAny(failure);
    LOG.debug("closed: name={}", name);
  }

  /// Ends all calls and allocations. If it throws, it may be called again.
  ///
  /// @return what is to be reported, or null
  private @Nullable RuntimeException end() {
    requests.shut();
    pool.shut();
    requests.close();
    LockSupport.unpark(purgeThread);
    LiveReport report = new LiveReport(checked);
    List<RuntimeException> failures = new ArrayList<>();
    pool.endAll(
        (page, pages) -> {
          report.add(page, pages);
          try {
            uncharge(requests.holdings().payerOf(page), pages);
          } catch (MemoryAccountException e) { // somebody has uncharged too much
            failures.add(e);
          }
        });
    Payers payers = requests.payers();
    if (payers != null) {
      payers.closeBooks();
    }
    RuntimeException failure = corruption();
    if (!report.isEmpty()) {
      failure = Failures.first(failure, report.toException("closed with live allocations", name));
    }
    for (RuntimeException further : failures) {
      failure = Failures.first(failure, further);
    }
    return failure;
  }

  private static void uncharge(@Nullable Payer payer, int pages) {
    if (payer != null) {
      payer.uncharge(pages);
    }
  }

  /// @return false if a native call is using one
  private boolean endSegments() {
    boolean ended = arenas.endAll();
    Payers payers = requests.payers();
    if (payers != null) {
      ended &= payers.endSessions();
    }
    return openRegion.endSegments() && ended;
  }

  private Geometry geometry() {
    return pool.geometry();
  }

  private Watermarks.Pages marks() {
    return allocations.marks();
  }
}
