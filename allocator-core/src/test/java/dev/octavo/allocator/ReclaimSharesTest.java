package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomCandidate;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.oom.OomSnapshot;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Shares of shrinkers in a shortage: proportional to what they have, before any victim, the
/// requester's own last, and only below the limit that refuses the request.
@Timeout(60)
class ReclaimSharesTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;

  private static AccountWorld world(int pageCount, OomPolicy policy, Duration atMost) {
    return new AccountWorld(
        pageCount,
        builder ->
            builder
                .waitAtMost(atMost)
                .oomPolicy(policy)
                .oomKiller(killer -> killer.grace(Duration.ofMillis(50))));
  }

  private static AccountWorld world() {
    return world(PAGES, OomPolicy.kernel(), Requests.LONG);
  }

  /// A cache with a shrinker of its owner's.
  private static ShrinkingCache cache(AccountWorld world, AccountAllocator owner, int count) {
    ShrinkingCache cache = new ShrinkingCache(world.pages);
    cache.fill(owner, count);
    world.pages.addShrinker(owner.account().name(), cache, owner.account());
    return cache;
  }

  private static void assertNobody(AccountWorld world) {
    assertThat(world.victims()).isEmpty();
    assertThat(world.kills()).isZero();
  }

  // ---- shares

  @ParameterizedTest
  @CsvSource({"1, 300, true", "1, 300, false", "10, 30, true", "20, 20, false"})
  void eachGivesItsShare(int each, int count, boolean haveAccounts) throws Exception {
    int[] sizes = {400, 400, 200};
    try (AccountWorld world = world()) {
      List<ShrinkingCache> caches = new ArrayList<>();
      for (int i = 0; i < sizes.length; i++) {
        if (haveAccounts) {
          caches.add(cache(world, world.reapable("cache" + i), sizes[i]));
        } else {
          ShrinkingCache cache = new ShrinkingCache(world.pages);
          cache.fill(sizes[i]);
          world.pages.addShrinker("cache" + i, cache);
          caches.add(cache);
        }
      }
      List<Long> got = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        for (long page : world.requests.start(On.PLATFORM, () -> run(world, each)).served()) {
          got.add(page);
        }
      }
      double given = PAGES - caches.stream().mapToInt(ShrinkingCache::size).sum();
      for (int i = 0; i < sizes.length; i++) {
        double share = given * sizes[i] / PAGES;
        assertThat((double) sizes[i] - caches.get(i).size())
            .as("cache %d of %s, given=%s", i, List.of(400, 400, 200), given)
            .isCloseTo(share, within(share / 10));
      }
      assertNobody(world);
      got.forEach(page -> world.pages.freePageRun(page, 1));
      caches.forEach(ShrinkingCache::clear);
    }
  }

  private static long[] run(AccountWorld world, int count) {
    long[] into = new long[count];
    for (int i = 0; i < count; i++) {
      into[i] = world.pages.allocatePageRun(1);
    }
    return into;
  }

  // ---- the requester last

  @ParameterizedTest
  @EnumSource(On.class)
  void theRequestersOwnCacheShrinksLast(On on) throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator asks = world.open(world.root, "asks", UnaryOperator.identity());
      ShrinkingCache own = cache(world, asks, 500);
      ShrinkingCache other = cache(world, world.reapable("other"), 500);
      List<MemorySegment> got = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        got.add(world.ask(on, asks, 20).served());
      }
      assertThat(own.size()).isEqualTo(500);
      assertThat(other.size()).isLessThanOrEqualTo(300);
      assertNobody(world);
      got.forEach(world.pages::free);
      own.clear();
      other.clear();
    }
  }

  @Test
  void theRequestersOwnCacheShrinksBeforeAVictimIsChosen() throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator asks = world.reapable("asks");
      world.hold(world.reapable("other"), 400);
      ShrinkingCache own = cache(world, asks, 600);
      MemorySegment got = world.ask(On.PLATFORM, asks, 100).served();
      assertNobody(world);
      world.pages.free(got);
      own.clear();
    }
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 0, false", "VIRTUAL, 0, true", "PLATFORM, 1, true", "PLATFORM, 2, false"})
  void anAccountAtItsMaxShrinksItsOwnCache(On on, int levelsBelow, boolean isReapable)
      throws Exception {
    try (AccountWorld world = world(4000, OomPolicy.kernel(), Requests.LONG)) {
      MemoryAccount limited = world.root.child("limited").max(100L * PAGE).open();
      AccountAllocator payer = levelsBelow == 0 ? world.under(limited) : null;
      for (int i = 1; i <= levelsBelow; i++) {
        payer =
            world.open(
                i == 1 ? limited : limited.children().getFirst(),
                "level" + i,
                account -> isReapable ? account.reapable() : account);
      }
      if (payer == null) {
        throw new AssertionError();
      }
      ShrinkingCache own = cache(world, payer, 80);
      world.hold(payer, 20);
      MemorySegment got = world.ask(on, payer, 1).served();
      assertThat(own.size()).isLessThan(80);
      assertNobody(world);
      world.pages.free(got);
      own.clear();
    }
  }

  // ---- below the limit

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aLimitAsksOnlyShrinkersBelowIt(int levels) throws Exception {
    try (AccountWorld world = world(8000, OomPolicy.none(), Duration.ofSeconds(1))) {
      ShrinkingCache outside = cache(world, world.reapable("outside"), 4000);
      ShrinkingCache anonymous = new ShrinkingCache(world.pages);
      anonymous.fill(100);
      world.pages.addShrinker("anonymous", anonymous);
      MemoryAccount at = world.root.child("limited").max(100L * PAGE).open();
      AccountAllocator holder = world.open(at, "holder", UnaryOperator.identity());
      for (int i = 0; i < levels; i++) {
        at = at.child("level" + i).open();
      }
      AccountAllocator asks = world.under(at);
      world.hold(holder, 90);
      assertThat(world.ask(On.PLATFORM, asks, 20).refused().reason()).isEqualTo(Reason.DEADLINE);
      assertThat(outside.size()).isEqualTo(4000);
      assertThat(anonymous.size()).isEqualTo(100);
      ShrinkingCache inside = cache(world, holder, 10);
      world.pages.free(world.ask(On.PLATFORM, asks, 10).served());
      assertThat(outside.size()).isEqualTo(4000);
      outside.clear();
      anonymous.clear();
      inside.clear();
    }
  }

  // ---- before kills

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aScanThatRunsElsewhereIsWaitedFor(boolean isOverHigh) throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount.Limits limits =
          new MemoryAccount.Limits(0, 0, isOverHigh ? 300L * PAGE : Long.MAX_VALUE, Long.MAX_VALUE);
      AccountAllocator owner = world.open(world.root, "owner", account -> account.limits(limits));
      AccountAllocator victim = world.reapable("victim");
      world.hold(victim, 500);
      ShrinkingCache cache = cache(world, owner, 490);
      CountDownLatch scanning = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      cache.duringScan(
          () -> {
            scanning.countDown();
            awaitLatch(release);
          });
      Request<MemorySegment> first =
          world.ask(On.PLATFORM, isOverHigh ? owner : world.protectedOne("first"), 11);
      awaitLatch(scanning);
      Request<MemorySegment> asks = world.ask(On.PLATFORM, world.protectedOne("asks"), 100);
      LockSupport.parkNanos(400_000_000); // four times the killer's patience
      release.countDown();
      world.pages.free(asks.served());
      assertNobody(world);
      world.pages.free(first.served());
      cache.clear();
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(Requests.PROMPT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /// Leaves a reclaimer behind that has just found nothing to free.
  private static void runFruitlessly(AccountWorld world, int tooMany) {
    MemorySegment taken = world.pages.allocate((long) tooMany * PAGE, AllocationMode.NOWAIT);
    LockSupport.parkNanos(200_000_000); // rounds without progress; a longer one changes nothing
    world.pages.free(taken);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 250})
  void nothingLeftEndsWhenACacheIsFilled(long scanMillis) throws Exception {
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder ->
                builder
                    .watermarks(Watermarks.of(50L * PAGE, 100L * PAGE, 150L * PAGE))
                    .oomKiller(killer -> killer.grace(Duration.ofMillis(50))))) {
      AccountAllocator victim = world.reapable("q");
      world.hold(victim, 500);
      AccountAllocator owner = world.open(world.root, "owner", UnaryOperator.identity());
      ShrinkingCache cache = cache(world, owner, 0);
      cache.duringScan(() -> LockSupport.parkNanos(scanMillis * 1_000_000));
      runFruitlessly(world, 420);
      cache.fill(owner, 400);
      MemorySegment got = world.ask(On.PLATFORM, world.protectedOne("asks"), 200).served();
      assertNobody(world);
      world.pages.free(got);
      cache.clear();
    }
  }

  @Test
  void cachesBelowLowAreLeftAloneWhenOthersHaveSomethingAgain() throws Exception {
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder -> builder.watermarks(Watermarks.of(50L * PAGE, 100L * PAGE, 150L * PAGE)))) {
      AccountAllocator guarded =
          world.open(
              world.root,
              "guarded",
              account ->
                  account.limits(
                      new MemoryAccount.Limits(0, 300L * PAGE, Long.MAX_VALUE, Long.MAX_VALUE)));
      AccountAllocator owner = world.open(world.root, "owner", UnaryOperator.identity());
      ShrinkingCache other = cache(world, owner, 0);
      ShrinkingCache low = cache(world, guarded, 300);
      Runnable fill = () -> low.fill(guarded, 300 - low.size());
      runFruitlessly(world, 620);
      fill.run();
      other.fill(owner, 500);
      MemorySegment got = world.ask(On.PLATFORM, world.protectedOne("asks"), 250).served();
      assertThat(low.size()).isEqualTo(300);
      world.pages.free(got);
      low.clear();
      other.clear();
    }
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void freesOfOthersAreNoProgress(On on) throws Exception {
    try (AccountWorld world = world(PAGES, OomPolicy.kernel(), Duration.ofSeconds(10))) {
      AccountAllocator held = world.reapable("h");
      world.hold(held, 800);
      world.pages.addShrinker("liar", new Liar());
      AtomicBoolean stop = new AtomicBoolean();
      Request<Boolean> churn = world.requests.start(on, () -> churn(world.pages, stop));
      try {
        MemorySegment got = world.ask(on, world.protectedOne("asks"), 500).served();
        assertThat(world.victims()).containsExactly("e/h");
        world.pages.free(got);
      } finally {
        stop.set(true);
      }
      churn.served();
    }
  }

  /// Shrinker that promises memory and frees none.
  private static final class Liar implements Shrinker {
    @Override
    public long count() {
      return 1 << 20;
    }

    @Override
    public long scan(long byteSize) {
      LockSupport.parkNanos(1_000_000);
      return byteSize;
    }
  }

  private static boolean churn(PageAllocator pages, AtomicBoolean stop) {
    for (int i = 0; !stop.get(); i++) {
      int count = 1 + i % 40;
      long page = pages.tryAllocatePageRun(count);
      LockSupport.parkNanos(700_000); // free pages go up and down between two rounds
      if (page >= 0) {
        pages.freePageRun(page, count);
      }
    }
    return true;
  }

  // ---- best fit

  @ParameterizedTest
  @CsvSource({
    "10, 15, 40 60, 40", // the smallest other that suffices, not the smaller requester
    "10, 100, 40 60, 40",
    "50, 70, 20 30, 70", // no other suffices
    "90, 10, 20 30, 30", // not even the requester does: the largest
  })
  void bestFitPrefersOthers(int request, int requester, String others, int chosen) {
    List<OomCandidate> candidates = new ArrayList<>();
    candidates.add(OomCandidate.of(1, "requester", (long) requester * PAGE));
    for (String other : others.split(" ", -1)) {
      candidates.add(
          OomCandidate.of(
              candidates.size() + 1, "other" + other, Integer.parseInt(other) * (long) PAGE));
    }
    long byteSize = (long) request * PAGE;
    OomSnapshot snapshot =
        new OomSnapshot(
            "domain",
            1000L * PAGE,
            0,
            new OomSnapshot.Request("thread", "BLOCKING", byteSize, PAGE, 1, 0),
            OomSnapshot.NO_VICTIM,
            candidates);
    assertThat(OomPolicy.bestFit().decide(snapshot).victim().orElseThrow().usageByteSize())
        .isEqualTo((long) chosen * PAGE);
  }
}
