package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/// L12 and L13 in counts, not in time: reads and CASes of a call, bytes of metadata.
class CostTest {

  private static final int MIB_64 = 1 << 14;
  private static final int TIB_1 = 1 << 28;

  /// Accesses of 10,000 random frees and allocations on a half-full stretch of 32 MiB.
  private static double accessesPerCall(int pageCount) {
    Faults counts = new Faults();
    Geometry geometry =
        new Geometry(pageCount, Geometry.largestOrder(pageCount), Geometry.RADIX_LOG2);
    BuddyPages pages = counts.pages(geometry, 1);
    Slot slot = pages.slot(0);
    int[] live = new int[MIB_64 / 2];
    for (int i = 0; i < live.length; i++) {
      live[i] = pages.allocate(slot, 1, 0);
    }
    Random random = new Random(13);
    int calls = 10_000;
    long before = counts.readCount() + counts.casCount();
    for (int i = 0; i < calls; i++) {
      int victim = random.nextInt(live.length);
      assertThat(pages.free(slot, live[victim], 1)).isTrue();
      live[victim] = pages.allocate(slot, 1, 0);
    }
    return (counts.readCount() + counts.casCount() - before) / (2.0 * calls);
  }

  @Test
  void l13CostDoesNotGrowWithCapacity() {
    assertThat(accessesPerCall(TIB_1)).isLessThan(1.2 * accessesPerCall(MIB_64));
  }

  @Test
  void l13AFailureOnAFullRegionIsCheap() {
    Faults counts = new Faults();
    BuddyPages pages = counts.pages(new Geometry(TIB_1, 28, Geometry.RADIX_LOG2), 1);
    Slot slot = pages.slot(0);
    assertThat(pages.allocate(slot, TIB_1, 0)).isZero();
    pages.allocate(slot, 1, 0);
    long before = counts.readCount();
    assertThat(pages.allocate(slot, 1, 0)).isEqualTo(BuddyPages.NONE);
    assertThat(pages.allocate(slot, 33, 0)).isEqualTo(BuddyPages.NONE);
    assertThat(counts.readCount() - before).isLessThan(200);
  }

  @Test
  void l12MetadataTakeLessThanFiveFourthsOfAByteAPage() {
    for (int pageCount : new int[] {1 << 12, 100_003, 1 << 20, TIB_1}) {
      Geometry geometry =
          new Geometry(pageCount, Geometry.largestOrder(pageCount), Geometry.RADIX_LOG2);
      double bytesPerPage = new BuddyPages(geometry, 1).metadataBytes() / (double) pageCount;
      assertThat(bytesPerPage).isBetween(1.0, 1.25);
    }
  }
}
