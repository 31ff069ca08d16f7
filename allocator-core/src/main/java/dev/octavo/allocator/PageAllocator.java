package dev.octavo.allocator;

import dev.octavo.allocator.InvalidFreeException.Reason;
import dev.octavo.allocator.context.check.MightSleep;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.cache.PageMemory;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolOptions;
import dev.octavo.allocator.internal.cache.PoolWatch;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.checks.Corruption;
import dev.octavo.allocator.internal.region.Discard;
import dev.octavo.allocator.internal.region.RegionMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
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
/// | allocate | plain stores where the thread holds a word; else one CAS where a block is open, one more a level where one must be split | never | [OutOfPagesException], or null from the `try` forms |
/// | free | one CAS on the head; a plain store into a word that the thread holds, else one CAS, and one more a level that merges | never | [InvalidFreeException] |
/// | trim | as free | never | [InvalidFreeException] |
/// | resize | in place: one CAS a word; else allocate, copy, free | never | both |
/// | bulk | one store or CAS a word of up to 64 blocks | never | [OutOfPagesException] |
/// | buddyInfo, audit, purge, close | a pass over the metadata; purge a system call a free run | for a handshake with all threads, if other threads hold words; close takes a lock | |
///
/// *Thread safety.* All methods may be called by any number of threads, on any allocation; memory
/// may be freed by a thread that did not allocate it. No method but `close` takes a lock. A call
/// that *fails* for want of pages may spin while another thread stands in the middle of a split or
/// merge, because until then nobody can tell whether memory has run out (L5); if other threads hold
/// words, it first takes them back, which costs a handshake with all threads, 30 to 60
/// microseconds.
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

  /// Free memory goes back in steps of at most so many bytes, as who fails meanwhile waits.
  private static final int PURGE_STEP_BYTES = 16 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(PageAllocator.class);

  private static final String REMEDY =
      "start java with --enable-native-access=dev.octavo.allocator, or =ALL-UNNAMED if the library"
          + " is on the class path; or use openUnscopedArena()";

  private final String name;
  private final int pageShift;
  private final RegionMemory source;
  private final @Nullable MemorySegment region;
  private final MemorySegment.@Nullable Scope regionScope;
  private final boolean readOnly;
  private final long base;
  private final long capacity;
  private final PagePool pool;

  /// The pool, if it is one that checks everything.
  private final @Nullable CheckedPool checked;

  private final Failures failures;
  private final Object closing = new Object();
  private final boolean nativeAccess;
  private final boolean watchesArenas;
  private final AtomicLong unpooledArenas = new AtomicLong();
  private final AtomicLong forgottenArenas = new AtomicLong();

  /// Set once, before the allocator is handed out.
  private @Nullable PurgeTimer purgeTimer;

  private @Nullable Thread purgeThread;

  PageAllocator(PageAllocatorBuilder options, Geometry geometry, RegionMemory memory) {
    name = options.name;
    nativeAccess = options.nativeAccess;
    watchesArenas = options.watchesArenas;
    source = memory;
    pageShift = Integer.numberOfTrailingZeros(options.pageSize);
    capacity = (long) geometry.pageCount() << pageShift;
    region = memory.segment() == null ? null : memory.segment().asSlice(0, capacity);
    regionScope = region == null ? null : region.scope();
    readOnly = region != null && region.isReadOnly();
    base = region == null ? 0 : region.address();
    PoolOptions poolOptions = poolOptions(geometry, options, pageMemory(memory));
    checked = options.checks == CheckLevel.FULL ? checkedPool(geometry, poolOptions) : null;
    pool = checked != null ? checked : new PagePool(geometry, poolOptions);
    failures = new Failures(this, pool, checked);
    LOG.debug("opened: name={}, capacity={}, pageSize={}", name, capacity, pageSize());
  }

  private PoolOptions poolOptions(
      Geometry geometry, PageAllocatorBuilder options, PageMemory memory) {
    return new PoolOptions(
        Runtime.getRuntime().availableProcessors(),
        options.limits(geometry),
        memory,
        options.checks == CheckLevel.NONE,
        PoolWatch.NONE);
  }

  private CheckedPool checkedPool(Geometry geometry, PoolOptions options) {
    return new CheckedPool(
        geometry, options, pageShift, region, found -> Failures.corrupted(name, found));
  }

  private PageMemory pageMemory(RegionMemory memory) {
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

  /// Allocates memory, aligned to the page size.
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws OutOfPagesException if no run of enough free pages exists
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @Override
  public MemorySegment allocate(long byteSize) {
    MemorySegment segment = tryAllocate(byteSize);
    if (segment == null) {
      throw failures.outOfMemory(byteSize, 1);
    }
    return segment;
  }

  /// Allocates memory at an aligned address.
  ///
  /// @param byteSize the size in bytes, 0 or more; 0 takes no page and gives an empty segment
  /// @param byteAlignment the alignment in bytes, a power of two; beyond the page size it costs no
  ///   memory, as only the pages of the request are taken
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages exists at that alignment
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  @Override
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    MemorySegment segment = tryAllocate(byteSize, byteAlignment);
    if (segment == null) {
      throw failures.outOfMemory(byteSize, byteAlignment);
    }
    return segment;
  }

  /// As [#allocate(long)], with null for want of pages.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @return a segment of exactly `byteSize` bytes, or null if no run of enough free pages exists
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(long byteSize) {
    long pages = ((byteSize - 1) >>> pageShift) + 1;
    MemorySegment memory = region;
    if (pages <= PagePool.MOST_HELD && memory != null) {
      int page = pool.takeHeld((int) pages);
      if (page != PagePool.NONE) {
        return memory.asSlice((long) page << pageShift, byteSize);
      }
    }
    return tryAllocate(byteSize, 1);
  }

  /// As [#allocate(long, long)], with null for want of pages.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @return a segment of exactly `byteSize` bytes, or null if no run of enough free pages exists
  ///   at that alignment
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(long byteSize, long byteAlignment) {
    Checks.range("byte size", byteSize, 0, Long.MAX_VALUE);
    Checks.powerOfTwo("byte alignment", byteAlignment);
    MemorySegment memory = memory();
    if (byteSize == 0) {
      failures.checkOpen();
      return MemorySegment.ofAddress(byteAlignment);
    }
    int alignOrder = alignOrder(byteAlignment);
    return slice(memory, take(pagesFor(byteSize), alignOrder, phase(alignOrder)), byteSize);
  }

  /// Allocates a block of the buddy system: 2^order pages whose first page index is a multiple of
  /// 2^order. Its address is aligned to its size as far as the region's base is.
  ///
  /// @param order 0..maxOrder
  /// @return a segment of pageSize * 2^order bytes, not zeroed
  /// @throws IllegalArgumentException if `order` is out of range
  /// @throws OutOfPagesException if no block of that order is free
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public MemorySegment allocatePages(int order) {
    MemorySegment segment = tryAllocatePages(order);
    if (segment == null) {
      throw failures.outOfPages("order=" + order, 1L << order, order, 0);
    }
    return segment;
  }

  /// As [#allocatePages], with null for want of pages.
  ///
  /// @param order 0..maxOrder
  /// @return a segment of pageSize * 2^order bytes, or null if no block of that order is free
  /// @throws IllegalArgumentException if `order` is out of range
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocatePages(int order) {
    Checks.range("order", order, 0, maxOrder());
    MemorySegment memory = memory();
    long pages = 1L << order;
    return slice(memory, take(pages, order, 0), pages << pageShift);
  }

  private @Nullable MemorySegment slice(MemorySegment memory, long page, long byteSize) {
    return page == PagePool.NONE ? null : slice(memory, (int) page, byteSize);
  }

  /// The segment of an allocation, of which `byteSize` bytes may be touched from now on.
  private MemorySegment slice(MemorySegment memory, int page, long byteSize) {
    if (checked != null) {
      checked.guard(page, byteSize);
    }
    return memory.asSlice((long) page << pageShift, byteSize);
  }

  /// Frees a segment that this allocator returned. Never allocates pages, never blocks (L7).
  ///
  /// Freeing an empty segment that [#allocate(long)] returned does nothing.
  ///
  /// @param segment the segment, of the size that was asked for
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void free(MemorySegment segment) {
    if (isEmptyAllocation(segment)) {
      return;
    }
    int page = headOf(segment);
    long pages = pagesFor(segment.byteSize());
    if (!isLength(pages) || !pool.free(page, (int) pages)) {
      throw failures.invalidFree(page, pages);
    }
  }

  /// Shortens an allocation in place; the pages behind the new end are free at once.
  ///
  /// @param segment a segment that this allocator returned; it must not be used afterwards
  /// @param newByteSize the new size in bytes, 1..byteSize
  /// @return the segment to use and to free from now on, at the same address
  /// @throws IllegalArgumentException if `newByteSize` is out of range
  /// @throws InvalidFreeException if `segment` is not a live allocation; see its reasons
  public MemorySegment trim(MemorySegment segment, long newByteSize) {
    Checks.range("new byte size", newByteSize, 1, segment.byteSize());
    int page = headOf(segment);
    trimRun(page, pagesFor(segment.byteSize()), pagesFor(newByteSize));
    return slice(memory(), page, newByteSize);
  }

  private void trimRun(int page, long pages, long newPages) {
    if (!isLength(pages) || !pool.trim(page, (int) pages, (int) newPages)) {
      throw failures.invalidFree(page, pages);
    }
  }

  /// Gives an allocation another size: in place if it gets shorter or if the pages behind it are
  /// free, else by moving it, which copies its bytes and keeps no alignment beyond the page size.
  ///
  /// @param segment a segment that this allocator returned; it must not be used afterwards
  /// @param newByteSize the new size in bytes, 1 or more
  /// @return the segment to use and to free from now on; bytes that it gained are not zeroed
  /// @throws IllegalArgumentException if `newByteSize < 1`
  /// @throws InvalidFreeException if `segment` is not a live allocation; see its reasons
  /// @throws OutOfPagesException if it cannot grow in place and no run of enough free pages exists
  ///   elsewhere; `segment` is as it was
  public MemorySegment resize(MemorySegment segment, long newByteSize) {
    Checks.range("new byte size", newByteSize, 1, Long.MAX_VALUE);
    if (newByteSize <= segment.byteSize()) {
      return trim(segment, newByteSize);
    }
    if (isEmptyAllocation(segment)) {
      return allocate(newByteSize);
    }
    int page = headOf(segment);
    if (grow(page, pagesFor(segment.byteSize()), pagesFor(newByteSize))) {
      return slice(memory(), page, newByteSize);
    }
    return move(segment, page, newByteSize);
  }

  /// Grows a run in place; if it returns false, the run is held.
  private boolean grow(int page, long pages, long newPages) {
    if (!isLength(pages) || !pool.hold(page, (int) pages)) {
      throw failures.invalidFree(page, pages);
    }
    if (newPages == pages) {
      pool.release(page, (int) pages);
      return true;
    }
    return newPages <= geometry().pageCount() && pool.growHeld(page, (int) pages, (int) newPages);
  }

  private MemorySegment move(MemorySegment held, int page, long newByteSize) {
    int pages = (int) pagesFor(held.byteSize());
    MemorySegment moved = null;
    boolean copied = false;
    try {
      moved = allocate(newByteSize);
      MemorySegment.copy(held, 0, moved, 0, held.byteSize());
      copied = true;
    } finally {
      if (copied) {
        pool.freeHeld(page, pages);
      } else {
        pool.release(page, pages);
        if (moved != null) {
          free(moved);
        }
      }
    }
    return moved;
  }

  /// Fills an array with segments of one size; all or nothing.
  ///
  /// @param byteSize the size of each in bytes, 1 or more
  /// @param into the array; its former contents do not matter
  /// @return `into.length`
  /// @throws IllegalArgumentException if `byteSize < 1`
  /// @throws OutOfPagesException if not all were found; `into` is as it was, nothing is allocated
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public int allocateBulk(long byteSize, @Nullable MemorySegment[] into) {
    long[] pages = new long[into.length];
    int count = takeMany(byteSize, pages);
    if (count < pages.length) {
      freeRuns(pages, count, (int) pagesFor(byteSize));
      throw failures.outOfBulk(byteSize, into.length);
    }
    return slices(byteSize, pages, count, into);
  }

  /// Fills an array with segments of one size as far as pages are there.
  ///
  /// @param byteSize the size of each in bytes, 1 or more
  /// @param into the array; entries beyond the result are left as they were
  /// @return how many were allocated, 0..into.length
  /// @throws IllegalArgumentException if `byteSize < 1`
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public int tryAllocateBulk(long byteSize, @Nullable MemorySegment[] into) {
    long[] pages = new long[into.length];
    return slices(byteSize, pages, takeMany(byteSize, pages), into);
  }

  private int takeMany(long byteSize, long[] into) {
    Checks.range("byte size", byteSize, 1, Long.MAX_VALUE);
    memory();
    return takeRuns(pagesFor(byteSize), into);
  }

  private int takeRuns(long pages, long[] into) {
    int count = pages > geometry().pageCount() ? 0 : pool.allocateMany((int) pages, into);
    if (count < into.length) {
      failures.checkOpen();
    }
    return count;
  }

  private int slices(long byteSize, long[] pages, int count, @Nullable MemorySegment[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = slice(memory(), (int) pages[i], byteSize);
    }
    return count;
  }

  private void freeRuns(long[] firsts, int count, int pages) {
    for (int i = 0; i < count; i++) {
      pool.free((int) firsts[i], pages);
    }
  }

  // ---- page runs

  /// Allocates a run of pages and returns its index: no object, no garbage.
  ///
  /// @param pages how many, 1 or more
  /// @return the index of the first page, 0-based
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws OutOfPagesException if no run of enough free pages exists
  /// @throws IllegalStateException if the allocator is closed
  public long allocatePageRun(int pages) {
    if (pages > 0) {
      int page = pool.takeHeld(pages);
      if (page != PagePool.NONE) {
        return page;
      }
    }
    return allocatePageRun(pages, 1);
  }

  /// Allocates a run of pages at an aligned index.
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @return the index of the first page, 0-based
  /// @throws IllegalArgumentException if `pages < 1` or `pageAlignment` is not a power of two
  /// @throws OutOfPagesException if no run of enough free pages exists at that alignment
  /// @throws IllegalStateException if the allocator is closed
  public long allocatePageRun(int pages, int pageAlignment) {
    long page = tryAllocatePageRun(pages, pageAlignment);
    if (page == PagePool.NONE) {
      throw failures.outOfPages(
          "pages=" + pages + ", pageAlignment=" + pageAlignment,
          pages,
          Integer.numberOfTrailingZeros(pageAlignment),
          0);
    }
    return page;
  }

  /// As [#allocatePageRun(int)], with -1 for want of pages.
  ///
  /// @param pages how many, 1 or more
  /// @return the index of the first page, or -1 if no run of enough free pages exists
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws IllegalStateException if the allocator is closed
  public long tryAllocatePageRun(int pages) {
    return tryAllocatePageRun(pages, 1);
  }

  /// As [#allocatePageRun(int, int)], with -1 for want of pages.
  ///
  /// @param pages how many, 1 or more
  /// @param pageAlignment a power of two; the index is a multiple of it
  /// @return the index of the first page, or -1 if no run of enough free pages exists there
  /// @throws IllegalArgumentException if `pages < 1` or `pageAlignment` is not a power of two
  /// @throws IllegalStateException if the allocator is closed
  public long tryAllocatePageRun(int pages, int pageAlignment) {
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    Checks.powerOfTwo("page alignment", pageAlignment);
    return take(pages, Integer.numberOfTrailingZeros(pageAlignment), 0);
  }

  private long take(long pages, int alignOrder, long phase) {
    if (pages <= geometry().pageCount()) {
      int page = pool.allocate((int) pages, alignOrder, phase);
      if (page != PagePool.NONE) {
        return page;
      }
    }
    failures.checkOpen();
    return PagePool.NONE;
  }

  /// Fills an array with runs of one length; all or nothing. No object, no garbage.
  ///
  /// @param pages the length of each, 1 or more
  /// @param into gets the indices of their first pages, 0-based
  /// @return `into.length`
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws OutOfPagesException if not all were found; nothing is allocated, and what `into` holds
  ///   is undefined
  /// @throws IllegalStateException if the allocator is closed
  public int allocatePageRuns(int pages, long[] into) {
    int count = tryAllocatePageRuns(pages, into);
    if (count < into.length) {
      freeRuns(into, count, pages);
      throw failures.outOfRuns(pages, into.length);
    }
    return count;
  }

  /// Fills an array with runs of one length as far as pages are there. No object, no garbage.
  ///
  /// @param pages the length of each, 1 or more
  /// @param into gets the indices of their first pages, 0-based
  /// @return how many were allocated, 0..into.length
  /// @throws IllegalArgumentException if `pages < 1`
  /// @throws IllegalStateException if the allocator is closed
  public int tryAllocatePageRuns(int pages, long[] into) {
    Checks.range("pages", pages, 1, Integer.MAX_VALUE);
    return takeRuns(pages, into);
  }

  /// Frees a run. Never allocates, never blocks (L7).
  ///
  /// @param page the index that allocation returned
  /// @param pages its length
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void freePageRun(long page, int pages) {
    if (!isRun(page, pages) || !pool.free((int) page, pages)) {
      throw failures.invalidFree(page, pages);
    }
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
    trimRun((int) page, pages, newPages);
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
    boolean grown = grow((int) page, pages, newPages);
    if (!grown) {
      pool.release((int) page, pages);
    }
    return grown;
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
    return memory().asSlice(page << pageShift, (long) pages << pageShift);
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
    checkArenas();
    return PageArena.confined(this, hasNativeAccess());
  }

  /// Opens an arena for any threads, as safe as [java.lang.foreign.Arena#ofShared]: closing it
  /// costs a handshake with all threads, 30 to 60 microseconds. Native access as for [#openArena].
  ///
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openSharedArena() {
    checkArenas();
    return PageArena.shared(this, hasNativeAccess());
  }

  /// Opens an arena for any threads that is cheap to close, because its segments do not end: who
  /// uses one after `close` reads or writes what may be somebody else's by then. Needs no native
  /// access.
  ///
  /// @return a new arena
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openUnscopedArena() {
    checkArenas();
    return PageArena.unscoped(this);
  }

  /// How many arenas took the JDK's memory for want of native access.
  ///
  /// @return 0 or more
  public long unpooledArenas() {
    return unpooledArenas.get();
  }

  /// How many arenas were found that nobody had closed and nobody could close any more; 0 unless
  /// [PageAllocatorBuilder#watchArenas] was called.
  ///
  /// @return 0 or more
  public long forgottenArenas() {
    return forgottenArenas.get();
  }

  void countForgottenArena() {
    forgottenArenas.incrementAndGet();
  }

  boolean watchesArenas() {
    return watchesArenas;
  }

  private void checkArenas() {
    memory();
    failures.checkOpen();
  }

  private boolean hasNativeAccess() {
    if (!nativeAccess && unpooledArenas.getAndIncrement() == 0) {
      LOG.warn("no native access, so arenas take the JDK's memory: {}, name={}", REMEDY, name);
    }
    return nativeAccess;
  }

  /// Takes the pages of an arena's chunk.
  ///
  /// @return the first page, or -1 for want of pages
  long tryTakeRun(int pages) {
    int page = pool.takeHeld(pages);
    return page != PagePool.NONE ? page : take(pages, 0, 0);
  }

  /// Takes the pages of a large allocation of an arena, as [#allocate(long, long)] would.
  long takeRun(long byteSize, long byteAlignment) {
    long pages = pagesFor(byteSize);
    int alignOrder = alignOrder(byteAlignment);
    long page =
        alignOrder == 0 && pages <= PagePool.MOST_HELD
            ? tryTakeRun((int) pages)
            : take(pages, alignOrder, phase(alignOrder));
    if (page == PagePool.NONE) {
      throw failures.outOfMemory(byteSize, byteAlignment);
    }
    if (checked != null) {
      checked.guard((int) page, byteSize);
    }
    return page;
  }

  /// Whether a run that was just allocated is certainly all zero.
  boolean isKnownZero(long page, int pages) {
    return pool.isKnownZero((int) page, pages);
  }

  long base() {
    return base;
  }

  long addressOf(long page) {
    return base + (page << pageShift);
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
    long cachedPages = pool.cachedPages();
    return new BuddyInfo(name, pageSize(), pageCount(), cachedPages, pool.freeAreas());
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
    checkCorruptions();
    if (pool.nextHead(0) < pageCount()) {
      throw failures.liveAllocations("allocations were not freed");
    }
  }

  private void checkCorruptions() {
    List<Corruption> found = checked == null ? List.of() : checked.findCorruptions();
    if (!found.isEmpty()) {
      throw Failures.corrupted(name, found);
    }
  }

  /// Closes the allocator and gives its memory back. All segments of a region that the allocator
  /// owns fail from then on. Closing twice does nothing.
  ///
  /// @throws LiveAllocationsException if allocations are live: how many and where; the allocator
  ///   stays open and usable
  /// @throws CorruptedMemoryException if freed memory was written to; the allocator is closed all
  ///   the same, and its memory has gone back; only with [CheckLevel#FULL]
  /// @throws IllegalStateException if a native call is using a segment at this moment; the
  ///   allocator is closed, and its memory goes back when `close` is called again
  @Override
  @MightSleep
  public void close() {
    synchronized (closing) {
      if (!pool.close()) {
        throw failures.liveAllocations("close with live allocations");
      }
      try {
        checkCorruptions();
      } finally {
        source.close();
      }
    }
    LockSupport.unpark(purgeThread);
    LOG.debug("closed: name={}", name);
  }

  private Geometry geometry() {
    return pool.geometry();
  }

  MemorySegment memory() {
    if (region == null) {
      throw new UnsupportedOperationException(
          "region has no memory, use page runs: name=" + name + ", region=reserve-only");
    }
    return region;
  }

  /// log2 of the pages that an alignment spans.
  int alignOrder(long byteAlignment) {
    return Math.max(0, Long.numberOfTrailingZeros(byteAlignment) - pageShift);
  }

  /// How far the region's base is beyond such an alignment, in pages.
  long phase(int alignOrder) {
    return (base >>> pageShift) & ((1L << alignOrder) - 1);
  }

  /// The pages that hold `byteSize` bytes.
  long pagesFor(long byteSize) {
    return byteSize == 0 ? 0 : ((byteSize - 1) >>> pageShift) + 1;
  }

  private boolean isLength(long pages) {
    return pages >= 1 && pages <= geometry().pageCount();
  }

  /// Empty segments of ours lie outside of the region; an empty slice of an allocation does not.
  private boolean isEmptyAllocation(MemorySegment segment) {
    return segment.byteSize() == 0 && !isWithin(segment.address());
  }

  private boolean isWithin(long address) {
    return address >= base && address - base < capacity;
  }

  private boolean hasRegionScope(MemorySegment segment) {
    MemorySegment.Scope scope = segment.scope();
    return scope.equals(regionScope);
  }

  /// The page at which a segment starts, if it looks like one of ours.
  private int headOf(MemorySegment segment) {
    long address = segment.address();
    if (!isWithin(address) || !hasRegionScope(segment)) {
      throw failures.invalidSegment(Reason.FOREIGN_SEGMENT, segment);
    }
    if (segment.isReadOnly() != readOnly) {
      throw failures.invalidSegment(Reason.READ_ONLY, segment);
    }
    if ((address & (pageSize() - 1)) != 0) {
      throw failures.invalidSegment(Reason.INTERIOR_POINTER, segment);
    }
    return (int) ((address - base) >>> pageShift);
  }
}
