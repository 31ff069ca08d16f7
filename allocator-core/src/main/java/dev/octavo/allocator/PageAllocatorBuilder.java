package dev.octavo.allocator;

import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.cache.CacheLimits;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.region.RegionMemory;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.oom.OomKillerBuilder;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Describes a [PageAllocator]. Each setter checks its own value at once, [#build] how they fit
/// together. Not thread-safe.
public final class PageAllocatorBuilder {

  private static final int MIN_PAGE_SIZE = 64;
  private static final int MAX_PAGE_SIZE = 2 << 20;
  private static final long UNSET = -1;
  private static final int LARGEST_POSSIBLE = -1;
  private static final Duration MIN_PURGE_DELAY = Duration.ofMillis(1);
  private static final Duration NEVER = Duration.ofNanos(Long.MAX_VALUE);
  private static final long MAX_CAPACITY = (long) Geometry.MAX_PAGES * MAX_PAGE_SIZE;

  private long capacity = UNSET;
  int pageSize = PageAllocator.DEFAULT_PAGE_SIZE;
  private int maxOrder = LARGEST_POSSIBLE;
  private @Nullable MemoryRegion region;
  private long bytesPerThread = UNSET;
  private long bytesTotal = UNSET;
  CheckLevel checks = CheckLevel.BASIC;
  private Duration purgeDelay = Duration.ofSeconds(4);
  private @Nullable LongSupplier purgeClock;
  private @Nullable Watermarks watermarks;
  @Nullable MemoryAccount accounts;
  private OomPolicy oomPolicy = OomPolicy.kernel();
  private Consumer<OomKillerBuilder> oomSettings = settings -> {};
  SleepGuard guard = SleepGuard.ofProcess();
  long waitNanos = Duration.ofSeconds(30).toNanos();
  WaitClock waitClock = WaitClock.SYSTEM;
  String name = "octavo";
  boolean watchesArenas;
  boolean nativeAccess = PageAllocator.class.getModule().isNativeAccessEnabled();

  PageAllocatorBuilder() {}

  /// Sets how much memory is managed. Default: the whole pages of the region; required without one.
  ///
  /// @param byteSize bytes, a multiple of the page size, at most 2^30 pages
  /// @return this
  /// @throws IllegalArgumentException if `byteSize` is out of range
  public PageAllocatorBuilder capacity(long byteSize) {
    Checks.range("capacity", byteSize, MIN_PAGE_SIZE, MAX_CAPACITY);
    capacity = byteSize;
    return this;
  }

  /// Sets the size of a page, the unit of everything. Default 4096.
  ///
  /// @param byteSize bytes, a power of two, 64..2 MiB
  /// @return this
  /// @throws IllegalArgumentException if `byteSize` is out of range or no power of two
  public PageAllocatorBuilder pageSize(int byteSize) {
    Checks.range("page size", byteSize, MIN_PAGE_SIZE, MAX_PAGE_SIZE);
    Checks.powerOfTwo("page size", byteSize);
    pageSize = byteSize;
    return this;
  }

  /// Sets the largest order. Default: the largest of which a block fits into the capacity. Runs may
  /// be longer than the largest block.
  ///
  /// @param order 0..30
  /// @return this
  /// @throws IllegalArgumentException if `order` is out of range
  public PageAllocatorBuilder maxOrder(int order) {
    Checks.range("max order", order, 0, Geometry.largestOrder(Geometry.MAX_PAGES));
    maxOrder = order;
    return this;
  }

  /// Sets where the memory comes from. Default: a [MemoryRegion#ofArena] of the capacity.
  ///
  /// @param memoryRegion the region, for this allocator alone
  /// @return this
  public PageAllocatorBuilder region(MemoryRegion memoryRegion) {
    region = Objects.requireNonNull(memoryRegion, "region");
    return this;
  }

  /// Sets how much free memory platform threads may keep to themselves, so that they allocate and
  /// free with plain stores. Default: 1/32 of the capacity each, 1/4 in all. What is kept counts as
  /// free, and is given back when anybody else would fail, even by threads that sleep for ever.
  ///
  /// A thread keeps whole words of 64 units, at most three of pages and two of 64 pages, as many as
  /// its limit allows when it starts.
  ///
  /// @param byteSizePerThread bytes, 0 or more; less than 64 pages is the same as 0, no cache
  /// @param byteSizeInAll bytes, 0 or more; threads that find it used up keep nothing
  /// @return this
  /// @throws IllegalArgumentException if one of them is negative
  public PageAllocatorBuilder threadCache(long byteSizePerThread, long byteSizeInAll) {
    Checks.range("thread cache per thread", byteSizePerThread, 0, Long.MAX_VALUE);
    Checks.range("thread cache in all", byteSizeInAll, 0, Long.MAX_VALUE);
    bytesPerThread = byteSizePerThread;
    bytesTotal = byteSizeInAll;
    return this;
  }

  /// Sets how much is checked. Default [CheckLevel#BASIC].
  ///
  /// @param level the grade
  /// @return this
  public PageAllocatorBuilder checks(CheckLevel level) {
    checks = Objects.requireNonNull(level, "checks");
    return this;
  }

  /// Sets how long memory stays free before it goes back to the system: at least half of this, at
  /// most about all of it. Default 4 s. A daemon thread of the allocator does it, which ends when
  /// the allocator is closed, or garbage. There is none if the region keeps its memory (see
  /// [MemoryRegion]) or if the delay is 292 years or more.
  ///
  /// @param delay 1 ms or more; [java.time.temporal.ChronoUnit#FOREVER]'s duration means never, but
  ///   by [PageAllocator#purge]
  /// @return this
  /// @throws IllegalArgumentException if `delay` is less than 1 ms, zero or negative
  public PageAllocatorBuilder purgeDelay(Duration delay) {
    if (delay.compareTo(MIN_PURGE_DELAY) < 0) {
      throw new IllegalArgumentException(
          "purge delay out of range: value=" + delay + ", min=" + MIN_PURGE_DELAY);
    }
    purgeDelay = delay;
    return this;
  }

  /// Makes a clock count the purge delay, and nobody look at it but who calls the timer's `tick`.
  PageAllocatorBuilder purgeClock(LongSupplier nanoseconds) {
    purgeClock = nanoseconds;
    return this;
  }

  /// Sets at which amounts of free memory the allocator starts to reclaim and keeps a reserve.
  /// Default: Linux's formula for the capacity, [Watermarks#byDefault(long, int)].
  ///
  /// @param marks the amounts; [Watermarks#none] for no reserve
  /// @return this
  public PageAllocatorBuilder watermarks(Watermarks marks) {
    watermarks = Objects.requireNonNull(marks, "watermarks");
    return this;
  }

  /// Has all that is allocated charged to accounts: what [PageAllocator#under] allocates to its
  /// account, everything else to the root. Takes two bytes a page. Default: no accounts.
  ///
  /// @param root the top of a tree of accounts
  /// @return this
  /// @throws IllegalArgumentException if it is no root
  public PageAllocatorBuilder accounts(MemoryAccount root) {
    if (root.parent().isPresent()) {
      throw new IllegalArgumentException("account is no root: account=" + root.path());
    }
    accounts = root;
    return this;
  }

  /// Sets who must give when BLOCKING requests wait in vain: for memory, or for room in an account.
  /// Default: [OomPolicy#kernel]. Without [accounts][#accounts] nobody is ever chosen.
  ///
  /// @param policy the policy; its mistakes are contained
  /// @return this
  public PageAllocatorBuilder oomPolicy(OomPolicy policy) {
    oomPolicy = Objects.requireNonNull(policy, "OOM policy");
    return this;
  }

  /// Sets how an episode goes: grace, tries, dry run and the like.
  ///
  /// @param settings changes the defaults; called by [#build], after the policy and the clock were
  ///   set
  /// @return this
  public PageAllocatorBuilder oomKiller(Consumer<OomKillerBuilder> settings) {
    oomSettings = Objects.requireNonNull(settings, "OOM killer");
    return this;
  }

  OomKiller killer(OomKiller.Host host) {
    OomKillerBuilder builder = OomKiller.of(host).policy(oomPolicy).clock(waitClock::nanoTime);
    oomSettings.accept(builder);
    return builder.build();
  }

  /// Sets who is told of BLOCKING requests in atomic sections. Default: [SleepGuard#ofProcess].
  ///
  /// @param sleepGuard the guard
  /// @return this
  public PageAllocatorBuilder sleepGuard(SleepGuard sleepGuard) {
    guard = Objects.requireNonNull(sleepGuard, "sleep guard");
    return this;
  }

  /// Sets how long a BLOCKING request waits for memory that does not say it itself. Default 30 s.
  ///
  /// @param atMost 0 or more; 0 does not wait
  /// @return this
  /// @throws IllegalArgumentException if `atMost` is negative
  public PageAllocatorBuilder waitAtMost(Duration atMost) {
    waitNanos = Checks.nanos("wait at most", atMost);
    return this;
  }

  /// Makes waiting go by another clock.
  PageAllocatorBuilder waitClock(WaitClock clock) {
    waitClock = clock;
    return this;
  }

  /// Sets the name that messages and [BuddyInfo] show. Default `octavo`.
  ///
  /// @param allocatorName the name
  /// @return this
  public PageAllocatorBuilder name(String allocatorName) {
    name = Objects.requireNonNull(allocatorName, "name");
    return this;
  }

  /// Has arenas reported that were never closed: when neither the arena nor any of its segments can
  /// be reached any more, the log says where it was opened, and its pages go back. Pages of an
  /// unscoped arena do not, as its segments do not tell whether they are used. Default: off, as it
  /// makes opening an arena some microseconds slower.
  ///
  /// @return this
  public PageAllocatorBuilder watchArenas() {
    watchesArenas = true;
    return this;
  }

  /// Makes as if the JVM had been started without native access for this module.
  PageAllocatorBuilder withoutNativeAccess() {
    nativeAccess = false;
    return this;
  }

  /// Builds the allocator and gets its memory.
  ///
  /// @return the allocator, nothing allocated
  /// @throws IllegalArgumentException if neither capacity nor region is set, if the high watermark
  ///   exceeds the capacity, if the capacity is no multiple of the page size, has no page or more
  ///   than 2^30, or exceeds the region, if the largest order does not fit into the capacity, or if
  ///   the region's address is no multiple of the page size
  /// @throws IllegalStateException if the region already serves an allocator
  /// @throws java.io.UncheckedIOException if the system refuses a mapping
  /// @throws OutOfMemoryError if the JVM has no memory for the region
  public PageAllocator build() {
    long byteSize = checkedCapacity();
    int pageCount = (int) (byteSize / pageSize);
    int largest = Geometry.largestOrder(pageCount);
    int order = maxOrder == LARGEST_POSSIBLE ? largest : maxOrder;
    Checks.range("max order", order, 0, largest);
    Geometry geometry = new Geometry(pageCount, order, Geometry.RADIX_LOG2);
    MemoryRegion source = region == null ? MemoryRegion.ofArena(byteSize) : region;
    RegionMemory memory = source.open(pageSize);
    try {
      return open(geometry, memory);
    } catch (RuntimeException | OutOfMemoryError e) {
      memory.close();
      throw e;
    }
  }

  private PageAllocator open(Geometry geometry, RegionMemory memory) {
    PageAllocator allocator = new PageAllocator(this, geometry, memory);
    if (purgeDelay.compareTo(NEVER) < 0) {
      allocator.startPurging(purgeDelay, purgeClock);
    }
    return allocator;
  }

  Watermarks watermarks(long byteSize) {
    Watermarks marks = watermarks == null ? Watermarks.byDefault(byteSize, pageSize) : watermarks;
    Checks.range("high watermark", marks.highBytes(), 0, byteSize);
    return marks;
  }

  CacheLimits limits(Geometry geometry) {
    return bytesPerThread == UNSET
        ? CacheLimits.byDefault(geometry)
        : new CacheLimits(
            (int) Math.min(bytesPerThread / pageSize, geometry.pageCount()), bytesTotal / pageSize);
  }

  private long checkedCapacity() {
    MemoryRegion given = region;
    if (given == null && capacity == UNSET) {
      throw new IllegalArgumentException("capacity not set: capacity=none, region=none");
    }
    long byteSize = capacity;
    if (given != null) {
      long whole = given.byteSize() - given.byteSize() % pageSize;
      byteSize = capacity == UNSET ? whole : capacity;
      Checks.range("capacity", byteSize, pageSize, given.byteSize());
    }
    Checks.multiple("capacity", byteSize, pageSize);
    Checks.range("capacity in pages", byteSize / pageSize, 1, Geometry.MAX_PAGES);
    return byteSize;
  }
}
