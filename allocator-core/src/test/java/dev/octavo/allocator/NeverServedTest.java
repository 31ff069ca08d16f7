package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Requests that no amount of free memory serves: each fails at once, typed, without a call of a
/// shrinker and without a victim.
@Timeout(60)
class NeverServedTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1024;
  private static final int MIN = 64;
  private static final long FAR = 1L << 40;

  private final Requests requests = new Requests();
  private final MemoryAccount root = MemoryAccount.root("engine").open();
  private final MemoryAccount innocent = root.child("innocent").reapable().open();
  private PageAllocator pages = build(MemoryRegion.ofArena((long) PAGES * PAGE));
  private AccountAllocator ofInnocent = pages.under(innocent);
  private ShrinkingCache cache = filled();

  private PageAllocator build(MemoryRegion region) {
    return PageAllocator.builder()
        .region(region)
        .watermarks(Watermarks.of(MIN * PAGE, MIN * PAGE, MIN * PAGE))
        .waitAtMost(Requests.LONG)
        .accounts(root)
        .oomKiller(killer -> killer.grace(Duration.ZERO))
        .build();
  }

  private ShrinkingCache filled() {
    ShrinkingCache filled = new ShrinkingCache(pages);
    filled.fill(ofInnocent, 100);
    pages.addShrinker("cache", filled);
    return filled;
  }

  private void with(MemoryRegion region) {
    assertUntouched();
    cache.clear();
    ofInnocent.close();
    pages.close();
    pages = build(region);
    ofInnocent = pages.under(innocent);
    cache = filled();
  }

  @AfterEach
  void nobodyGave() {
    requests.close();
    assertUntouched();
    cache.clear();
    ofInnocent.close();
    assertThat(root.usage()).isZero();
    assertThat(pages.audit()).isEmpty();
    pages.close();
  }

  private void assertUntouched() {
    assertThat(pages.oomKiller().orElseThrow().audit().episodes()).as("episodes").isZero();
    assertThat(ofInnocent.isReaped()).as("reaped").isFalse();
    assertThat(cache.calls()).as("calls of the shrinker").isZero();
    assertThat(pages.freePages()).isEqualTo(PAGES - 100);
    assertThat(pages.waiters()).isZero();
  }

  private void assertRefused(On on, Reason reason, Consumer<PageAllocator> call) throws Exception {
    Requests.Request<Boolean> request =
        requests.start(
            on,
            () -> {
              call.accept(pages);
              return true;
            });
    assertThat(request.refused().reason()).isEqualTo(reason);
  }

  // ---- alignment

  @ParameterizedTest
  @EnumSource(On.class)
  void noPageHasTheAlignment(On on) throws Exception {
    assertRefused(on, Reason.CAPACITY, p -> p.allocate(PAGE, FAR));
    assertRefused(on, Reason.CAPACITY, p -> p.allocate(1, FAR, AllocationMode.BLOCKING));
    assertRefused(
        on,
        Reason.CAPACITY,
        p -> p.allocate(9 * PAGE, 1L << 62, AllocationMode.BLOCKING, Duration.ofSeconds(10)));
  }

  @ParameterizedTest
  @EnumSource(AllocationMode.class)
  void eachModeNamesTheCapacity(AllocationMode mode) throws Exception {
    assertRefused(On.PLATFORM, Reason.CAPACITY, p -> p.allocate(PAGE, FAR, mode));
    assertRefused(On.PLATFORM, Reason.CAPACITY, p -> p.allocate((PAGES + 1L) * PAGE, mode));
    assertRefused(On.PLATFORM, Reason.CAPACITY, p -> p.allocatePageRun(PAGES + 1, mode));
  }

  @Test
  void noPageOfAMappingHasTheAlignment() throws Exception {
    with(MemoryRegion.mapped((long) PAGES * PAGE));
    assertRefused(On.PLATFORM, Reason.CAPACITY, p -> p.allocate(PAGE, FAR));
  }

  @Test
  void theAlignedPageIsTooNearToTheEnd() throws Exception {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate((PAGES + 2L) * PAGE, 2L * PAGES * PAGE);
      with(MemoryRegion.of(memory.asSlice(PAGE, (long) PAGES * PAGE)));
      assertRefused(
          On.PLATFORM, Reason.CAPACITY, p -> p.allocate((PAGES - 100L) * PAGE, 512L * PAGE));
      assertRefused(On.VIRTUAL, Reason.CAPACITY, p -> p.allocate(3 * PAGE, 1024L * PAGE));
      with(MemoryRegion.ofArena((long) PAGES * PAGE));
    }
  }

  @Test
  void accountsAndArenasAskForTheAlignmentToo() throws Exception {
    MemoryAccount query = root.child("query").open();
    try (AccountAllocator ofQuery = pages.under(query)) {
      assertRefused(On.PLATFORM, Reason.CAPACITY, p -> ofQuery.allocate(PAGE, FAR));
      assertRefused(
          On.PLATFORM, Reason.CAPACITY, p -> allocateIn(ofQuery::openSharedArena, PAGE, FAR));
    }
  }

  private static void allocateIn(Supplier<PageArena> open, long byteSize, long byteAlignment) {
    try (PageArena arena = open.get()) {
      arena.allocate(byteSize, byteAlignment);
    }
  }

  // ---- size

  record Case(String name, Reason reason, Consumer<PageAllocator> call) {
    @Override
    public String toString() {
      return name + " " + reason;
    }
  }

  static Stream<Case> tooLarge() {
    long all = (long) PAGES * PAGE;
    long aboveMark = all - MIN * PAGE + PAGE;
    return Stream.of(
        new Case("segment", Reason.CAPACITY, p -> p.allocate(all + 1)),
        new Case("segment", Reason.CAPACITY, p -> p.allocate(Long.MAX_VALUE)),
        new Case("segment", Reason.RESERVE, p -> p.allocate(aboveMark)),
        new Case("block", Reason.RESERVE, p -> p.allocatePages(10)),
        new Case("run", Reason.CAPACITY, p -> p.allocatePageRun(PAGES + 1)),
        new Case("run", Reason.CAPACITY, p -> p.allocatePageRun(Integer.MAX_VALUE)),
        new Case("run", Reason.RESERVE, p -> p.allocatePageRun(PAGES - MIN + 1)),
        new Case("aligned run", Reason.RESERVE, p -> p.allocatePageRun(PAGES - MIN + 1, 64)),
        new Case("arena", Reason.CAPACITY, p -> allocateIn(p::openSharedArena, all + 1, 1)),
        new Case("arena", Reason.RESERVE, p -> allocateIn(p::openSharedArena, aboveMark, 1)),
        new Case("bulk", Reason.CAPACITY, p -> p.allocateBulk(1, new MemorySegment[PAGES + 1])),
        new Case("bulk", Reason.CAPACITY, p -> p.allocateBulk(PAGE + 1, new MemorySegment[513])),
        new Case(
            "bulk", Reason.RESERVE, p -> p.allocateBulk(1, new MemorySegment[PAGES - MIN + 1])),
        new Case("runs", Reason.CAPACITY, p -> p.allocatePageRuns(64, new long[17])),
        new Case(
            "runs", Reason.CAPACITY, p -> p.allocatePageRuns(Integer.MAX_VALUE, new long[PAGES])),
        new Case("runs", Reason.RESERVE, p -> p.allocatePageRuns(64, new long[16])),
        new Case("resize", Reason.CAPACITY, p -> resize(p, all + 1)),
        new Case("resize", Reason.RESERVE, p -> resize(p, aboveMark)));
  }

  private static void resize(PageAllocator pages, long newByteSize) {
    MemorySegment segment = pages.allocate(2 * PAGE);
    try {
      pages.resize(segment, newByteSize);
    } finally {
      pages.free(segment);
    }
  }

  @ParameterizedTest
  @MethodSource("tooLarge")
  void moreThanTheRegionLeavesForTheMode(Case refused) throws Exception {
    assertRefused(On.PLATFORM, refused.reason, refused.call);
  }

  @ParameterizedTest
  @MethodSource("tooLarge")
  void theSameOnAVirtualThread(Case refused) throws Exception {
    assertRefused(On.VIRTUAL, refused.reason, refused.call);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NOWAIT", "ATOMIC"},
      value = AllocationMode.class)
  void whatDoesNotWaitNamesTheReserve(AllocationMode mode) throws Exception {
    assertRefused(On.PLATFORM, Reason.RESERVE, p -> p.allocatePageRun(PAGES, mode));
  }

  // ---- limits of accounts

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void moreThanTheMaxOfAnAncestor(int levelsBelow) throws Exception {
    MemoryAccount limited = root.child("limited").max(10L * PAGE).open();
    MemoryAccount payer = limited;
    for (int i = 0; i < levelsBelow; i++) {
      payer = payer.child("level" + i).max((100L - i) * PAGE).open();
    }
    try (AccountAllocator ofPayer = pages.under(payer)) {
      assertRefused(On.PLATFORM, Reason.ACCOUNT_LIMIT, p -> ofPayer.allocate(11 * PAGE));
      assertRefused(On.VIRTUAL, Reason.ACCOUNT_LIMIT, p -> ofPayer.allocate(10 * PAGE + 1));
      assertRefused(
          On.PLATFORM,
          Reason.ACCOUNT_LIMIT,
          p -> allocateIn(() -> ofPayer.openUnscopedArena(AllocationMode.BLOCKING), 11 * PAGE, 1));
    }
  }

  @Test
  void moreThanTheMaxOfTheRoot() throws Exception {
    root.limits(MemoryAccount.Limits.ofMax(200L * PAGE));
    assertRefused(On.PLATFORM, Reason.ACCOUNT_LIMIT, p -> p.allocate(201 * PAGE));
    assertRefused(On.PLATFORM, Reason.ACCOUNT_LIMIT, p -> p.allocatePageRuns(3, new long[67]));
    assertRefused(
        On.PLATFORM, Reason.ACCOUNT_LIMIT, p -> p.allocateBulk(PAGE, new MemorySegment[201]));
    assertRefused(On.PLATFORM, Reason.ACCOUNT_LIMIT, p -> resize(p, 201 * PAGE));
    root.limits(MemoryAccount.Limits.NONE);
  }

  // ---- a bulk that waits

  @ParameterizedTest
  @EnumSource(
      names = {"BULK", "RUNS"},
      value = RequestForm.class)
  void aBulkThatWaitsHoldsNothing(RequestForm form) throws Exception {
    try (PageAllocator plain =
        Bare.builder().capacity(256L * PAGE).waitAtMost(Requests.LONG).build()) {
      long taken = plain.allocatePageRun(200);
      RequestForm.Asker asker = form.prepare(plain);
      Requests.Request<Runnable> bulk =
          requests.startInLine(On.PLATFORM, plain, () -> asker.ask(128));
      assertThat(plain.freePages()).as("while the bulk waits").isEqualTo(56);
      long other = plain.tryAllocatePageRun(56);
      assertThat(other).isNotNegative();
      plain.freePageRun(other, 56);
      plain.freePageRun(taken, 200);
      bulk.served().run();
      assertThat(plain.freePages()).isEqualTo(256);
    }
  }
}
