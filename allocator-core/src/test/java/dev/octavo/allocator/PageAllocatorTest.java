package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// What the calls do when all is well.
class PageAllocatorTest {

  private static final int PAGE = 4096;

  private static PageAllocator ofPages(long pages) {
    return Bare.builder().capacity(pages * PAGE).build();
  }

  @Test
  void defaultsAreSensible() {
    try (PageAllocator allocator = ofPages(100)) {
      assertThat(allocator.pageSize()).isEqualTo(PageAllocator.DEFAULT_PAGE_SIZE);
      assertThat(allocator.pageCount()).isEqualTo(100);
      assertThat(allocator.capacity()).isEqualTo(100 * PAGE);
      assertThat(allocator.maxOrder()).isEqualTo(6);
      assertThat(allocator.name()).isEqualTo("octavo");
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(100);
      assertThat(allocator.buddyInfo())
          .hasToString(
              "Node 0, zone   octavo      0      0      1" + "      0      0      1      1");
    }
  }

  @Test
  void aSegmentHasExactlyTheBytesAskedFor() {
    try (PageAllocator allocator = ofPages(64)) {
      for (long size : new long[] {1, 63, 4095, 4096, 4097, 135_168, 200_001}) {
        MemorySegment segment = allocator.allocate(size);
        assertThat(segment.byteSize()).isEqualTo(size);
        assertThat(segment.address() % PAGE).isZero();
        segment.fill((byte) 7);
        long pages = (size + PAGE - 1) / PAGE;
        assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(pages);
        allocator.free(segment);
      }
    }
  }

  @Test
  void anEmptySegmentTakesNoPage() {
    try (PageAllocator allocator = ofPages(4)) {
      MemorySegment empty = allocator.allocate(0, 1 << 16);
      assertThat(empty.byteSize()).isZero();
      assertThat(empty.address() % (1 << 16)).isZero();
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(4);
      allocator.free(empty);
      allocator.free(empty);
      MemorySegment grown = allocator.resize(empty, 5);
      assertThat(grown.byteSize()).isEqualTo(5);
      allocator.free(grown);
    }
  }

  @Test
  void alignmentsUpToTheRegionsSize() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(3L << 20, 1 << 21);
      for (long shift : new long[] {0, 1, 5, 255}) {
        MemoryRegion region = MemoryRegion.of(memory.asSlice(shift * PAGE));
        PageAllocator allocator = Bare.builder().region(region).build();
        for (int log2 = 0; log2 <= 21; log2++) {
          MemorySegment segment = allocator.tryAllocate(5 * PAGE, 1L << log2);
          assertThat(segment).as("shift=%d, log2=%d", shift, log2).isNotNull();
          assertThat(segment.address() % (1L << log2)).isZero();
          assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(5);
          allocator.free(segment);
        }
        allocator.close();
      }
    }
  }

  @Test
  void blocksAreNaturallyAlignedAndUpToTheWholeRegion() {
    try (PageAllocator allocator = ofPages(1 << 13)) {
      for (int order = 0; order <= 13; order++) {
        MemorySegment odd = order < 13 ? allocator.allocate(1) : null;
        MemorySegment block = allocator.allocatePages(order);
        assertThat(block.byteSize()).isEqualTo((long) PAGE << order);
        assertThat(block.address() % Math.min(block.byteSize(), 2 << 20)).isZero();
        allocator.free(block);
        if (odd != null) {
          allocator.free(odd);
        }
      }
      assertThat(allocator.buddyInfo().freeBlocks(13)).isEqualTo(1);
    }
  }

  @Test
  void trimGivesTheTailBackAtOnce() {
    try (PageAllocator allocator = ofPages(64)) {
      MemorySegment block = allocator.allocatePages(6);
      MemorySegment trimmed = allocator.trim(block, 33 * PAGE - 5);
      assertThat(trimmed.address()).isEqualTo(block.address());
      assertThat(trimmed.byteSize()).isEqualTo(33 * PAGE - 5);
      assertThat(allocator.buddyInfo().freeBlocks()).containsExactly(1, 1, 1, 1, 1, 0, 0);
      allocator.free(trimmed);
    }
  }

  @Test
  void resizeGrowsInPlaceOverFreeNeighbours() {
    try (PageAllocator allocator = ofPages(256)) {
      MemorySegment segment = allocator.allocate(20 * PAGE);
      segment.set(ValueLayout.JAVA_INT, 0, 42);
      MemorySegment grown = allocator.resize(segment, 200 * PAGE + 1);
      assertThat(grown.address()).isEqualTo(segment.address());
      assertThat(grown.byteSize()).isEqualTo(200 * PAGE + 1);
      assertThat(grown.get(ValueLayout.JAVA_INT, 0)).isEqualTo(42);
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(201);
      MemorySegment same = allocator.resize(grown, 201 * PAGE);
      MemorySegment less = allocator.resize(same, 3);
      assertThat(less.address()).isEqualTo(segment.address());
      allocator.free(less);
    }
  }

  @Test
  void resizeMovesWhenANeighbourIsInTheWay() {
    try (PageAllocator allocator = ofPages(256)) {
      MemorySegment segment = allocator.allocate(3 * PAGE);
      MemorySegment neighbour = allocator.allocate(3 * PAGE);
      assertThat(neighbour.address()).isEqualTo(segment.address() + 3 * PAGE);
      segment.fill((byte) 9);
      MemorySegment moved = allocator.resize(segment, 7 * PAGE);
      assertThat(moved.address()).isNotEqualTo(segment.address());
      assertThat(moved.asSlice(0, 3 * PAGE).mismatch(segment)).isEqualTo(-1);
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(10);
      allocator.free(moved);
      allocator.free(neighbour);
    }
  }

  @Test
  void resizeThatFailsLeavesTheSegmentAlone() {
    try (PageAllocator allocator = ofPages(8)) {
      MemorySegment segment = allocator.allocate(3 * PAGE);
      assertThatThrownBy(() -> allocator.resize(segment, 9 * PAGE))
          .isInstanceOf(OutOfPagesException.class);
      allocator.free(segment);
    }
  }

  @Test
  void resizeThatCannotCopyLeavesTheSegmentAlone() {
    Arena arena = Arena.ofConfined();
    MemoryRegion region = MemoryRegion.of(arena.allocate(8 * PAGE, PAGE));
    PageAllocator allocator = Bare.builder().region(region).build();
    MemorySegment segment = allocator.allocate(PAGE);
    MemorySegment neighbour = allocator.allocate(PAGE);
    arena.close();
    assertThatThrownBy(() -> allocator.resize(segment, 3 * PAGE))
        .isInstanceOf(IllegalStateException.class);
    assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(2);
    allocator.free(segment);
    allocator.free(neighbour);
    allocator.close();
  }

  @Test
  void bulkFillsAnArrayAndPartialBulkWhatItCan() {
    try (PageAllocator allocator = ofPages(100)) {
      MemorySegment[] all = new MemorySegment[90];
      assertThat(allocator.allocateBulk(4000, all)).isEqualTo(90);
      assertThat(Arrays.stream(all).map(MemorySegment::address).distinct()).hasSize(90);
      assertThat(Arrays.stream(all)).allMatch(segment -> segment.byteSize() == 4000);
      MemorySegment[] rest = new MemorySegment[5];
      assertThat(allocator.tryAllocateBulk(3 * PAGE, rest)).isEqualTo(3);
      assertThat(rest[2]).isNotNull();
      assertThat(rest[3]).isNull();
      assertThat(allocator.allocateBulk(1, new MemorySegment[0])).isZero();
      for (MemorySegment segment : all) {
        allocator.free(segment);
      }
      for (int i = 0; i < 3; i++) {
        allocator.free(rest[i]);
      }
    }
  }

  @Test
  void pageRunsAreNumbersAndHaveMemory() {
    try (PageAllocator allocator = ofPages(256)) {
      long page = allocator.allocatePageRun(33);
      long aligned = allocator.allocatePageRun(5, 64);
      assertThat(aligned % 64).isZero();
      MemorySegment memory = allocator.segment(page, 33);
      memory.fill((byte) 1);
      allocator.trimPageRun(page, 33, 3);
      assertThat(allocator.tryGrowPageRun(page, 3, 40)).isTrue();
      assertThat(allocator.tryGrowPageRun(page, 40, 250)).isFalse();
      allocator.freePageRun(page, 40);
      allocator.free(allocator.segment(aligned, 5));
    }
  }

  @Test
  void oneThreadAlwaysGetsTheSameAddresses() {
    long[][] pages = new long[2][200];
    for (long[] run : pages) {
      try (PageAllocator allocator =
          Bare.builder().region(MemoryRegion.reserveOnly(4096L * PAGE)).build()) {
        for (int i = 0; i < run.length; i++) {
          run[i] = allocator.allocatePageRun(1 + i % 17);
        }
        for (int i = 0; i < run.length; i++) {
          allocator.freePageRun(run[i], 1 + i % 17);
        }
      }
    }
    assertThat(pages[0]).isEqualTo(pages[1]);
  }

  @Test
  void aReserveOnlyRegionDealsInPageRunsAlone() {
    try (PageAllocator allocator =
        Bare.builder().region(MemoryRegion.reserveOnly(1L << 40)).name("disk").build()) {
      assertThat(allocator.maxOrder()).isEqualTo(28);
      long whole = allocator.allocatePageRun(1 << 28);
      assertThat(whole).isZero();
      allocator.freePageRun(whole, 1 << 28);
      assertThatThrownBy(() -> allocator.allocate(1))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("region has no memory, use page runs: name=disk, region=reserve-only");
      assertThatThrownBy(() -> allocator.allocatePages(0))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThatThrownBy(() -> allocator.allocateBulk(1, new MemorySegment[1]))
          .isInstanceOf(UnsupportedOperationException.class);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment other = arena.allocate(1);
        assertThatThrownBy(() -> allocator.free(other)).isInstanceOf(InvalidFreeException.class);
      }
    }
  }
}
