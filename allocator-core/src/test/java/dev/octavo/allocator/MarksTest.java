package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Marks of the region and of accounts, which hold for every way to a page: from a leased word, in
/// the name of a child, of no account, or by growth.
@Timeout(60)
class MarksTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 2048;
  private static final int MIN = 80;
  private static final int ATOMIC_MIN = 30;

  // ---- leased words

  private static PageAllocator leasing() {
    return PageAllocator.builder()
        .capacity((long) PAGES * PAGE)
        .watermarks(Watermarks.of(MIN * PAGE, 100 * PAGE, 120 * PAGE))
        .threadCache(64L * PAGE, 64L * PAGE * 16) // one word each
        .waitAtMost(Duration.ZERO)
        .build();
  }

  /// Leaves exactly `free` pages, some of them in a word that the thread of `owner` has leased.
  private static List<long[]> drain(PageAllocator pages, ExecutorService owner, int free)
      throws Exception {
    List<long[]> taken = new ArrayList<>();
    taken.add(owner.submit(() -> new long[] {pages.allocatePageRun(1), 1}).get());
    while (pages.freePages() > free) {
      int count = (int) Math.min(64, pages.freePages() - free);
      taken.add(new long[] {pages.allocatePageRun(count, AllocationMode.ATOMIC), count});
    }
    return taken;
  }

  @ParameterizedTest
  @CsvSource({"NOWAIT, 80", "ATOMIC, 30", "BLOCKING, 80"})
  void aLeasedWordLeavesTheReserve(AllocationMode mode, int mark) throws Exception {
    try (PageAllocator pages = leasing();
        ExecutorService owner = Executors.newSingleThreadExecutor()) {
      List<long[]> taken = drain(pages, owner, mark);
      for (int i = 0; i < 63; i++) {
        long page = owner.submit(() -> ask(pages, 1, mode)).get();
        if (page >= 0) {
          taken.add(new long[] {page, 1});
        }
      }
      assertThat(pages.freePages()).isEqualTo(mark);
      taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    }
  }

  private static long ask(PageAllocator pages, int count, AllocationMode mode) {
    try {
      return pages.allocatePageRun(count, mode);
    } catch (OutOfPagesException e) {
      return -1;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8})
  void triesAndBlocksOfALeasedWordLeaveTheReserve(int count) throws Exception {
    try (PageAllocator pages = leasing();
        ExecutorService owner = Executors.newSingleThreadExecutor()) {
      List<long[]> taken = drain(pages, owner, MIN);
      List<MemorySegment> got = new ArrayList<>();
      for (int i = 0; i < 63; i++) {
        MemorySegment segment = owner.submit(() -> tryOnce(pages, count)).get();
        if (segment != null) {
          got.add(segment);
        }
      }
      long[] bulk = new long[16];
      int many = owner.submit(() -> pages.tryAllocatePageRuns(1, bulk)).get();
      assertThat(pages.freePages()).isEqualTo(MIN);
      assertThat(many).isZero();
      got.forEach(pages::free);
      taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    }
  }

  private static @Nullable MemorySegment tryOnce(PageAllocator pages, int count) {
    MemorySegment segment = pages.tryAllocate((long) count * PAGE);
    return segment != null ? segment : pages.tryAllocatePages(Integer.numberOfTrailingZeros(count));
  }

  @Test
  void growthOfALeasedRunLeavesTheReserve() throws Exception {
    try (PageAllocator pages = leasing();
        ExecutorService owner = Executors.newSingleThreadExecutor()) {
      List<long[]> taken = drain(pages, owner, MIN);
      long page = taken.getFirst()[0];
      boolean grew = owner.submit(() -> pages.tryGrowPageRun(page, 1, 2)).get();
      taken.set(0, new long[] {page, grew ? 2 : 1});
      assertThat(pages.freePages()).isEqualTo(MIN);
      taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    }
  }

  @Test
  void withAtomicALeasedWordMayGoBelowMin() throws Exception {
    try (PageAllocator pages = leasing();
        ExecutorService owner = Executors.newSingleThreadExecutor()) {
      List<long[]> taken = drain(pages, owner, MIN);
      for (int i = 0; i < MIN - ATOMIC_MIN; i++) {
        taken.add(owner.submit(() -> new long[] {ask(pages, 1, AllocationMode.ATOMIC), 1}).get());
      }
      assertThat(pages.freePages()).isEqualTo(ATOMIC_MIN);
      taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    }
  }

  // ---- high marks of accounts

  private static MemoryAccount.Limits high(int count) {
    return new MemoryAccount.Limits(0, 0, (long) count * PAGE, Long.MAX_VALUE);
  }

  private static AccountWorld world() {
    return new AccountWorld(4000, builder -> builder.oomPolicy(OomPolicy.none()));
  }

  /// Frees all entries; the reclaimer may be about to free the last of them.
  private static void clear(AccountWorld world, ShrinkingCache cache) {
    cache.clear();
    Requests.await("the end of a scan", () -> world.pages.freePages() == world.pages.pageCount());
  }

  private static ShrinkingCache cache(AccountWorld world, AccountAllocator owner, int count) {
    ShrinkingCache cache = new ShrinkingCache(world.pages);
    cache.fill(owner, count);
    world.pages.addShrinker("cache", cache, owner.account());
    return cache;
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 1, 10", "VIRTUAL, 1, 10", "PLATFORM, 3, 10", "PLATFORM, 1, 1000"})
  void theHighMarkOfEachAncestorCounts(On on, int levelsBelow, int kidsHigh) throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator parent = world.open(world.root, "par", account -> account.limits(high(120)));
      ShrinkingCache cache = cache(world, parent, 100);
      AccountAllocator kid = parent;
      for (int i = 0; i < levelsBelow; i++) {
        kid = world.open(kid.account(), "kid" + i, account -> account.limits(high(kidsHigh)));
      }
      AccountAllocator payer = kid;
      List<MemorySegment> got =
          world.requests.start(on, () -> singles(payer, 60)).served(Requests.LONG);
      Requests.await("a scan of the parent's cache", () -> cache.scans() > 0);
      got.forEach(world.pages::free);
      clear(world, cache);
    }
  }

  private static List<MemorySegment> singles(AccountAllocator owner, int count) {
    List<MemorySegment> got = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      got.add(owner.allocate(PAGE));
    }
    return got;
  }

  /// Ways of growth in the name of no account.
  enum Way {
    SEGMENT,
    RUN,
    BLOCK,
    BULK,
    RUNS,
    ARENA,
    RESIZE
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void theRootsHighMarkCountsForRequestsInTheNameOfNoAccount(Way way) throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator owner = world.open(world.root, "owner", UnaryOperator.identity());
      ShrinkingCache cache = cache(world, owner, 100);
      ShrinkingCache ofRoot = new ShrinkingCache(world.pages);
      ofRoot.fill(50);
      world.pages.addShrinker("root", ofRoot, world.root);
      world.root.limits(high(120));
      RequestForm form = RequestForm.valueOf(way.name());
      List<Runnable> got = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        got.add(world.requests.start(On.PLATFORM, () -> form.prepare(world.pages).ask(4)).served());
      }
      Requests.await("a scan of the root's cache", () -> ofRoot.scans() + cache.scans() > 0);
      got.forEach(Runnable::run);
      ofRoot.clear();
      clear(world, cache);
    }
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void growthByResizeCountsForTheHighMark(On on) throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator owner =
          world.open(world.root, "owner", account -> account.limits(high(100)));
      ShrinkingCache cache = cache(world, owner, 80);
      MemorySegment small = owner.allocate(PAGE);
      MemorySegment[] grown = {small};
      for (int i = 2; i < 60; i++) {
        long byteSize = (long) i * PAGE;
        grown[0] = world.requests.start(on, () -> world.pages.resize(grown[0], byteSize)).served();
      }
      Requests.await("a scan of the account's cache", () -> cache.scans() > 0);
      world.pages.free(grown[0]);
      clear(world, cache);
    }
  }

  @ParameterizedTest
  @CsvSource({"NOWAIT, false", "ATOMIC, false", "NOWAIT, true", "ATOMIC, true"})
  void whatDoesNotWaitHasShrinkersAskedToo(AllocationMode mode, boolean isOfChild) {
    try (AccountWorld world = world()) {
      AccountAllocator owner = world.open(world.root, "owner", account -> account.limits(high(50)));
      ShrinkingCache cache = cache(world, owner, 40);
      AccountAllocator payer =
          isOfChild ? world.open(owner.account(), "kid", UnaryOperator.identity()) : owner;
      List<MemorySegment> got = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        got.add(payer.allocate(PAGE, mode));
      }
      for (int i = 0; i < 20; i++) {
        got.add(Objects.requireNonNull(payer.tryAllocate(PAGE, 1, mode)));
      }
      Requests.await("a scan of the account's cache", () -> cache.scans() > 0);
      got.forEach(world.pages::free);
      clear(world, cache);
    }
  }

  // ---- growth that does not wait

  /// A clock with which one thread must not sleep.
  private static WaitClock neverParks(Thread thread) {
    return new WaitClock() {
      @Override
      public long nanoTime() {
        return SYSTEM.nanoTime();
      }

      @Override
      public void park(Object blocker, long nanos) {
        assertThat(Thread.currentThread()).as("a thread that sleeps").isNotSameAs(thread);
        SYSTEM.park(blocker, nanos);
      }

      @Override
      public void unpark(Thread other) {
        SYSTEM.unpark(other);
      }
    };
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tryGrowAboveTheHighMarkDoesNotSleep(boolean isAtomic) {
    try (AccountWorld world =
        new AccountWorld(
            4000,
            builder ->
                builder
                    .oomPolicy(OomPolicy.none())
                    .waitClock(neverParks(Thread.currentThread()))
                    .sleepGuard(SleepGuard.of(SleepGuard.Mode.THROW)))) {
      world.root.limits(high(4));
      long page = world.pages.allocatePageRun(10, AllocationMode.NOWAIT);
      int count = isAtomic ? growInAtomicSection(world.pages, page) : grow(world.pages, page, 10);
      assertThat(count).isGreaterThan(100);
      world.pages.freePageRun(page, count);
    }
  }

  private static int growInAtomicSection(PageAllocator pages, long page) {
    try (var _ = AtomicContext.enter("growth")) {
      return grow(pages, page, 10);
    }
  }

  /// @return the length at the end
  private static int grow(PageAllocator pages, long page, int count) {
    int length = count;
    for (int i = 0; i < 200; i++) {
      length += pages.tryGrowPageRun(page, length, length + 1) ? 1 : 0;
    }
    return length;
  }
}
