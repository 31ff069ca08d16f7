package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.InvalidFreeException.Reason;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Each kind of bad input gets its own typed error that names the operands, and changes nothing.
class BadInputTest {

  private static final int PAGE = 4096;

  private final PageAllocator allocator = Bare.builder().capacity(256 * PAGE).name("test").build();

  /// Live during every test, to be damaged by what goes wrong.
  private final MemorySegment live = allocator.allocate(33 * PAGE);

  private final String before = allocator.buddyInfo().toBuddyinfoLine();

  @AfterEach
  void nothingHasChanged() {
    assertThat(allocator.audit()).isEmpty();
    assertThat(allocator.buddyInfo().toBuddyinfoLine()).isEqualTo(before);
    allocator.free(live);
    allocator.close();
  }

  private static void assertRejected(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  private static void assertInvalid(ThrowingCallable call, Reason reason, String start) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(reason))
        .hasMessageStartingWith(start);
  }

  @Test
  void negativeSizes() {
    String message = "byte size out of range: value=-1, min=0, max=" + Long.MAX_VALUE;
    assertRejected(() -> allocator.allocate(-1), message);
    assertRejected(() -> allocator.tryAllocate(-1), message);
    assertRejected(
        () -> allocator.allocateBulk(-1, new MemorySegment[1]),
        "byte size out of range: value=-1, min=1, max=" + Long.MAX_VALUE);
    assertRejected(
        () -> allocator.allocatePageRun(0), "pages out of range: value=0, min=1, max=2147483647");
  }

  @Test
  void hugeSizes() {
    for (long size : new long[] {256L * PAGE + 1, 1L << 40, Long.MAX_VALUE}) {
      assertThatThrownBy(() -> allocator.allocate(size))
          .isInstanceOfSatisfying(
              OutOfPagesException.class,
              e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.CAPACITY))
          .hasMessageStartingWith(
              "more than the region could ever hold: byteSize=" + size + ", byteAlignment=1,");
      assertThat(allocator.tryAllocate(size)).isNull();
      assertThat(allocator.tryAllocateBulk(size, new MemorySegment[2])).isZero();
    }
    assertThat(allocator.tryAllocatePageRun(Integer.MAX_VALUE)).isEqualTo(-1);
    assertThatThrownBy(() -> allocator.resize(live, Long.MAX_VALUE))
        .isInstanceOf(OutOfPagesException.class);
    assertThat(allocator.tryGrowPageRun(0, 33, Integer.MAX_VALUE)).isFalse();
  }

  @Test
  void notEnoughMemory() {
    assertThatThrownBy(() -> allocator.allocate(224 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.NOT_ENOUGH_MEMORY))
        .hasMessage(
            "not enough memory: byteSize=917504, byteAlignment=1, mode=BLOCKING, pageSize=4096,"
                + " pageCount=256, freePages=223, min=0, largestFreeRun=223, order=8,"
                + " fragmentationIndex=733, buddyinfo="
                + before);
  }

  @Test
  void fragmentation() {
    long[] runs = new long[7];
    for (int i = 0; i < runs.length; i++) {
      runs[i] = allocator.allocatePageRun(31);
    }
    allocator.freePageRun(runs[1], 31);
    allocator.freePageRun(runs[3], 31);
    assertThatThrownBy(() -> allocator.allocate(62 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.FRAGMENTATION))
        .hasMessageContaining("free memory is fragmented: byteSize=253952,");
    for (int i : new int[] {0, 2, 4, 5, 6}) {
      allocator.freePageRun(runs[i], 31);
    }
  }

  @Test
  void alignments() {
    assertRejected(
        () -> allocator.allocate(8, 0), "byte alignment must be a power of two: value=0");
    assertRejected(
        () -> allocator.allocate(8, 3), "byte alignment must be a power of two: value=3");
    assertRejected(
        () -> allocator.allocate(8, Long.MIN_VALUE),
        "byte alignment must be a power of two: value=-9223372036854775808");
    assertRejected(
        () -> allocator.allocatePageRun(1, 12), "page alignment must be a power of two: value=12");
    assertThatThrownBy(() -> allocator.allocate(Long.MAX_VALUE, 1L << 62))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.CAPACITY));
    assertThat(allocator.tryAllocate(1, 1L << 62)).isNull();
  }

  @Test
  void orders() {
    assertRejected(() -> allocator.allocatePages(-1), "order out of range: value=-1, min=0, max=8");
    assertRejected(
        () -> allocator.tryAllocatePages(9), "order out of range: value=9, min=0, max=8");
  }

  @Test
  void foreignSegments() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment other = arena.allocate(PAGE, PAGE);
      assertInvalid(
          () -> allocator.free(other),
          Reason.FOREIGN_SEGMENT,
          "not memory of this region: segment=MemorySegment{");
    }
    MemorySegment heap = MemorySegment.ofArray(new byte[PAGE]);
    assertInvalid(() -> allocator.free(heap), Reason.FOREIGN_SEGMENT, "not memory of this region");
    MemorySegment rebuilt = MemorySegment.ofAddress(live.address());
    assertInvalid(
        () -> allocator.free(rebuilt), Reason.FOREIGN_SEGMENT, "not memory of this region");
  }

  @Test
  void slices() {
    assertInvalid(
        () -> allocator.free(live.asSlice(0, PAGE)),
        Reason.WRONG_SIZE,
        "not the size of the allocation: page=0, pages=1, allocated=33, name=test");
    assertInvalid(
        () -> allocator.free(live.asSlice(0, 0)), Reason.WRONG_SIZE, "not the size of the");
    assertInvalid(
        () -> allocator.free(live.asSlice(0, 32 * PAGE)), Reason.WRONG_SIZE, "not the size of the");
    assertInvalid(
        () -> allocator.trim(live.asSlice(0, 32 * PAGE), 5), Reason.WRONG_SIZE, "not the size of");
    assertInvalid(
        () -> allocator.resize(live.asSlice(0, PAGE), 5 * PAGE), Reason.WRONG_SIZE, "not the size");
  }

  @Test
  void emptySlices() {
    MemorySegment one = allocator.allocate(5);
    assertInvalid(
        () -> allocator.free(one.asSlice(0, 0)),
        Reason.WRONG_SIZE,
        "not the size of the allocation: page=33, pages=0, allocated=1, name=test");
    assertInvalid(
        () -> allocator.resize(one.asSlice(0, 0), 9), Reason.WRONG_SIZE, "not the size of the");
    allocator.free(one);
  }

  @Test
  void readOnlyViews() {
    assertInvalid(
        () -> allocator.free(live.asReadOnly()), Reason.READ_ONLY, "read-only view: segment=");
  }

  @Test
  void interiorPointers() {
    assertInvalid(
        () -> allocator.free(live.asSlice(PAGE)),
        Reason.INTERIOR_POINTER,
        "not the start of an allocation: page=1, pages=32, name=test");
    assertInvalid(
        () -> allocator.free(live.asSlice(16)),
        Reason.INTERIOR_POINTER,
        "not the start of an allocation: segment=");
    assertInvalid(
        () -> allocator.freePageRun(5, 2), Reason.INTERIOR_POINTER, "not the start of an");
    assertInvalid(
        () -> allocator.trimPageRun(5, 2, 1), Reason.INTERIOR_POINTER, "not the start of an");
  }

  @Test
  void segmentsFromBeforeATrim() {
    MemorySegment old = allocator.allocate(10 * PAGE);
    MemorySegment trimmed = allocator.trim(old, 9 * PAGE);
    assertInvalid(
        () -> allocator.free(old), Reason.WRONG_SIZE, "not the size of the allocation: page=33");
    allocator.free(trimmed);
  }

  @Test
  void doubleFrees() {
    MemorySegment segment = allocator.allocate(3 * PAGE);
    allocator.free(segment);
    assertInvalid(
        () -> allocator.free(segment),
        Reason.DOUBLE_FREE,
        "pages are free already: page=33, pages=3, name=test");
    assertInvalid(() -> allocator.trim(segment, 1), Reason.DOUBLE_FREE, "pages are free already");
    assertInvalid(
        () -> allocator.resize(segment, 9 * PAGE), Reason.DOUBLE_FREE, "pages are free already");
    assertInvalid(() -> allocator.freePageRun(200, 1), Reason.DOUBLE_FREE, "pages are free");
  }

  @Test
  void runsOutsideTheRegion() {
    assertInvalid(
        () -> allocator.freePageRun(-1, 1), Reason.FOREIGN_SEGMENT, "not memory of this region");
    assertInvalid(
        () -> allocator.freePageRun(256, 1),
        Reason.FOREIGN_SEGMENT,
        "not memory of this region: page=256, pages=1, name=test");
    assertInvalid(
        () -> allocator.freePageRun(1L << 40, 1), Reason.FOREIGN_SEGMENT, "not memory of this");
    assertInvalid(() -> allocator.freePageRun(0, 300), Reason.WRONG_SIZE, "not the size of the");
    assertInvalid(() -> allocator.freePageRun(0, 0), Reason.WRONG_SIZE, "not the size of the");
    assertRejected(
        () -> allocator.segment(255, 2), "run not in region: page=255, pages=2, pageCount=256");
  }

  @Test
  void newSizes() {
    assertRejected(
        () -> allocator.trim(live, 0), "new byte size out of range: value=0, min=1, max=135168");
    assertRejected(
        () -> allocator.trim(live, 33 * PAGE + 1),
        "new byte size out of range: value=135169, min=1, max=135168");
    assertRejected(
        () -> allocator.resize(live, 0),
        "new byte size out of range: value=0, min=1, max=" + Long.MAX_VALUE);
    assertRejected(
        () -> allocator.trimPageRun(0, 33, 34), "new pages out of range: value=34, min=1, max=33");
    assertRejected(
        () -> allocator.tryGrowPageRun(0, 33, 32),
        "new pages out of range: value=32, min=33, max=2147483647");
  }

  @Test
  void bulkIsAllOrNothing() {
    MemorySegment[] into = new MemorySegment[224];
    assertThatThrownBy(() -> allocator.allocateBulk(PAGE, into))
        .isInstanceOf(OutOfPagesException.class)
        .hasMessageStartingWith("not enough memory: pages=1, count=224, mode=BLOCKING,");
    assertThat(into).containsOnlyNulls();
  }
}
