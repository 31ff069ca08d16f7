package dev.octavo.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/// The kernel's rules of choice: smallest order, lowest part, last in first out, likely merges
/// last.
class LinuxBuddyTest {

  @Test
  void takesTheLowestPartOfTheSmallestSufficientOrder() {
    LinuxBuddy buddy = new LinuxBuddy(16, 4);
    assertThat(buddy.allocate(1)).isZero();
    assertThat(buddy.freeBlocks()).containsExactly(0, 1, 1, 1, 0);
    assertThat(buddy.allocate(0)).isEqualTo(2);
    assertThat(buddy.freeBlocks()).containsExactly(1, 0, 1, 1, 0);
    assertThat(buddy.allocate(0)).isEqualTo(3);
    assertThat(buddy.allocate(3)).isEqualTo(8);
    assertThat(buddy.allocate(3)).isEqualTo(PageStrategy.NO_PAGE);
  }

  @Test
  void aNewRegionIsHandedOutByAscendingAddress() {
    LinuxBuddy buddy = new LinuxBuddy(4 << 10);
    for (int block = 0; block < 4; block++) {
      assertThat(buddy.allocate(10)).isEqualTo((long) block << 10);
    }
  }

  @Test
  void freedBlocksComeBackLastInFirstOut() {
    LinuxBuddy buddy = filled(64);
    for (int page : new int[] {8, 24, 40}) {
      buddy.free(page, 0);
    }
    assertThat(buddy.allocate(0)).isEqualTo(40);
    assertThat(buddy.allocate(0)).isEqualTo(24);
    assertThat(buddy.allocate(0)).isEqualTo(8);
  }

  @Test
  void aBlockThatWillLikelyMergeGoesToTheTail() {
    LinuxBuddy buddy = filled(64);
    buddy.free(18, 0);
    buddy.free(19, 0);
    buddy.free(40, 0);
    buddy.free(16, 0);
    assertThat(buddy.freeBlocks(1)).isEqualTo(1);
    assertThat(buddy.allocate(0)).as("older, but not about to merge").isEqualTo(40);
    assertThat(buddy.allocate(0)).isEqualTo(16);
  }

  @Test
  void withoutAFreeAuntTheSameBlockGoesToTheHead() {
    LinuxBuddy buddy = filled(64);
    buddy.free(18, 0);
    buddy.free(40, 0);
    buddy.free(16, 0);
    assertThat(buddy.allocate(0)).isEqualTo(16);
    assertThat(buddy.allocate(0)).isEqualTo(40);
    assertThat(buddy.allocate(0)).isEqualTo(18);
  }

  @Test
  void theTwoLargestOrdersNeverGoToTheTail() {
    LinuxBuddy buddy = new LinuxBuddy(16, 3);
    for (int block = 0; block < 4; block++) {
      buddy.allocate(2);
    }
    buddy.free(0, 2);
    buddy.free(8, 2);
    assertThat(buddy.allocate(2)).isEqualTo(8);
    assertThat(buddy.allocate(2)).isZero();
  }

  @Test
  void regionsThatAreNoPowerOfTwoStartWithTheLargestBlocksThatFit() {
    assertThat(new LinuxBuddy(1 + 4 + 64, 10).freeBlocks())
        .containsExactly(1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0);
    assertThat(new LinuxBuddy(3 << 10).freeBlocks(10)).isEqualTo(3);
    assertThatThrownBy(() -> new LinuxBuddy(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("page count must be positive: pageCount=0");
    assertThatThrownBy(() -> new LinuxBuddy(1, 31))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("max order must be in 0..30: maxOrder=31");
  }

  /// A region whose pages are all allocated one by one.
  private static LinuxBuddy filled(int pages) {
    LinuxBuddy buddy = new LinuxBuddy(pages, 6);
    for (int page = 0; page < pages; page++) {
      assertThat(buddy.allocate(0)).isEqualTo(page);
    }
    return buddy;
  }
}
