package dev.octavo.allocator.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.Slot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The law of the exact trim (L4): when n pages of a block of 2^k are in use, the other 2^k - n are
/// free at once, as one block for each set bit of 2^k - n, the smallest at the lowest address.
class ExactTrimTest {

  private static final int LARGEST_ORDER = 12;
  private static final int PAGE_KIB = 4;

  /// 132 KiB cost 33 pages, not 64.
  @Test
  void the31PagesBehind132KibAreFiveBlocks() {
    int pages = 132 / PAGE_KIB;
    BuddyPages region = new BuddyPages(new Geometry(64, 6, Geometry.RADIX_LOG2), 1);

    assertThat(region.allocate(region.slot(0), pages, 0)).isZero();

    assertThat(region.freeAreas().blocks()).containsExactly(1, 1, 1, 1, 1, 0, 0);
    assertThat(region.freeAreas().pages()).isEqualTo(31);
    assertThat(region.allocate(region.slot(0), 1, 0)).isEqualTo(33);
    assertThat(region.allocate(region.slot(0), 2, 1)).isEqualTo(34);
    assertThat(region.allocate(region.slot(0), 4, 2)).isEqualTo(36);
    assertThat(region.allocate(region.slot(0), 8, 3)).isEqualTo(40);
    assertThat(region.allocate(region.slot(0), 16, 4)).isEqualTo(48);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void trimmingABlockFreesOneBlockForEachSetBit(int radixLog2) {
    for (int order = 0; order <= LARGEST_ORDER; order++) {
      int blockPages = 1 << order;
      for (int pages = 1; pages <= blockPages; pages++) {
        BuddyPages region = new BuddyPages(new Geometry(blockPages, order, radixLog2), 1);
        assertThat(region.allocate(region.slot(0), blockPages, order)).isZero();
        assertThat(region.trim(region.slot(0), 0, blockPages, pages)).isTrue();
        assertTail(region, pages);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void allocatingExactlyLeavesOneBlockForEachSetBit(int radixLog2) {
    for (int order = 0; order <= LARGEST_ORDER; order++) {
      int blockPages = 1 << order;
      for (int pages = 1; pages <= blockPages; pages++) {
        BuddyPages region = new BuddyPages(new Geometry(blockPages, order, radixLog2), 1);
        assertThat(region.allocate(region.slot(0), pages, 0)).isZero();
        assertTail(region, pages);
      }
    }
  }

  /// Fails unless the pages from `pages` on are free in the blocks that the law names; frees all.
  private static void assertTail(BuddyPages region, int pages) {
    assertThat(region.audit()).isEmpty();
    assertFreeBlocks(region, pages);
    Slot slot = region.slot(0);
    int page = pages;
    for (int order = 0; order < region.geometry().maxOrder(); order++) {
      if (isInTail(region, pages, order)) {
        assertThat(region.allocate(slot, 1 << order, order)).isEqualTo(page);
        page += 1 << order;
      }
    }
    assertThat(page).isEqualTo(region.geometry().pageCount());
    assertThat(region.freeAreas().pages()).isZero();
    assertFreesAsOneBlock(region, slot);
  }

  private static void assertFreeBlocks(BuddyPages region, int pages) {
    FreeAreas free = region.freeAreas();
    int tail = region.geometry().pageCount() - pages;
    assertThat(free.pages()).isEqualTo(tail);
    assertThat(free.largestRun()).isEqualTo(tail);
    for (int order = 0; order <= region.geometry().maxOrder(); order++) {
      assertThat(free.blocks()[order]).isEqualTo(isInTail(region, pages, order) ? 1 : 0);
    }
  }

  /// Whether the binary digit of 2^order in the length of the tail is a one.
  private static boolean isInTail(BuddyPages region, int pages, int order) {
    return (region.geometry().pageCount() - pages) / (1 << order) % 2 == 1;
  }

  private static void assertFreesAsOneBlock(BuddyPages region, Slot slot) {
    int pageCount = region.geometry().pageCount();
    for (int head = region.nextHead(0); head < pageCount; head = region.nextHead(head)) {
      assertThat(region.free(slot, head, region.pagesAt(head))).isTrue();
    }
    assertThat(region.freeAreas().blocks()[region.geometry().maxOrder()]).isEqualTo(1);
    assertThat(region.freeAreas().pages()).isEqualTo(pageCount);
  }
}
