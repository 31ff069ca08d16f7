package dev.octavo.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Mobility grouping: own lists, then a claim of a whole page block, then theft.
class GroupedLinuxBuddyTest {
  private static final int PAGE_BLOCK = 512;

  @Test
  void anUnmovableRequestClaimsItsOwnPageBlocks() {
    GroupedLinuxBuddy buddy = new GroupedLinuxBuddy(4 * PAGE_BLOCK);
    assertThat(buddy.allocate(0, Mobility.MOVABLE)).isZero();
    assertThat(buddy.allocate(0, Mobility.UNMOVABLE)).as("the next whole block").isEqualTo(1024);
    assertThat(buddy.allocate(0, Mobility.MOVABLE)).isEqualTo(1);
    assertThat(buddy.allocate(0, Mobility.UNMOVABLE)).isEqualTo(1025);
  }

  @Test
  void aHalfFreePageBlockIsClaimedWhole() {
    GroupedLinuxBuddy buddy = new GroupedLinuxBuddy(PAGE_BLOCK);
    assertThat(buddy.allocate(7, Mobility.MOVABLE)).isZero();
    assertThat(buddy.allocate(0, Mobility.UNMOVABLE)).as("3/4 free: claimed").isEqualTo(128);
    assertThat(buddy.allocate(8, Mobility.MOVABLE)).as("claimed back").isEqualTo(256);
  }

  @Test
  void aFullPageBlockOnlyLosesTheSmallestBlock() {
    GroupedLinuxBuddy buddy = new GroupedLinuxBuddy(PAGE_BLOCK);
    for (int page = 0; page < PAGE_BLOCK; page++) {
      assertThat(buddy.allocate(0, Mobility.MOVABLE)).isEqualTo(page);
    }
    buddy.free(300, 0);
    buddy.free(301, 0);
    buddy.free(100, 0);
    assertThat(buddy.allocate(0, Mobility.UNMOVABLE)).as("stolen").isEqualTo(100);
    buddy.free(100, 0);
    assertThat(buddy.allocate(0, Mobility.MOVABLE)).as("still movable").isEqualTo(100);
    assertThat(buddy.freeBlocks(1)).isEqualTo(1);
  }
}
