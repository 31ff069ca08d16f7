package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.InvalidFreeException.Reason;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/// One test a law, small enough to be read as its meaning. What many threads and random sequences
/// can do to the laws is tried elsewhere: the package `model`, `StressTest` and the `Race` tests.
class LawsTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;

  private static PageAllocator allocator() {
    return Bare.builder().capacity(PAGES * PAGE).build();
  }

  @Test
  void l1NoOverlap() {
    try (PageAllocator allocator = allocator()) {
      List<MemorySegment> live = new ArrayList<>();
      Random random = new Random(1);
      MemorySegment next = allocator.tryAllocate(1 + random.nextInt(9 * PAGE));
      while (next != null) {
        next.fill((byte) live.size());
        live.add(next);
        next = allocator.tryAllocate(1 + random.nextInt(9 * PAGE));
      }
      for (int i = 0; i < live.size(); i++) {
        MemorySegment segment = live.get(i);
        for (long at = 0; at < segment.byteSize(); at++) {
          assertThat(segment.get(ValueLayout.JAVA_BYTE, at)).isEqualTo((byte) i);
        }
        allocator.free(segment);
      }
    }
  }

  @Test
  void l2Conservation() {
    try (PageAllocator allocator = allocator()) {
      Deque<long[]> live = new ArrayDeque<>();
      Random random = new Random(2);
      long allocated = 0;
      for (int i = 0; i < 5_000; i++) {
        int pages = 1 + random.nextInt(40);
        long page = random.nextInt(3) > 0 ? allocator.tryAllocatePageRun(pages) : -1;
        if (page >= 0) {
          live.add(new long[] {page, pages});
          allocated += pages;
        } else if (!live.isEmpty()) {
          long[] run = live.remove();
          allocator.freePageRun(run[0], (int) run[1]);
          allocated -= run[1];
        }
        assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES - allocated);
      }
      assertThat(allocator.audit()).isEmpty();
      live.forEach(run -> allocator.freePageRun(run[0], (int) run[1]));
    }
  }

  @Test
  void l3FullMerge() {
    try (PageAllocator allocator = allocator()) {
      long[] born = allocator.buddyInfo().freeBlocks();
      List<Long> pages = new ArrayList<>();
      for (int i = 0; i < PAGES; i++) {
        pages.add(allocator.allocatePageRun(1));
      }
      assertThat(allocator.buddyInfo().freePages()).isZero();
      Collections.shuffle(pages, new Random(3));
      pages.forEach(page -> allocator.freePageRun(page, 1));
      assertThat(allocator.buddyInfo().freeBlocks()).isEqualTo(born);
    }
  }

  @Test
  void l4ExactSize() {
    try (PageAllocator allocator = Bare.builder().capacity(64 * PAGE).build()) {
      MemorySegment segment = allocator.allocate(132 << 10);
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(33);
      assertThat(allocator.buddyInfo().freeBlocks()).containsExactly(1, 1, 1, 1, 1, 0, 0);
      MemorySegment tail = allocator.allocate(31 * PAGE);
      assertThat(allocator.buddyInfo().freePages()).isZero();
      allocator.free(segment);
      allocator.free(tail);
    }
  }

  /// Exact runs pack: 132 KiB buffers fill a region to the last run that fits between others.
  @Test
  void l4ExactRunsOfOneSizeFillTheRegion() {
    try (PageAllocator allocator = Bare.builder().capacity(16 << 20).build()) {
      List<MemorySegment> live = new ArrayList<>();
      for (MemorySegment run; (run = allocator.tryAllocate(132 << 10)) != null; ) {
        live.add(run);
      }
      assertThat(live).hasSizeGreaterThanOrEqualTo(8 * 15);
      live.forEach(allocator::free);
    }
  }

  @Test
  void l5NoSpuriousFailure() {
    try (PageAllocator allocator = allocator()) {
      long[] pages = new long[PAGES];
      for (int i = 0; i < PAGES; i++) {
        pages[i] = allocator.allocatePageRun(1);
      }
      Random random = new Random(5);
      for (int i = 0; i < 500; i++) {
        int length = 2 + random.nextInt(60);
        int first = random.nextInt(PAGES - length);
        for (int page = first; page < first + length; page++) {
          allocator.freePageRun(page, 1);
        }
        // The only free run there is, at any place, across any boundary.
        assertThat(allocator.allocatePageRun(length)).isEqualTo(first);
        allocator.trimPageRun(first, length, 1);
        for (int page = first + 1; page < first + length; page++) {
          assertThat(allocator.allocatePageRun(1)).isBetween((long) first, first + length - 1L);
        }
        assertThat(allocator.tryAllocatePageRun(1)).isEqualTo(-1);
      }
      for (int page = 0; page < PAGES; page++) {
        allocator.freePageRun(page, 1);
      }
    }
  }

  @Test
  void l6FailureChangesNothing() {
    try (PageAllocator allocator = allocator()) {
      long run = allocator.allocatePageRun(501);
      String before = allocator.buddyInfo().toBuddyinfoLine();
      assertThat(allocator.tryAllocatePageRun(500)).isEqualTo(-1);
      assertThat(allocator.tryGrowPageRun(run, 501, 1001)).isFalse();
      assertThat(allocator.tryAllocateBulk(500 * PAGE, new MemorySegment[2])).isZero();
      assertThatThrownBy(() -> allocator.allocateBulk(250 * PAGE, new MemorySegment[3]))
          .isInstanceOf(OutOfPagesException.class);
      assertThatThrownBy(() -> allocator.freePageRun(run, 500))
          .isInstanceOf(InvalidFreeException.class);
      assertThatThrownBy(allocator::assertNoLeaks).isInstanceOf(LiveAllocationsException.class);
      assertThat(allocator.buddyInfo()).hasToString(before);
      assertThat(allocator.audit()).isEmpty();
      allocator.freePageRun(run, 501);
    }
  }

  @Test
  void l7FreeWorksFromAnyThreadAndWhenNothingIsLeft() throws InterruptedException {
    try (PageAllocator allocator = allocator()) {
      MemorySegment all = allocator.allocate(PAGES * PAGE);
      assertThat(allocator.tryAllocate(1)).isNull();
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread other = new Thread(() -> allocator.free(all));
      other.setUncaughtExceptionHandler((thread, thrown) -> failure.set(thrown));
      other.start();
      other.join();
      assertThat(failure.get()).isNull();
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    }
  }

  @Test
  void l8BadFreesAreFound() {
    try (PageAllocator allocator = allocator()) {
      MemorySegment segment = allocator.allocate(5 * PAGE);
      for (int first = 0; first < 5; first++) {
        for (int pages = 1; pages <= 5 - first; pages++) {
          MemorySegment slice = segment.asSlice((long) first * PAGE, (long) pages * PAGE);
          Reason expected = first > 0 ? Reason.INTERIOR_POINTER : Reason.WRONG_SIZE;
          if (first > 0 || pages < 5) {
            assertThatThrownBy(() -> allocator.free(slice))
                .isInstanceOfSatisfying(
                    InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(expected));
          }
        }
      }
      allocator.free(segment);
      assertThatThrownBy(() -> allocator.free(segment))
          .isInstanceOfSatisfying(
              InvalidFreeException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.DOUBLE_FREE));
      assertThat(allocator.audit()).isEmpty();
    }
  }

  /// The memory belongs to an arena that is closed already: any access would throw.
  @Test
  void l12MetadataIsOutOfBand() {
    Arena arena = Arena.ofConfined();
    MemorySegment memory = arena.allocate(PAGES * PAGE, PAGE);
    PageAllocator allocator = Bare.builder().region(MemoryRegion.of(memory)).build();
    arena.close();
    assertThatThrownBy(() -> memory.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    MemorySegment segment = allocator.allocate(100 * PAGE);
    MemorySegment trimmed = allocator.trim(segment, 33 * PAGE);
    MemorySegment grown = allocator.resize(trimmed, 200 * PAGE);
    MemorySegment[] bulk = new MemorySegment[50];
    allocator.allocateBulk(PAGE, bulk);
    for (MemorySegment each : bulk) {
      allocator.free(each);
    }
    allocator.free(grown);
    assertThat(allocator.audit()).isEmpty();
    allocator.close();
  }
}
