package dev.octavo.allocator;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import dev.octavo.allocator.context.SleepInAtomicContextException;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What each mode may take, what it may do, and what it says when it fails; on one thread.
class ShortageTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 2048;
  private static final int MIN = 80;
  private static final int ATOMIC_MIN = 30;

  private final SleepGuard guard = SleepGuard.of(SleepGuard.Mode.THROW);
  private final List<Long> taken = new ArrayList<>();
  private PageAllocator pages = builder().threadCache(0, 0).build();

  private PageAllocatorBuilder builder() {
    return PageAllocator.builder()
        .capacity((long) PAGES * PAGE)
        .watermarks(Watermarks.of(MIN * PAGE, 100 * PAGE, 120 * PAGE))
        .waitAtMost(Duration.ZERO)
        .sleepGuard(guard)
        .name("short");
  }

  @AfterEach
  void nothingIsLost() {
    taken.forEach(page -> pages.freePageRun(page, 1));
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.freePages()).isEqualTo(PAGES);
    pages.close();
  }

  /// Takes single pages until there are none for this mode.
  private void takeAll(AllocationMode mode) {
    while (true) {
      long page;
      if (mode == AllocationMode.BLOCKING) {
        try {
          page = pages.allocatePageRun(1);
        } catch (OutOfPagesException e) {
          return;
        }
      } else {
        page = pages.tryAllocatePageRun(1, 1, mode);
      }
      if (page < 0) {
        return;
      }
      taken.add(page);
    }
  }

  // ---- how far down

  @ParameterizedTest
  @EnumSource(AllocationMode.class)
  void eachModeLeavesItsReserve(AllocationMode mode) {
    takeAll(mode);
    assertThat(pages.freePages()).isEqualTo(mode == AllocationMode.ATOMIC ? ATOMIC_MIN : MIN);
  }

  @ParameterizedTest
  @EnumSource(AllocationMode.class)
  void whatThreadsHoldIsAboveTheReserve(AllocationMode mode) {
    pages.close();
    pages = builder().threadCache(64L * PAGE * 4, 64L * PAGE * 8).build();
    takeAll(mode);
    assertThat(pages.freePages()).isEqualTo(mode == AllocationMode.ATOMIC ? ATOMIC_MIN : MIN);
    assertThat(pages.buddyInfo().freePages()).isEqualTo(pages.freePages());
  }

  @Test
  void withFullChecksTheReserveIsTheSame() {
    pages.close();
    pages = builder().checks(CheckLevel.FULL).build();
    takeAll(AllocationMode.NOWAIT);
    assertThat(pages.buddyInfo().freePages()).isEqualTo(MIN);
    takeAll(AllocationMode.ATOMIC);
    assertThat(pages.buddyInfo().freePages()).isEqualTo(ATOMIC_MIN);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aCallbackThatReclaimsMayUseAllOfIt(boolean inScope) {
    takeAll(AllocationMode.ATOMIC);
    if (inScope) {
      try (var _ = AtomicContext.noReclaim("test")) {
        takeAll(AllocationMode.BLOCKING);
      }
      assertThat(pages.freePages()).isZero();
    } else {
      takeAll(AllocationMode.BLOCKING);
      assertThat(pages.freePages()).isEqualTo(ATOMIC_MIN);
    }
  }

  @Test
  void aLargeRunLeavesTheReserveToo() {
    assertThat(pages.tryAllocatePageRun(PAGES - MIN + 1)).isEqualTo(-1);
    assertThat(pages.tryAllocatePageRun(PAGES - MIN + 1, 1, AllocationMode.ATOMIC)).isNotNegative();
    pages.freePageRun(0, PAGES - MIN + 1);
    assertThat(pages.tryAllocatePageRun(PAGES - MIN)).isZero();
    pages.freePageRun(0, PAGES - MIN);
  }

  @Test
  void bulkAndGrowthLeaveTheReserve() {
    long[] into = new long[PAGES];
    assertThat(pages.tryAllocatePageRuns(1, into)).isEqualTo(PAGES - MIN);
    for (int i = 0; i < PAGES - MIN; i++) {
      pages.freePageRun(into[i], 1);
    }
    assertThat(pages.allocatePageRun(PAGES - MIN)).isZero();
    MemorySegment segment = pages.segment(0, PAGES - MIN);
    assertThatThrownBy(() -> pages.resize(segment, segment.byteSize() + 1))
        .isInstanceOf(OutOfPagesException.class);
    pages.free(segment);
  }

  @Test
  void marksAreLinuxsByDefault() {
    try (PageAllocator usual = PageAllocator.builder().capacity(16 << 20).build()) {
      assertThat(usual.buddyInfo().watermarks())
          .isEqualTo(Watermarks.of(128 * PAGE, 160 * PAGE, 192 * PAGE));
    }
  }

  @Test
  void marksFitIntoTheCapacity() {
    PageAllocatorBuilder tooHigh = builder().watermarks(Watermarks.of(0, 0, (PAGES + 1L) * PAGE));
    assertThatThrownBy(tooHigh::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("high watermark out of range: value=8392704, min=0, max=8388608");
  }

  // ---- at the door

  @Test
  void combinationsThatMakeNoSenseAreRejected() {
    assertThatThrownBy(() -> pages.tryAllocate(1, 1, AllocationMode.BLOCKING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a try never waits: mode=BLOCKING");
    assertThatThrownBy(() -> pages.tryAllocatePageRun(1, 1, AllocationMode.BLOCKING))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a try never waits: mode=BLOCKING");
    assertThatThrownBy(() -> pages.allocate(1, 1, AllocationMode.NOWAIT, Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mode does not wait: mode=NOWAIT, atMost=PT1S");
    assertThatThrownBy(() -> pages.allocate(1, 1, AllocationMode.ATOMIC, Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mode does not wait: mode=ATOMIC, atMost=PT0S");
    assertThatThrownBy(() -> pages.allocate(1, 1, AllocationMode.BLOCKING, Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("at most must not be negative: value=PT-1S");
    assertThatThrownBy(() -> PageAllocator.builder().waitAtMost(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("wait at most must not be negative: value=PT-0.000000001S");
  }

  // ---- the guard

  record Call(String name, Consumer<PageAllocator> run) {

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Call> callsThatMaySleep() {
    MemorySegment[] into = new MemorySegment[1];
    return Stream.of(
        new Call("allocate(byteSize=1, byteAlignment=1, mode=BLOCKING)", p -> p.allocate(1)),
        new Call("allocate(byteSize=1, byteAlignment=8, mode=BLOCKING)", p -> p.allocate(1, 8)),
        new Call(
            "allocate(byteSize=2, byteAlignment=1, mode=BLOCKING)",
            p -> p.allocate(2, AllocationMode.BLOCKING)),
        new Call(
            "allocate(byteSize=2, byteAlignment=4, mode=BLOCKING)",
            p -> p.allocate(2, 4, AllocationMode.BLOCKING)),
        new Call(
            "allocate(byteSize=2, byteAlignment=4, mode=BLOCKING)",
            p -> p.allocate(2, 4, AllocationMode.BLOCKING, Duration.ZERO)),
        new Call("allocate(byteSize=0, byteAlignment=1, mode=BLOCKING)", p -> p.allocate(0)),
        new Call("allocatePages(order=3, mode=BLOCKING)", p -> p.allocatePages(3)),
        new Call("allocatePageRun(pages=3, mode=BLOCKING)", p -> p.allocatePageRun(3)),
        new Call(
            "allocatePageRun(pages=3, pageAlignment=2, mode=BLOCKING)",
            p -> p.allocatePageRun(3, 2)),
        new Call("allocateBulk(byteSize=5, count=1, mode=BLOCKING)", p -> p.allocateBulk(5, into)),
        new Call(
            "allocatePageRuns(pages=2, count=4, mode=BLOCKING)",
            p -> p.allocatePageRuns(2, new long[4])),
        new Call(
            "resize(byteSize=0, newByteSize=9, mode=BLOCKING)",
            p -> p.resize(MemorySegment.ofAddress(1), 9)),
        new Call(
            "PageArena.allocate(byteSize=7, byteAlignment=1, mode=BLOCKING)",
            p -> {
              try (PageArena arena = p.openUnscopedArena()) {
                arena.allocate(7);
              }
            }),
        new Call("close(name=short)", PageAllocator::close));
  }

  @ParameterizedTest
  @MethodSource("callsThatMaySleep")
  void l10WhatMaySleepIsReportedThoughMemoryIsPlentiful(Call call) {
    try (var _ = AtomicContext.enter("index-flush")) {
      assertThatThrownBy(() -> call.run.accept(pages))
          .isInstanceOf(SleepInAtomicContextException.class)
          .hasMessageContaining("call=" + call.name + ", ")
          .hasMessageContaining("caller=" + ShortageTest.class.getName())
          .hasMessageContaining("sections=[index-flush]");
    }
    assertThat(guard.totals().violations()).isOne();
    assertThat(pages.freePages()).isEqualTo(PAGES);
  }

  @Test
  void l10TheGuardComesBeforeTheArguments() {
    try (var _ = AtomicContext.enter("section")) {
      assertThatThrownBy(() -> pages.allocate(-1))
          .isInstanceOf(SleepInAtomicContextException.class);
      assertThatThrownBy(() -> pages.allocatePages(99))
          .isInstanceOf(SleepInAtomicContextException.class);
    }
  }

  @Test
  void whatNeverSleepsIsLegalInASection() {
    MemorySegment outside = pages.allocate(3 * PAGE);
    try (var _ = AtomicContext.enter("section")) {
      pages.free(pages.allocate(1, AllocationMode.NOWAIT));
      pages.free(pages.allocate(1, AllocationMode.ATOMIC));
      pages.free(requireNonNull(pages.tryAllocate(1)));
      pages.free(requireNonNull(pages.tryAllocate(1, 1, AllocationMode.ATOMIC)));
      pages.free(requireNonNull(pages.tryAllocatePages(0)));
      pages.freePageRun(pages.tryAllocatePageRun(1), 1);
      pages.freePageRun(pages.allocatePageRun(1, AllocationMode.ATOMIC), 1);
      pages.free(pages.allocatePages(2, AllocationMode.NOWAIT));
      try (PageArena arena = pages.openUnscopedArena(AllocationMode.ATOMIC)) {
        arena.allocate(100);
        arena.allocate(PAGE * 100);
      }
      pages.free(pages.trim(outside, PAGE));
      pages.audit();
      pages.buddyInfo();
    }
    assertThat(guard.totals().violations()).isZero();
  }

  @Test
  void anAllowedStretchMaySleep() {
    try (var _ = AtomicContext.enter("section");
        var _ = AtomicContext.allow("start-up")) {
      pages.free(pages.allocate(1));
    }
    assertThat(guard.totals().violations()).isZero();
  }

  // ---- why it failed

  private OutOfPagesException failureOf(long byteSize, AllocationMode mode) {
    try {
      pages.free(pages.allocate(byteSize, mode));
      throw new AssertionError("allocated");
    } catch (OutOfPagesException e) {
      return e;
    }
  }

  @Test
  void failureSaysReserve() {
    takeAll(AllocationMode.NOWAIT);
    OutOfPagesException failure = failureOf(PAGE, AllocationMode.NOWAIT);
    assertThat(failure.reason()).isEqualTo(OutOfPagesException.Reason.RESERVE);
    assertThat(failure)
        .hasMessageStartingWith(
            "only the reserve is left: byteSize=4096, byteAlignment=1, mode=NOWAIT, pageSize=4096,"
                + " pageCount=2048, freePages=80, min=80, largestFreeRun=")
        .hasMessageContaining("fragmentationIndex=-1000, buddyinfo=Node 0, zone    short ");
  }

  @Test
  void failureSaysFragmentation() {
    takeAll(AllocationMode.NOWAIT);
    List<Long> odd = taken.stream().filter(page -> page % 2 == 1).toList();
    odd.forEach(page -> pages.freePageRun(page, 1));
    taken.removeAll(odd);
    OutOfPagesException failure = failureOf(200 * PAGE, AllocationMode.ATOMIC);
    assertThat(failure.reason()).isEqualTo(OutOfPagesException.Reason.FRAGMENTATION);
    assertThat(failure).hasMessageContaining("order=8, fragmentationIndex=");
    assertThat(failure).hasMessageStartingWith("free memory is fragmented: byteSize=819200");
  }

  @Test
  void failureSaysLackOfMemoryAndCapacity() {
    takeAll(AllocationMode.ATOMIC);
    assertThat(failureOf(31 * PAGE, AllocationMode.ATOMIC).reason())
        .isEqualTo(OutOfPagesException.Reason.NOT_ENOUGH_MEMORY);
    assertThat(failureOf((PAGES + 1L) * PAGE, AllocationMode.BLOCKING).reason())
        .isEqualTo(OutOfPagesException.Reason.CAPACITY);
  }

  @Test
  void l6FailuresChangeNothing() {
    takeAll(AllocationMode.ATOMIC);
    long[] before = pages.buddyInfo().freeBlocks();
    for (AllocationMode mode : AllocationMode.values()) {
      failureOf(PAGE, mode);
    }
    assertThat(pages.buddyInfo().freeBlocks()).isEqualTo(before);
    assertThat(pages.waiters()).isZero();
  }
}
