package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.InvalidFreeException.Reason;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What every grade finds, and what only some do.
class CheckLevelTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 512;

  private static PageAllocator allocator(CheckLevel level) {
    return Bare.builder().capacity(PAGES * PAGE).checks(level).name("test").build();
  }

  private static void assertRefused(ThrowingCallable call, Reason reason) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  @ParameterizedTest
  @EnumSource
  void badFreesAreFound(CheckLevel level) {
    for (int pages : new int[] {1, 3, 8, 33, 64, 100, 200}) {
      PageAllocator allocator = allocator(level);
      MemorySegment segment = allocator.allocate((long) pages * PAGE);
      MemorySegment neighbour = allocator.allocate(PAGE);
      MemorySegment longer = allocator.segment(0, pages + 1);
      assertRefused(() -> allocator.free(longer), Reason.WRONG_SIZE);
      assertRefused(() -> allocator.freePageRun(0, PAGES), Reason.WRONG_SIZE);
      assertRefused(() -> allocator.freePageRun(PAGES, 1), Reason.FOREIGN_SEGMENT);
      assertRefused(
          () -> allocator.free(MemorySegment.ofArray(new byte[8])), Reason.FOREIGN_SEGMENT);
      assertRefused(() -> allocator.free(segment.asReadOnly()), Reason.READ_ONLY);
      assertRefused(() -> allocator.free(segment.asSlice(8)), Reason.INTERIOR_POINTER);
      if (pages > 1) {
        assertRefused(() -> allocator.free(segment.asSlice(PAGE)), Reason.INTERIOR_POINTER);
        assertRefused(() -> allocator.trimPageRun(0, pages - 1, 1), Reason.WRONG_SIZE);
      }
      allocator.free(segment);
      assertRefused(() -> allocator.free(segment), Reason.DOUBLE_FREE);
      assertRefused(() -> allocator.trim(segment, 1), Reason.DOUBLE_FREE);
      assertRefused(() -> allocator.resize(segment, PAGES * PAGE), Reason.DOUBLE_FREE);
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(1);
      assertThat(allocator.audit()).isEmpty();
      allocator.free(neighbour);
      allocator.close();
      assertRefused(() -> allocator.free(neighbour), Reason.CLOSED);
    }
  }

  @ParameterizedTest
  @EnumSource
  void leaksAreCounted(CheckLevel level) {
    PageAllocator allocator = allocator(level);
    assertThatNoException().isThrownBy(allocator::assertNoLeaks);
    MemorySegment segment = allocator.allocate(3 * PAGE);
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(allocator::assertNoLeaks, allocator::close)) {
      assertThatThrownBy(call)
          .isInstanceOfSatisfying(
              LiveAllocationsException.class,
              e -> {
                assertThat(e.count()).isEqualTo(1);
                assertThat(e.places()).containsExactly(new LiveAllocationsException.Place(0, 3));
                assertThat(e.sites()).hasSize(level == CheckLevel.FULL ? 1 : 0);
              });
    }
    assertRefused(() -> allocator.free(segment), Reason.CLOSED);
    assertThatIllegalStateException().isThrownBy(() -> allocator.allocate(1));
    allocator.close();
    assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_INT, 0))
        .isInstanceOf(IllegalStateException.class);
    allocator.assertNoLeaks();
  }

  /// Below FULL nothing is read or written (L12).
  @ParameterizedTest
  @EnumSource(names = {"NONE", "BASIC"})
  void memoryIsLeftAlone(CheckLevel level) {
    try (PageAllocator allocator = allocator(level)) {
      MemorySegment segment = allocator.allocate(10);
      MemorySegment page = allocator.segment(0, 1).fill((byte) 7);
      allocator.free(segment);
      assertThat(page.toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
      allocator.free(allocator.allocate(20));
      assertThat(page.toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
    }
  }

  @Test
  void fullLeavesNothingWithThreads() {
    try (PageAllocator allocator = allocator(CheckLevel.FULL);
        PageAllocator basic = Bare.builder().capacity(PAGES * PAGE).build()) {
      List<MemorySegment> live = new ArrayList<>(List.of(allocator.allocate(1)));
      assertThat(allocator.buddyInfo().cachedPages()).isZero();
      live.forEach(allocator::free);
      basic.free(basic.allocate(1));
      assertThat(basic.buddyInfo().name()).isEqualTo("octavo");
    }
  }

  @Test
  @SuppressWarnings("NullAway")
  void theGradeIsRequired() {
    assertThatThrownBy(() -> Bare.builder().checks(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("checks");
  }
}
