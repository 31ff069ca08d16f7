package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.JumpingClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccountException;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Who pays for which pages, and what happens when the money is gone.
class AccountAllocatorTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 512;

  private final JumpingClock clock = new JumpingClock();
  private final MemoryAccount root = MemoryAccount.root("engine").open();
  private final MemoryAccount query = root.child("query").max(64L * PAGE).strict().open();
  private final MemoryAccount cache = root.child("cache").open();
  private PageAllocator pages = build(CheckLevel.BASIC);
  private AccountAllocator ofQuery = pages.under(query);
  private AccountAllocator ofCache = pages.under(cache);

  private PageAllocator build(CheckLevel checks) {
    return PageAllocator.builder()
        .capacity((long) PAGES * PAGE)
        .watermarks(Watermarks.none())
        .waitAtMost(Duration.ofSeconds(5))
        .waitClock(clock)
        .checks(checks)
        .accounts(root)
        .oomPolicy(OomPolicy.none())
        .name("shared")
        .build();
  }

  private void with(CheckLevel checks) {
    close();
    pages = build(checks);
    ofQuery = pages.under(query);
    ofCache = pages.under(cache);
  }

  private void close() {
    ofQuery.close();
    ofCache.close();
    pages.close();
  }

  @AfterEach
  void everythingIsPaidBack() {
    assertThat(pages.audit()).isEmpty();
    assertThat(root.usage()).isZero();
    close();
    query.close();
    cache.close();
    root.close();
  }

  private static void assertPages(MemoryAccount account, long pages) {
    assertThat(account.ownUsage()).isEqualTo(pages * PAGE);
  }

  // ---- who pays

  @ParameterizedTest
  @EnumSource(CheckLevel.class)
  void whatIsAllocatedInNobodysNameIsTheRoots(CheckLevel checks) {
    with(checks);
    MemorySegment segment = pages.allocate(5 * PAGE + 1);
    long run = pages.allocatePageRun(7);
    assertPages(root, 13);
    MemorySegment[] bulk = new MemorySegment[3];
    pages.allocateBulk(2 * PAGE, bulk);
    assertPages(root, 19);
    MemorySegment block = pages.allocatePages(3);
    assertPages(root, 27);
    for (MemorySegment one : bulk) {
      pages.free(one);
    }
    pages.free(segment);
    pages.freePageRun(run, 7);
    pages.free(block);
    assertPages(root, 0);
  }

  @ParameterizedTest
  @EnumSource(CheckLevel.class)
  void anAccountPaysForWhatItsAllocatorGives(CheckLevel checks) {
    with(checks);
    MemorySegment one = ofQuery.allocate(3 * PAGE);
    MemorySegment two = ofCache.allocate(100, 8, AllocationMode.ATOMIC);
    assertPages(query, 3);
    assertPages(cache, 1);
    assertThat(root.usage()).isEqualTo(4 * PAGE);
    pages.free(one); // wherever it is freed
    assertPages(query, 0);
    ofQuery.free(two);
    assertPages(cache, 0);
  }

  @Test
  void lengthsArePaidFor() {
    MemorySegment segment = ofQuery.allocate(10 * PAGE);
    segment = pages.trim(segment, 4 * PAGE);
    assertPages(query, 4);
    segment = pages.resize(segment, 6 * PAGE);
    assertPages(query, 6);
    MemorySegment behind = ofCache.allocate(PAGE);
    MemorySegment far = pages.resize(segment, 40 * PAGE); // moves
    assertPages(query, 40);
    assertPages(cache, 1);
    ofQuery.free(far);
    ofCache.free(behind);
  }

  @Test
  void arenasArePaidFor() {
    try (PageArena arena = ofQuery.openArena()) {
      arena.allocate(100);
      assertThat(query.ownUsage()).isEqualTo(arena.reservedByteSize()).isPositive();
      arena.allocate(30 * PAGE);
      assertThat(query.ownUsage()).isEqualTo(arena.reservedByteSize());
      arena.rewind();
      assertThat(query.ownUsage()).isEqualTo(arena.reservedByteSize());
    }
    assertPages(query, 0);
    try (PageArena arena = ofCache.openUnscopedArena(AllocationMode.ATOMIC)) {
      arena.allocate(PAGE);
      assertThat(cache.ownUsage()).isPositive();
    }
    try (PageArena arena = ofCache.openSharedArena()) {
      arena.allocate(PAGE);
      assertThat(cache.ownUsage()).isPositive();
    }
    assertPages(cache, 0);
  }

  @Test
  void whatIsHandedOverIsPaidByTheNewOwner() {
    MemorySegment segment = ofCache.allocate(4 * PAGE);
    segment.set(JAVA_BYTE, 7, (byte) 9);
    MemorySegment handed = ofCache.handOver(segment, ofQuery);
    assertThat(handed.get(JAVA_BYTE, 7)).isEqualTo((byte) 9);
    assertPages(cache, 0);
    assertPages(query, 4);
    assertThatThrownBy(() -> ofCache.handOver(handed, ofQuery))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("not charged to this account: account=engine/cache, page=" + pageOf(handed));
    MemorySegment large = ofCache.allocate(100 * PAGE);
    assertThatThrownBy(() -> ofCache.handOver(large, ofQuery))
        .isInstanceOf(MemoryAccountException.class)
        .hasMessageContaining("account=engine/query");
    assertPages(cache, 100);
    pages.free(large);
    pages.free(handed);
    assertThatThrownBy(() -> ofQuery.handOver(handed, ofCache))
        .isInstanceOf(InvalidFreeException.class);
  }

  private long pageOf(MemorySegment segment) {
    return (segment.address() - pages.segment(0, 1).address()) / PAGE;
  }

  /// Against a ledger, on one thread, with all that changes lengths.
  @Test
  void sumsAreThoseOfALedger() {
    long seed = System.nanoTime();
    System.out.println("AccountAllocatorTest: seed=" + seed);
    Random random = new Random(seed);
    List<MemorySegment> live = new ArrayList<>();
    long bytes = 0;
    for (int i = 0; i < 5000; i++) {
      if (random.nextInt(3) == 0 && !live.isEmpty()) {
        MemorySegment segment = live.remove(random.nextInt(live.size()));
        bytes -= segment.byteSize();
        if (random.nextBoolean()) {
          pages.free(segment);
        } else {
          int newPages = 1 + random.nextInt(12);
          try {
            MemorySegment other = pages.resize(segment, (long) newPages * PAGE);
            live.add(other);
            bytes += other.byteSize();
          } catch (OutOfPagesException e) {
            live.add(segment);
            bytes += segment.byteSize();
          }
        }
      } else {
        MemorySegment segment =
            ofQuery.tryAllocate((1L + random.nextInt(9)) * PAGE, 1, AllocationMode.NOWAIT);
        if (segment != null) {
          live.add(segment);
          bytes += segment.byteSize();
        }
      }
      assertThat(query.usage()).isEqualTo(bytes).isLessThanOrEqualTo(64L * PAGE);
    }
    live.forEach(pages::free);
  }

  // ---- limits

  @Test
  void aRequestAboveTheMaxFailsAndChangesNothing() {
    MemorySegment most = ofQuery.allocate(60 * PAGE);
    long free = pages.freePages();
    assertThat(ofQuery.tryAllocate(5 * PAGE, 1, AllocationMode.ATOMIC)).isNull();
    assertThatThrownBy(() -> ofQuery.allocate(5 * PAGE, AllocationMode.NOWAIT))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.ACCOUNT_LIMIT))
        .hasMessageStartingWith(
            "account has reached its max: byteSize=20480, byteAlignment=1, mode=NOWAIT,"
                + " account=engine/query,"
                + " domain=engine/query, usage=245760, max=262144, pageSize=4096,");
    assertThat(pages.freePages()).isEqualTo(free);
    assertPages(query, 60);
    pages.free(ofCache.allocate(5 * PAGE)); // others are not concerned
    ofQuery.free(most);
  }

  @Test
  void aRequestThatMayWaitWaitsForRoom() {
    MemorySegment most = ofQuery.allocate(60 * PAGE);
    clock.plan(() -> pages.free(most));
    MemorySegment waited = ofQuery.allocate(20 * PAGE);
    assertPages(query, 20);
    ofQuery.free(waited);
  }

  @Test
  void aRequestThatWaitsForRoomHasADeadline() {
    MemorySegment most = ofQuery.allocate(60 * PAGE);
    long start = clock.nanoTime();
    assertThatThrownBy(() -> ofQuery.allocate(20 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.DEADLINE));
    assertThat(Duration.ofNanos(clock.nanoTime() - start)).isEqualTo(Duration.ofSeconds(5));
    assertPages(query, 60);
    ofQuery.free(most);
  }

  @Test
  void whatNoRoomCouldServeDoesNotWait() {
    long start = clock.nanoTime();
    assertThatThrownBy(() -> ofQuery.allocate(65 * PAGE))
        .isInstanceOf(OutOfPagesException.class)
        .hasMessageStartingWith("account has reached its max");
    assertThat(clock.nanoTime()).isEqualTo(start);
  }

  @Test
  void whoHasRoomButFindsNoPagesWaitsForPages() {
    MemorySegment all = ofCache.allocate((long) PAGES * PAGE);
    clock.plan(() -> pages.free(all));
    MemorySegment waited = ofQuery.allocate(8 * PAGE);
    assertPages(query, 8);
    ofQuery.free(waited);
  }

  @Test
  void anAccountOverItsHighMarkIsSlowedDown() {
    cache.limits(new Limits(0, 0, 10L * PAGE, Long.MAX_VALUE));
    MemorySegment first = ofCache.allocate(11 * PAGE);
    long start = clock.nanoTime();
    MemorySegment second = ofCache.allocate(PAGE);
    assertThat(Duration.ofNanos(clock.nanoTime() - start)).isEqualTo(Duration.ofMillis(1));
    start = clock.nanoTime();
    pages.free(ofCache.allocate(PAGE, AllocationMode.NOWAIT));
    assertThat(clock.nanoTime()).isEqualTo(start);
    pages.free(first);
    pages.free(second);
  }

  /// Frees pages that it was given, and remembers how many it was asked for.
  private final class Stock implements Shrinker {

    private final ArrayDeque<MemorySegment> kept = new ArrayDeque<>();

    @Override
    public synchronized long count() {
      return (long) kept.size() * PAGE;
    }

    @Override
    public synchronized long scan(long byteSize) {
      long freed = 0;
      while (freed < byteSize && !kept.isEmpty()) {
        pages.free(kept.remove());
        freed += PAGE;
      }
      return freed;
    }
  }

  @Test
  void anAccountOverItsHighMarkIsReclaimedFrom() {
    Stock stock = new Stock();
    cache.limits(new Limits(0, 0, 10L * PAGE, Long.MAX_VALUE));
    for (int i = 0; i < 30; i++) {
      stock.kept.add(ofCache.allocate(PAGE, AllocationMode.NOWAIT));
    }
    try (Shrinker.Registration _ = pages.addShrinker("stock", stock, cache)) {
      MemorySegment more = ofCache.allocate(PAGE); // memory is plentiful
      while (cache.ownUsage() > 10 * PAGE) {
        Thread.onSpinWait();
      }
      pages.free(more);
    }
    stock.scan(Long.MAX_VALUE);
  }

  @Test
  void aStrictLimitIsNeverExceeded() throws Exception {
    AtomicLong most = new AtomicLong();
    Threads.together(
        8,
        number -> {
          Random random = new Random(number);
          List<MemorySegment> live = new ArrayList<>();
          for (int i = 0; i < 3000; i++) {
            MemorySegment segment =
                ofQuery.tryAllocate((1L + random.nextInt(9)) * PAGE, 1, AllocationMode.NOWAIT);
            most.accumulateAndGet(query.ownUsage(), Math::max);
            if (segment != null) {
              live.add(segment);
            }
            if (segment == null || random.nextBoolean()) {
              live.forEach(pages::free);
              live.clear();
            }
          }
          live.forEach(pages::free);
          return number;
        });
    assertThat(most).hasPositiveValue().hasValueLessThanOrEqualTo(64L * PAGE);
  }

  // ---- bad input

  @Test
  void badInput() {
    MemoryAccount stranger = MemoryAccount.root("stranger").open();
    assertThatThrownBy(() -> pages.under(stranger))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("account of another tree: account=stranger, name=shared");
    assertThatThrownBy(() -> PageAllocator.builder().accounts(query))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("account is no root: account=engine/query");
    try (PageAllocator without = PageAllocator.builder().capacity(PAGE).build()) {
      assertThatThrownBy(() -> without.under(query))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("no accounts were given to the builder: name=octavo");
    }
    MemorySegment live = ofQuery.allocate(1);
    assertThatThrownBy(ofQuery::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("account has live allocations: account=engine/query, byteSize=");
    ofQuery.free(live);
    stranger.close();
  }

  @Test
  void allocatorsOfAccountsComeAndGo() {
    for (int i = 0; i < 2_000; i++) {
      try (AccountAllocator again = pages.under(query)) {
        again.free(again.allocate(1));
      }
    }
    assertPages(query, 0);
  }
}
