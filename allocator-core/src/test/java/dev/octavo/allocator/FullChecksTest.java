package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.tuple;

import dev.octavo.allocator.CorruptedMemoryException.Reason;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What the grade FULL finds, who is told, and what is left as it was.
class FullChecksTest {

  private static final int PAGE = 64;
  private static final int PAGES = 160;

  /// What stays in quarantine when an allocation makes room.
  private static final int KEPT_PAGES = PAGES / 16;

  private final PageAllocator allocator = full().capacity(PAGES * PAGE).name("test").build();

  private static PageAllocatorBuilder full() {
    return Bare.builder().pageSize(PAGE).checks(CheckLevel.FULL);
  }

  @AfterEach
  void closes() {
    assertThat(allocator.audit()).isEmpty();
    allocator.assertNoLeaks();
    allocator.close();
  }

  /// A byte of the pages of a segment, behind its end, too.
  private void write(MemorySegment segment, long offset) {
    long page = pageOf(segment);
    int pages = (int) Math.ceilDiv(segment.byteSize(), PAGE);
    allocator.segment(page, pages).set(ValueLayout.JAVA_BYTE, offset, (byte) 7);
  }

  private long pageOf(MemorySegment segment) {
    return (segment.address() - allocator.segment(0, 1).address()) / PAGE;
  }

  private static CorruptedMemoryException corruption(ThrowingCallable call) {
    CorruptedMemoryException found = catchThrowableOfType(CorruptedMemoryException.class, call);
    assertThat(found).isNotNull();
    return found;
  }

  private static boolean isHere(List<StackTraceElement> frames, String method) {
    StackTraceElement first = frames.getFirst();
    return first.getClassName().equals(FullChecksTest.class.getName())
        && first.getMethodName().equals(method);
  }

  private static Throwable assertSite(@Nullable Throwable cause, String what, String method) {
    Throwable site = Objects.requireNonNull(cause);
    assertThat(site).hasToString(what + ": thread=" + me());
    assertThat(isHere(List.of(site.getStackTrace()), method)).isTrue();
    return site;
  }

  // ---- red zones

  @Test
  void eachByteBehindEachSizeIsGuarded() {
    for (int byteSize = PAGE + 1; byteSize <= 2 * PAGE; byteSize++) {
      for (int offset = byteSize; offset < 2 * PAGE; offset++) {
        MemorySegment segment = allocator.allocate(byteSize);
        byte guard = allocator.segment(pageOf(segment), 2).get(ValueLayout.JAVA_BYTE, offset);
        write(segment, offset);
        CorruptedMemoryException found = corruption(() -> allocator.free(segment));
        assertThat(found.reason()).isEqualTo(Reason.OVERRUN);
        assertThat(found.byteOffset()).isEqualTo(offset);
        allocator.segment(pageOf(segment), 2).set(ValueLayout.JAVA_BYTE, offset, guard);
        allocator.free(segment);
      }
    }
  }

  @Test
  void anOverrunNamesTheAllocationAndRefusesEveryCallThatWouldLoseIt() {
    MemorySegment segment = allocateHere();
    long page = pageOf(segment);
    MemorySegment neighbour = allocator.allocate(PAGE);
    MemorySegment before =
        MemorySegment.ofArray(allocator.segment(page, 2).toArray(ValueLayout.JAVA_BYTE));
    write(segment, 100);
    List<ThrowingCallable> calls =
        List.of(
            () -> allocator.free(segment),
            () -> allocator.freePageRun(page, 2),
            () -> allocator.trim(segment, 3),
            () -> allocator.trimPageRun(page, 2, 1),
            () -> allocator.resize(segment, 120),
            () -> allocator.resize(segment, 1_000),
            () -> allocator.tryGrowPageRun(page, 2, 3));
    for (ThrowingCallable call : calls) {
      CorruptedMemoryException found = corruption(call);
      assertThat(found)
          .hasMessage(
              "written behind the end of an allocation: page="
                  + page
                  + ", pages=2, byteSize=100, byteOffset=100, value=0x07, name=test");
      assertThat(isHere(found.allocationSite(), "allocateHere")).isTrue();
      assertThat(found.freeSite()).isEmpty();
      assertThat(found.page()).isEqualTo(page);
      assertSite(found.getCause(), "allocated", "allocateHere");
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(3);
    }
    allocator.segment(page, 2).copyFrom(before);
    allocator.free(segment);
    allocator.free(neighbour);
  }

  private static String me() {
    return Thread.currentThread().getName();
  }

  private MemorySegment allocateHere() {
    return allocator.allocate(100);
  }

  @Test
  void redZonesFollowTheSize() {
    MemorySegment segment = allocator.allocate(3 * PAGE);
    for (int byteSize : new int[] {3 * PAGE - 1, 130, 100, 30, 31, 64, 65, 300, 301}) {
      segment = allocator.resize(segment, byteSize);
      segment.fill((byte) 1);
      if (byteSize % PAGE != 0) {
        MemorySegment now = segment;
        long end = pageOf(now) + Math.ceilDiv(byteSize, PAGE);
        MemorySegment last = allocator.segment(end - 1, 1);
        byte guard = last.get(ValueLayout.JAVA_BYTE, PAGE - 1);
        last.set(ValueLayout.JAVA_BYTE, PAGE - 1, (byte) 1);
        assertThat(corruption(() -> allocator.free(now)).byteOffset() % PAGE).isEqualTo(PAGE - 1);
        last.set(ValueLayout.JAVA_BYTE, PAGE - 1, guard);
      }
    }
    allocator.free(segment);
  }

  @Test
  void bulkHasRedZonesAndSites() {
    MemorySegment[] all = new MemorySegment[5];
    allocator.allocateBulk(10, all);
    for (MemorySegment each : all) {
      MemorySegment rest = allocator.segment(pageOf(each), 1).asSlice(10);
      byte guard = rest.get(ValueLayout.JAVA_BYTE, 0);
      rest.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
      CorruptedMemoryException found = corruption(() -> allocator.free(each));
      assertThat(isHere(found.allocationSite(), "bulkHasRedZonesAndSites")).isTrue();
      rest.set(ValueLayout.JAVA_BYTE, 0, guard);
      allocator.free(each);
    }
  }

  // ---- use after free

  private void freeHere(MemorySegment segment) {
    allocator.free(segment);
  }

  private void assertUsedAfterFree(CorruptedMemoryException found, long page, long byteOffset) {
    assertThat(found.reason()).isEqualTo(Reason.USE_AFTER_FREE);
    assertThat(found.page()).isEqualTo(page);
    assertThat(found.byteOffset()).isEqualTo(byteOffset);
    assertThat(isHere(found.allocationSite(), "allocateHere")).isTrue();
    assertThat(isHere(found.freeSite(), "freeHere")).isTrue();
    assertThat(found)
        .hasMessageStartingWith("written after it was freed: page=" + page + ", ")
        .hasMessageEndingWith(", byteOffset=" + byteOffset + ", value=0x07, name=test");
    Throwable cause = assertSite(found.getCause(), "freed", "freeHere");
    assertSite(cause.getCause(), "allocated", "allocateHere");
  }

  @Test
  void whatIsInQuarantineIsLookedAtByTheCheckForLeaks() {
    MemorySegment stale = allocateHere();
    freeHere(stale);
    write(stale, 99);
    assertUsedAfterFree(corruption(allocator::assertNoLeaks), pageOf(stale), 99);
    allocator.assertNoLeaks();
  }

  @Test
  void whatHasLeftTheQuarantineIsLookedAtWhenItIsAllocated() {
    MemorySegment stale = allocateHere();
    freeHere(stale);
    allocator.free(allocator.allocate(KEPT_PAGES * PAGE));
    allocator.free(allocator.allocate(1)); // makes room
    write(stale, 5);
    allocator.assertNoLeaks(); // looks only at the quarantine
    assertReuseFinds(stale, 5);
  }

  @Test
  void makingRoomFindsIt() {
    MemorySegment stale = allocateHere();
    freeHere(stale);
    write(stale, 5);
    MemorySegment next = allocator.allocate(KEPT_PAGES * PAGE);
    allocator.free(next);
    assertUsedAfterFree(corruption(() -> allocator.allocate(1)), pageOf(stale), 5);
    allocator.free(allocator.allocate(1));
  }

  /// Allocates everything: the stale memory's turn comes, once.
  private void assertReuseFinds(MemorySegment stale, long byteOffset) {
    assertUsedAfterFree(
        corruption(() -> allocator.allocate(PAGES * PAGE)), pageOf(stale), byteOffset);
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    allocator.free(allocator.allocate(PAGES * PAGE));
  }

  @Test
  void freeMemoryIsLookedAtWhenItIsAllocated() {
    MemorySegment stale = allocateHere();
    freeHere(stale);
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    write(stale, 127);
    assertReuseFinds(stale, 127);
  }

  /// Parts of what one call freed are allocated again; the rest is still known.
  @Test
  void whatIsLeftOfFreedMemoryIsStillGuarded() {
    MemorySegment stale = allocator.allocate(PAGES * PAGE);
    allocator.free(stale);
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    long page = allocator.allocatePageRun(2);
    write(stale, (page + 6) * PAGE - 1);
    CorruptedMemoryException found = corruption(() -> allocator.tryGrowPageRun(page, 2, 6));
    assertThat(found.page()).isZero();
    assertThat(found.byteOffset()).isEqualTo((page + 6) * PAGE - 1);
    assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(2);
    assertThat(allocator.tryGrowPageRun(page, 2, 6)).isTrue();
    allocator.freePageRun(page, 6);
  }

  @Test
  void whatATrimGaveBackIsGuarded() {
    MemorySegment stale = allocateHere();
    MemorySegment trimmed = allocator.trim(stale, 10);
    write(stale, 64);
    CorruptedMemoryException found = corruption(allocator::assertNoLeaks);
    assertThat(found.page()).isEqualTo(pageOf(stale) + 1);
    assertThat(found.byteOffset()).isZero();
    allocator.free(trimmed);
  }

  @Test
  void whatAResizeLeftIsGuarded() {
    MemorySegment stale = allocateHere();
    MemorySegment neighbour = allocator.allocate(1);
    MemorySegment moved = allocator.resize(stale, 1000);
    assertThat(moved.address()).isNotEqualTo(stale.address());
    write(stale, 0);
    CorruptedMemoryException found = corruption(allocator::assertNoLeaks);
    assertThat(found.page()).isEqualTo(pageOf(stale));
    allocator.free(neighbour);
    allocator.free(moved);
  }

  @Test
  void aResizeThatFindsSomethingLeavesTheSegmentAlone() {
    MemorySegment stale = allocateHere();
    MemorySegment segment = allocator.allocate(PAGE);
    freeHere(stale);
    write(stale, 3);
    long pagesBefore = pageOf(segment);
    assertThat(pagesBefore).isBetween(PAGES / 2L, PAGES - 1L);
    assertUsedAfterFree(
        corruption(() -> allocator.resize(segment, pagesBefore * PAGE)), pageOf(stale), 3);
    assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(1);
    allocator.free(segment);
  }

  @Test
  void aBulkThatFindsSomethingAllocatesNothing() {
    MemorySegment stale = allocateHere();
    freeHere(stale);
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    write(stale, 64);
    corruption(() -> allocator.allocateBulk(PAGE, new MemorySegment[PAGES]));
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
  }

  @Test
  void closeLooksAtEverythingAndClosesAllTheSame() {
    PageAllocator other = full().capacity(PAGES * PAGE).build();
    List<MemorySegment> stale = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      stale.add(other.allocate(3 * PAGE));
    }
    stale.forEach(other::free);
    stale.forEach(segment -> segment.set(ValueLayout.JAVA_BYTE, 70, (byte) 1));
    CorruptedMemoryException found = corruption(other::close);
    assertThat(found.getSuppressed()).hasSize(2);
    assertThatThrownBy(() -> other.allocate(1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> stale.getFirst().get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    other.close();
  }

  // ---- quarantine

  @Test
  void freedMemoryIsNotReusedAtOnce() {
    MemorySegment first = allocator.allocate(1);
    allocator.free(first);
    MemorySegment second = allocator.allocate(1);
    assertThat(second.address()).isNotEqualTo(first.address());
    allocator.free(second);
  }

  @Test
  void aDoubleFreeIsRefusedInQuarantineAndAfterIt() {
    MemorySegment segment = allocateHere();
    freeHere(segment);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> allocator.free(segment))
          .isInstanceOfSatisfying(
              InvalidFreeException.class,
              e -> {
                assertThat(e.reason()).isEqualTo(InvalidFreeException.Reason.DOUBLE_FREE);
                assertSite(e.getCause(), "freed", "freeHere");
              });
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    }
  }

  @Test
  void nothingFailsForWantOfWhatIsInQuarantine() {
    MemorySegment all = allocator.allocate(PAGES * PAGE);
    allocator.free(all);
    all = allocator.allocate(PAGES * PAGE);
    allocator.free(all);
    MemorySegment[] bulk = new MemorySegment[PAGES];
    allocator.allocateBulk(PAGE, bulk);
    for (MemorySegment each : bulk) {
      allocator.free(each);
    }
    long page = allocator.allocatePageRun(PAGES);
    allocator.trimPageRun(page, PAGES, 1);
    assertThat(allocator.tryGrowPageRun(page, 1, PAGES)).isTrue();
    allocator.trimPageRun(page, PAGES, 1);
    MemorySegment grown = allocator.resize(allocator.segment(page, 1), PAGES * PAGE);
    assertThat(allocator.tryAllocate(1)).isNull();
    allocator.free(grown);
  }

  @Test
  void aRegionWithoutMemoryHasSitesAndAQuarantine() {
    try (PageAllocator numbers =
        full().region(MemoryRegion.reserveOnly((long) PAGES * PAGE)).build()) {
      long page = numbers.allocatePageRun(3);
      LiveAllocationsException live =
          catchThrowableOfType(LiveAllocationsException.class, numbers::assertNoLeaks);
      assertThat(live.sites()).hasSize(1);
      numbers.freePageRun(page, 3);
      long other = numbers.allocatePageRun(3);
      assertThat(other).isNotEqualTo(page);
      numbers.freePageRun(other, 3);
      numbers.freePageRun(numbers.allocatePageRun(PAGES), PAGES);
      assertThat(numbers.audit()).isEmpty();
    }
  }

  @Test
  void memoryThatNobodyMayTouchIsLeftAlone() {
    Arena arena = Arena.ofConfined();
    MemorySegment memory = arena.allocate(PAGES * PAGE, PAGE);
    PageAllocator closedMemory = full().region(MemoryRegion.of(memory)).build();
    MemorySegment segment = closedMemory.allocate(100);
    arena.close();
    closedMemory.free(closedMemory.trim(segment, 10));
    closedMemory.free(closedMemory.allocate(10 * PAGE + 1));
    closedMemory.close();
    try (Arena readable = Arena.ofConfined()) {
      MemorySegment readOnly = readable.allocate(PAGES * PAGE, PAGE).asReadOnly();
      try (PageAllocator reader = full().region(MemoryRegion.of(readOnly)).build()) {
        reader.free(reader.allocate(100));
        reader.free(reader.allocate(PAGES * PAGE));
      }
    }
  }

  // ---- leaks

  @Test
  void leaksAreListedBySiteMostBytesFirst() {
    allocator.allocate(1);
    for (int i = 0; i < 3; i++) {
      allocateHere();
    }
    allocator.allocateFrom("text"); // through a method of the JDK
    LiveAllocationsException first =
        catchThrowableOfType(LiveAllocationsException.class, allocator::assertNoLeaks);
    assertThat(first.count()).isEqualTo(5);
    assertThat(first.places()).hasSize(5);
    assertThat(first.sites())
        .extracting(LiveAllocationsException.Site::count, LiveAllocationsException.Site::byteSize)
        .containsExactly(tuple(3L, 300L), tuple(1L, 5L), tuple(1L, 1L));
    assertThat(first.sites()).allMatch(site -> site.thread().equals(me()));
    assertThat(isHere(first.sites().getFirst().frames(), "allocateHere")).isTrue();
    assertThat(first.sites().subList(1, 3))
        .allMatch(site -> isHere(site.frames(), "leaksAreListedBySiteMostBytesFirst"));
    assertThat(first)
        .hasMessageStartingWith("allocations were not freed: name=test, count=5, pages=8, first=[")
        .hasMessageContaining("%n  count=3, byteSize=300, thread=%s%n    at ".formatted(me()));
    assertThatThrownBy(allocator::assertNoLeaks).hasMessage(first.getMessage());
    assertThatThrownBy(allocator::close)
        .isInstanceOfSatisfying(
            LiveAllocationsException.class, e -> assertThat(e.sites()).isEqualTo(first.sites()))
        .hasMessageStartingWith(
            "closed with live allocations: name=test, count=5, pages=8, first=[");
  }
}
