package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.reclaim.JumpingClock;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests that wait: until when, in which order, and for whose memory. With a clock that jumps
/// instead of sleeping, or with threads that are waited for, never for a time.
@Timeout(60)
class WaitingTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 256;
  private static final long WAIT_SECONDS = 7;

  private final JumpingClock clock = new JumpingClock();
  private PageAllocator pages = build(CheckLevel.BASIC, true);

  private PageAllocator build(CheckLevel checks, boolean jumps) {
    PageAllocatorBuilder builder =
        PageAllocator.builder()
            .capacity((long) PAGES * PAGE)
            .watermarks(Watermarks.none())
            .waitAtMost(Duration.ofSeconds(WAIT_SECONDS))
            .checks(checks);
    return (jumps ? builder.waitClock(clock) : builder).build();
  }

  @AfterEach
  void nothingIsLost() {
    assertThat(pages.waiters()).isZero();
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.buddyInfo().freePages()).isEqualTo(PAGES);
    pages.close();
  }

  private long elapsed(Runnable action) {
    long start = clock.nanoTime();
    action.run();
    return clock.nanoTime() - start;
  }

  private static void awaitWaiters(PageAllocator pages, int count) {
    while (pages.waiters() != count) {
      Thread.onSpinWait();
    }
  }

  private static <T> FutureTask<T> start(boolean isVirtual, Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.Builder builder = isVirtual ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
    Thread thread = builder.start(task);
    while (thread.getState() != Thread.State.TIMED_WAITING && thread.isAlive()) {
      Thread.onSpinWait(); // until it is in line
    }
    return task;
  }

  // ---- until when

  @Test
  void aRequestFailsAtItsDeadline() {
    long all = pages.allocatePageRun(PAGES);
    long nanos =
        elapsed(
            () ->
                assertThatThrownBy(() -> pages.allocate(1))
                    .isInstanceOfSatisfying(
                        OutOfPagesException.class,
                        e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.DEADLINE))
                    .hasMessageStartingWith(
                        "waited until the deadline, not enough memory: byteSize=1, byteAlignment=1,"
                            + " mode=BLOCKING"));
    assertThat(Duration.ofNanos(nanos)).isEqualTo(Duration.ofSeconds(WAIT_SECONDS));
    pages.freePageRun(all, PAGES);
  }

  @Test
  void aRequestMayHaveADeadlineOfItsOwn() {
    long all = pages.allocatePageRun(PAGES);
    long nanos =
        elapsed(
            () ->
                assertThatThrownBy(
                        () ->
                            pages.allocate(1, 1, AllocationMode.BLOCKING, Duration.ofMillis(1234)))
                    .isInstanceOf(OutOfPagesException.class));
    assertThat(Duration.ofNanos(nanos)).isEqualTo(Duration.ofMillis(1234));
    nanos =
        elapsed(
            () ->
                assertThatThrownBy(
                        () -> pages.allocate(1, 1, AllocationMode.BLOCKING, Duration.ZERO))
                    .isInstanceOfSatisfying(
                        OutOfPagesException.class,
                        e ->
                            assertThat(e.reason())
                                .isEqualTo(OutOfPagesException.Reason.NOT_ENOUGH_MEMORY)));
    assertThat(nanos).isZero();
    pages.freePageRun(all, PAGES);
  }

  @Test
  void whatCanNeverBeServedDoesNotWait() {
    assertThat(
            elapsed(
                () ->
                    assertThatThrownBy(() -> pages.allocatePageRun(PAGES + 1))
                        .isInstanceOf(OutOfPagesException.class)))
        .isZero();
  }

  @Test
  void anInterruptEndsTheWaitAndStays() {
    long all = pages.allocatePageRun(PAGES);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> pages.allocatePages(0))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.INTERRUPTED))
        .hasMessageStartingWith("interrupted while waiting, not enough memory: order=0");
    assertThat(Thread.interrupted()).isTrue();
    pages.freePageRun(all, PAGES);
  }

  @Test
  void nowaitAndAtomicNeverWait() {
    long all = pages.allocatePageRun(PAGES);
    for (AllocationMode mode : List.of(AllocationMode.NOWAIT, AllocationMode.ATOMIC)) {
      assertThat(
              elapsed(
                  () ->
                      assertThatThrownBy(() -> pages.allocate(1, mode))
                          .isInstanceOf(OutOfPagesException.class)))
          .isZero();
    }
    pages.freePageRun(all, PAGES);
  }

  // ---- hand-off

  @ParameterizedTest
  @ValueSource(strings = {"BASIC", "FULL", "NONE"})
  void whatIsFreedGoesToTheOneWhoWaits(String checks) {
    pages.close();
    pages = build(CheckLevel.valueOf(checks), true);
    MemorySegment all = pages.allocate((long) PAGES * PAGE);
    clock.plan(() -> pages.free(all));
    MemorySegment[] waited = new MemorySegment[1];
    assertThat(elapsed(() -> waited[0] = pages.allocate(3 * PAGE))).isZero();
    assertThat(waited[0].byteSize()).isEqualTo(3 * PAGE);
    pages.free(waited[0]);
  }

  @Test
  void aTrimmedTailGoesToTheOneWhoWaits() {
    long all = pages.allocatePageRun(PAGES);
    clock.plan(() -> pages.trimPageRun(all, PAGES, PAGES - 1));
    assertThat(pages.allocatePageRun(1)).isEqualTo(PAGES - 1);
    pages.freePageRun(all, PAGES - 1);
    pages.freePageRun(PAGES - 1, 1);
  }

  @Test
  void aBulkRequestWaitsForEachOfItsRuns() {
    long[] into = new long[8];
    long[] all = new long[PAGES];
    pages.allocatePageRuns(1, all);
    for (int i = 0; i < into.length; i++) {
      long page = all[i * 3];
      clock.plan(() -> pages.freePageRun(page, 1));
    }
    pages.allocatePageRuns(1, into);
    for (long page : all) {
      pages.freePageRun(page, 1);
    }
  }

  @Test
  void aBulkRequestThatFailsTakesNothing() {
    long[] all = new long[PAGES];
    pages.allocatePageRuns(1, all);
    clock.plan(() -> pages.freePageRun(all[0], 1));
    clock.plan(() -> pages.freePageRun(all[9], 1));
    assertThatThrownBy(() -> pages.allocateBulk(PAGE, new MemorySegment[3]))
        .isInstanceOf(OutOfPagesException.class)
        .hasMessageStartingWith("waited until the deadline, not enough memory: pages=1, count=3");
    assertThat(pages.buddyInfo().freePages()).isEqualTo(2);
    for (int i = 1; i < PAGES; i++) {
      if (i != 9) {
        pages.freePageRun(all[i], 1);
      }
    }
  }

  @Test
  void whoWaitsForWhatSinceWhenAndWhyIsSaid() {
    long all = pages.allocatePageRun(PAGES);
    List<String> said = new ArrayList<>();
    clock.plan(() -> clock.advance(3_000_000_000L));
    clock.plan(
        () -> {
          said.addAll(pages.waitersText().lines().toList());
          pages.freePageRun(all, PAGES);
        });
    pages.freePageRun(pages.allocatePageRun(40, 8), 40);
    String thread = Thread.currentThread().getName();
    assertThat(said)
        .containsExactly(
            "requests wait for memory: name=octavo, waiters=1, why=not enough memory",
            "  thread="
                + thread
                + ", virtual=false, waitedMillis=3000, request=pages=40, pageAlignment=8",
            "  freePages=0, largestFreeRun=0, min=0, low=0, high=0",
            "  Node 0, zone   octavo" + "      0".repeat(9));
  }

  // ---- in which order

  /// Each frees its own page as soon as it has it: one after another, in the order of arrival.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void firstComeFirstServed(boolean isVirtual) throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long all = pages.allocatePageRun(PAGES);
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    List<FutureTask<Void>> tasks = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int number = i;
      tasks.add(
          start(
              isVirtual,
              () -> {
                long page = pages.allocatePageRun(PAGES);
                order.add(number);
                pages.freePageRun(page, PAGES);
                return null;
              }));
      awaitWaiters(pages, i + 1);
    }
    pages.freePageRun(all, PAGES);
    for (FutureTask<Void> task : tasks) {
      task.get();
    }
    assertThat(order).containsExactly(0, 1, 2, 3, 4, 5);
  }

  @Test
  void aLargeRequestIsNotStarvedBySmallOnesThatComeLater() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long[] all = new long[PAGES];
    pages.allocatePageRuns(1, all);
    FutureTask<Long> large = start(false, () -> pages.allocatePageRun(64));
    awaitWaiters(pages, 1);
    FutureTask<Long> small = start(false, () -> pages.allocatePageRun(1));
    awaitWaiters(pages, 2);
    for (int i = 0; i < 64; i++) {
      assertThat(pages.waiters()).isEqualTo(2);
      pages.freePageRun(i, 1);
    }
    assertThat(large.get()).isZero();
    assertThat(small.isDone()).isFalse();
    pages.freePageRun(0, 64);
    pages.freePageRun(small.get(), 1);
    for (int i = 64; i < PAGES; i++) {
      pages.freePageRun(i, 1);
    }
  }

  /// The window of the large request is the lowest one: when it was chosen nothing was free.
  @Test
  void aSmallRequestIsServedFromOutsideTheWindowOfALargeOne() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long all = pages.allocatePageRun(PAGES);
    FutureTask<Long> large = start(false, () -> pages.allocatePageRun(64));
    pages.trimPageRun(all, PAGES, PAGES - 10);
    long small = pages.allocatePageRun(1);
    assertThat(small).isEqualTo(PAGES - 10);
    assertThat(pages.waiters()).isEqualTo(1);
    pages.free(pages.allocate(PAGE, 1, AllocationMode.BLOCKING, Duration.ZERO)); // in no line
    assertThat(large.isDone()).isFalse();
    pages.freePageRun(all, PAGES - 10);
    pages.freePageRun(large.get(), 64);
    pages.freePageRun(small, 1);
  }

  @Test
  void whoDoesNotWaitTakesWhatIsThere() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long all = pages.allocatePageRun(PAGES);
    FutureTask<Long> large = start(false, () -> pages.allocatePageRun(PAGES));
    awaitWaiters(pages, 1);
    pages.trimPageRun(all, PAGES, PAGES - 2);
    assertThat(pages.tryAllocatePageRun(1)).isEqualTo(PAGES - 2);
    assertThat(pages.allocatePageRun(1, AllocationMode.ATOMIC)).isEqualTo(PAGES - 1);
    pages.freePageRun(PAGES - 2, 1);
    pages.freePageRun(PAGES - 1, 1);
    pages.freePageRun(all, PAGES - 2);
    pages.freePageRun(large.get(), PAGES);
  }

  @Test
  void whoWaitsInASharedArenaHoldsNobodyUp() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    PageArena arena = pages.openUnscopedArena();
    MemorySegment small = arena.allocate(8);
    long rest = pages.allocatePageRun(PAGES - 4);
    FutureTask<MemorySegment> large = start(false, () -> arena.allocate(64L * PAGE));
    awaitWaiters(pages, 1);
    assertThat(arena.allocate(8).address()).isEqualTo(small.address() + 8);
    arena.close();
    assertThat(pages.waiters()).isOne();
    pages.freePageRun(rest, PAGES - 4);
    assertThatThrownBy(large::get).hasCauseInstanceOf(IllegalStateException.class);
  }

  // ---- shrinkers

  /// Frees single pages of what it has, when asked.
  private final class Cache implements Shrinker {

    private long kept;
    private final AtomicLong scans = new AtomicLong();

    @Override
    public synchronized long count() {
      return kept * PAGE;
    }

    @Override
    public synchronized long scan(long byteSize) {
      scans.incrementAndGet();
      long freed = 0;
      while (freed < byteSize && kept > 0) {
        kept--;
        pages.freePageRun(kept, 1);
        freed += PAGE;
      }
      return freed;
    }
  }

  @Test
  void aShrinkerServesTheOneWhoWaits() {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long[] all = new long[PAGES];
    pages.allocatePageRuns(1, all);
    Cache cache = new Cache();
    cache.kept = PAGES;
    try (Shrinker.Registration _ = pages.addShrinker("cache", cache)) {
      long run = pages.allocatePageRun(40);
      assertThat(cache.scans).hasPositiveValue();
      pages.freePageRun(run, 40);
    }
    cache.scan(Long.MAX_VALUE);
  }

  @Test
  void theReclaimerWorksAheadOfNeed() {
    pages.close();
    pages =
        PageAllocator.builder()
            .capacity((long) PAGES * PAGE)
            .threadCache(0, 0)
            .watermarks(Watermarks.of(16 * PAGE, 32 * PAGE, 64 * PAGE))
            .build();
    Cache cache = new Cache();
    for (int i = 0; i < 200; i++) {
      assertThat(pages.allocatePageRun(1, AllocationMode.NOWAIT)).isEqualTo(i);
    }
    cache.kept = 200;
    try (Shrinker.Registration _ = pages.addShrinker("cache", cache)) {
      long run = pages.tryAllocatePageRun(30);
      while (pages.freePages() < 64) {
        Thread.onSpinWait();
      }
      pages.freePageRun(run, 30);
    }
    cache.scan(Long.MAX_VALUE);
  }

  @Test
  void aCallbackThatAllocatesNeitherWaitsNorRecurses() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    long all = pages.allocatePageRun(PAGES);
    FutureTask<Throwable> seen = new FutureTask<>(() -> failureOf(() -> pages.allocate(1)));
    Shrinker shrinker =
        new Shrinker() {
          @Override
          public long count() {
            return seen.isDone() ? 0 : PAGE;
          }

          @Override
          public long scan(long byteSize) {
            assertThat(AtomicContext.isNoReclaim()).isTrue();
            seen.run();
            pages.freePageRun(all, PAGES);
            return PAGE;
          }
        };
    try (Shrinker.Registration _ = pages.addShrinker("allocates", shrinker)) {
      pages.freePageRun(pages.allocatePageRun(1), 1);
    }
    assertThat(seen.get())
        .isInstanceOf(OutOfPagesException.class)
        .hasMessageStartingWith("not enough memory: byteSize=1");
  }

  private static Throwable failureOf(Runnable action) {
    try {
      action.run();
      return new AssertionError("no failure");
    } catch (RuntimeException e) {
      return e;
    }
  }

  /// L9: while the reclaimer hangs inside a callback.
  @Test
  void l9AMillionAtomicCallsFinishWhileAShrinkerHangs() throws Exception {
    pages.close();
    pages =
        PageAllocator.builder()
            .capacity((long) PAGES * PAGE)
            .watermarks(Watermarks.of(100 * PAGE, 200 * PAGE, 256 * PAGE))
            .build();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Shrinker hangs =
        new Shrinker() {
          @Override
          public long count() {
            return PAGE;
          }

          @Override
          public long scan(long byteSize) {
            entered.countDown();
            while (leave.getCount() > 0) {
              try {
                leave.await();
              } catch (InterruptedException e) {
                // hangs all the same
              }
            }
            return 0;
          }
        };
    try (Shrinker.Registration _ = pages.addShrinker("hangs", hangs)) {
      long held = pages.tryAllocatePageRun(150);
      entered.await();
      try (var _ = AtomicContext.enter("event loop")) {
        for (int i = 0; i < 1_000_000; i++) {
          pages.freePageRun(pages.allocatePageRun(1, AllocationMode.ATOMIC), 1);
        }
      }
      assertThat(leave.getCount()).isOne();
      pages.freePageRun(held, 150);
    } finally {
      leave.countDown();
    }
  }

  @Test
  void thereIsNoThreadWithoutShrinkersAndNoneAfterClose() throws Exception {
    pages.close();
    pages = build(CheckLevel.BASIC, false);
    String mine = "reclaim-thread-test";
    PageAllocator other = PageAllocator.builder().capacity(1 << 20).name(mine).build();
    long all = other.tryAllocatePageRun(240);
    assertThat(threadsOf(mine)).isEmpty();
    try (Shrinker.Registration _ = other.addShrinker("nothing", new Cache())) {
      assertThat(threadsOf(mine)).hasSize(1).allMatch(Thread::isDaemon);
      List<Thread> threads = threadsOf(mine);
      other.freePageRun(all, 240);
      other.close();
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(threadsOf(mine)).isEmpty();
    assertThatThrownBy(() -> other.addShrinker("late", new Cache()))
        .isInstanceOf(IllegalStateException.class);
  }

  private static List<Thread> threadsOf(String allocator) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains(allocator))
        .toList();
  }
}
