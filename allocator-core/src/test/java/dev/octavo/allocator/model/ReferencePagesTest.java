package dev.octavo.allocator.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.model.Placement.Way;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The placement rule by example, on words of 4 bits: a word has 4 pages, a chunk two words, and a
/// unit of level 1 has 4 pages, too.
class ReferencePagesTest {

  private static final int SLOT = 0;

  private static ReferencePages region(int pageCount, int slotCount) {
    return new ReferencePages(
        new Geometry(pageCount, Geometry.largestOrder(pageCount), 2), slotCount);
  }

  private static Placement allocate(ReferencePages region, int slot, int pages, int alignOrder) {
    return region.allocate(slot, pages, alignOrder).orElseThrow();
  }

  @Test
  void freeBlocksAreAlignedAndAsLargeAsPossible() {
    ReferencePages region = region(11, 1);
    assertThat(region.freeBlocks())
        .containsExactly(new FreeBlock(0, 3), new FreeBlock(8, 1), new FreeBlock(10, 0));
    assertThat(region.freeBlockCounts()).containsExactly(1, 1, 0, 1);
    assertThat(region.largestFreeRun()).isEqualTo(11);
  }

  @Test
  void blocksOfTheTopLevelMayBeLargerThanTheLargestOrder() {
    ReferencePages region = new ReferencePages(new Geometry(8, 0, 2), 1);
    assertThat(region.freeBlocks()).containsExactly(new FreeBlock(0, 2), new FreeBlock(4, 2));
    assertThat(region.freeBlockCounts()).containsExactly(8);
  }

  @Test
  void theSmallestBlockOfAWordIsTakenFirst() {
    ReferencePages region = region(8, 1);
    allocate(region, SLOT, 4, 2);
    region.allocateInPhase(1, 0, 0);
    assertThat(region.freeBlocks()).containsExactly(new FreeBlock(5, 0), new FreeBlock(6, 1));
    assertThat(allocate(region, SLOT, 2, 1)).isEqualTo(new Placement(6, Way.CHUNK, 0));
    assertThat(allocate(region, SLOT, 1, 0)).isEqualTo(new Placement(5, Way.CHUNK, 0));
  }

  @Test
  void unitsAboveAreSplitOnlyIfNothingElseFits() {
    ReferencePages region = region(16, 1);
    assertThat(allocate(region, SLOT, 1, 0)).isEqualTo(new Placement(0, Way.CHUNK_UNIT, 2));
    assertThat(allocate(region, SLOT, 4, 2)).isEqualTo(new Placement(4, Way.CHUNK, 1));
    assertThat(allocate(region, SLOT, 1, 0)).isEqualTo(new Placement(1, Way.CHUNK, 0));
  }

  @Test
  void aSlotStaysInItsChunkAndThenStartsFromItsHome() {
    ReferencePages region = region(32, 2);
    for (int page = 0; page < 32; page++) {
      allocate(region, SLOT, 1, 0);
    }
    List.of(3, 13, 21, 30).forEach(page -> region.free(page, 1));
    assertThat(allocate(region, SLOT, 1, 0)).isEqualTo(new Placement(30, Way.CHUNK, 0));
    assertThat(allocate(region, SLOT, 1, 0)).isEqualTo(new Placement(3, Way.HOME, 0));
    assertThat(allocate(region, 1, 1, 0)).isEqualTo(new Placement(21, Way.CHUNK, 0));
    assertThat(allocate(region, 1, 1, 0)).isEqualTo(new Placement(13, Way.LOWEST, 0));
    assertThat(region.allocate(SLOT, 1, 0)).isEmpty();
  }

  @Test
  void oddRunsFillTheHolesOfTheirWindow() {
    ReferencePages region = region(32, 1);
    assertThat(allocate(region, SLOT, 3, 0)).isEqualTo(new Placement(0, Way.WINDOW, 0));
    assertThat(allocate(region, SLOT, 3, 0)).isEqualTo(new Placement(3, Way.WINDOW, 0));
    assertThat(allocate(region, SLOT, 3, 2)).isEqualTo(new Placement(8, Way.WINDOW, 0));
    assertThat(allocate(region, SLOT, 3, 0)).isEqualTo(new Placement(11, Way.WINDOW, 0));
    assertThat(allocate(region, SLOT, 3, 0)).isEqualTo(new Placement(16, Way.CHUNK, 2));
    assertThat(allocate(region, SLOT, 3, 0)).isEqualTo(new Placement(19, Way.WINDOW, 0));
  }

  @Test
  void anyRunFallsBackToTheLowestPlace() {
    ReferencePages region = region(8, 1);
    region.allocateInPhase(1, 0, 0);
    region.allocateInPhase(1, 3, 1);
    assertThat(allocate(region, SLOT, 4, 0)).isEqualTo(new Placement(1, Way.FIRST_FIT, 0));
  }

  @Test
  void whatIsHeldIsNotFreed() {
    ReferencePages region = region(8, 1);
    allocate(region, SLOT, 2, 0);
    assertThat(region.hold(0, 2)).isTrue();
    assertThat(region.hold(0, 2)).isFalse();
    assertThat(region.free(0, 2)).isFalse();
    assertThat(region.trim(0, 2, 1)).isFalse();
    assertThat(region.growHeld(0, 2, 5)).isTrue();
    assertThat(region.free(0, 2)).isFalse();
    assertThat(region.free(0, 5)).isTrue();
    assertThat(region.freePageCount()).isEqualTo(8);
  }
}
