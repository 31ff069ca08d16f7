package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/// Where memory comes from, and what a builder refuses.
class MemoryRegionTest {

  private static void assertRejected(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }

  @Test
  void aRegionServesOneAllocator() {
    MemoryRegion region = MemoryRegion.ofArena(1 << 20);
    assertThat(region.byteSize()).isEqualTo(1 << 20);
    PageAllocator first = Bare.builder().region(region).build();
    assertThatThrownBy(() -> Bare.builder().region(region).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("region already serves an allocator: byteSize=1048576");
    first.close();
  }

  @Test
  void theCallersSegmentStaysTheCallers() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(10_000, 4096);
      PageAllocator allocator = Bare.builder().region(MemoryRegion.of(memory)).build();
      assertThat(allocator.capacity()).isEqualTo(8192);
      MemorySegment segment = allocator.allocate(5);
      assertThat(segment.address()).isEqualTo(memory.address());
      allocator.free(segment);
      allocator.close();
      assertThat(memory.scope().isAlive()).isTrue();
    }
  }

  @Test
  void aReadOnlyRegionGivesReadOnlySegments() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(8192, 4096).asReadOnly();
      PageAllocator allocator = Bare.builder().region(MemoryRegion.of(memory)).build();
      MemorySegment segment = allocator.allocate(5);
      assertThat(segment.isReadOnly()).isTrue();
      allocator.free(segment);
      allocator.close();
    }
  }

  @Test
  void anyPageSizeAndCapacity() {
    for (int pageSize = 64; pageSize <= 2 << 20; pageSize <<= 1) {
      for (int pages : new int[] {1, 2, 3, 65, 100}) {
        MemoryRegion region = MemoryRegion.reserveOnly((long) pages * pageSize);
        PageAllocator allocator = Bare.builder().pageSize(pageSize).region(region).build();
        assertThat(allocator.pageCount()).isEqualTo(pages);
        assertThat(allocator.allocatePageRun(pages)).isZero();
        allocator.freePageRun(0, pages);
        allocator.close();
      }
    }
  }

  @Test
  void ordersMayBeLimited() {
    try (PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.reserveOnly(1 << 24))
            .capacity(1 << 20)
            .maxOrder(3)
            .build()) {
      assertThat(allocator.buddyInfo().freeBlocks()).containsExactly(0, 0, 0, 32);
      long run = allocator.allocatePageRun(100);
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(156);
      allocator.freePageRun(run, 100);
    }
  }

  @Test
  void whatIsNotAllowed() {
    assertRejected(() -> MemoryRegion.ofArena(0), "region size out of range: byteSize=0");
    assertRejected(() -> MemoryRegion.reserveOnly(-5), "region size out of range: byteSize=-5");
    assertRejected(
        () -> MemoryRegion.of(MemorySegment.NULL), "region size out of range: byteSize=0");
    assertThatThrownBy(() -> MemoryRegion.of(MemorySegment.ofArray(new byte[4096])))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("region must be native memory: segment=");
    assertRejected(
        () -> Bare.builder().pageSize(32), "page size out of range: value=32, min=64, max=2097152");
    assertRejected(
        () -> Bare.builder().pageSize(4097), "page size must be a power of two: value=4097");
    assertRejected(
        () -> Bare.builder().capacity(0),
        "capacity out of range: value=0, min=64, max=2251799813685248");
    assertRejected(
        () -> Bare.builder().maxOrder(31), "max order out of range: value=31, min=0, max=30");
    assertRejected(() -> Bare.builder().build(), "capacity not set: capacity=none, region=none");
    assertRejected(
        () -> Bare.builder().capacity(5000).build(),
        "capacity must be a multiple of the page size: value=5000, pageSize=4096");
    assertRejected(
        () -> Bare.builder().pageSize(64).capacity(1L << 40).build(),
        "capacity in pages out of range: value=17179869184, min=1, max=1073741824");
    assertRejected(
        () -> Bare.builder().capacity(8192).maxOrder(2).build(),
        "max order out of range: value=2, min=0, max=1");
    assertRejected(
        () -> Bare.builder().region(MemoryRegion.reserveOnly(4096)).capacity(8192).build(),
        "capacity out of range: value=8192, min=4096, max=4096");
    assertRejected(
        () -> Bare.builder().region(MemoryRegion.reserveOnly(4095)).build(),
        "capacity out of range: value=0, min=4096, max=4095");
  }

  @Test
  void aRegionMustStartAtAPage() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(20_000, 4096).asSlice(64);
      MemoryRegion region = MemoryRegion.of(memory);
      assertRejected(
          () -> Bare.builder().region(region).build(),
          "region must start at a multiple of the page size: address="
              + memory.address()
              + ", pageSize=4096");
      PageAllocator small = Bare.builder().pageSize(64).region(region).build();
      assertThat(small.pageCount()).isEqualTo(311);
      small.close();
    }
  }
}
