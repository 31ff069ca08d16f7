package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TransitTest {

  private final Transit transit = new Transit(3);

  @Test
  void aMoveUnderWayIsSeenWhateverItsStripe() {
    for (int stripe = 0; stripe < 3; stripe++) {
      transit.begin(stripe);
      assertThat(transit.stamp()).isEqualTo(Transit.MOVING);
      transit.end(stripe);
      assertThat(transit.stamp()).isNotEqualTo(Transit.MOVING);
    }
  }

  @Test
  void aFinishedMoveChangesTheStamp() {
    long before = transit.stamp();
    transit.begin(2);
    transit.end(2);
    assertThat(transit.stamp()).isNotEqualTo(before);
  }

  @Test
  void movesNest() {
    transit.begin(1);
    transit.begin(1);
    transit.end(1);
    assertThat(transit.stamp()).isEqualTo(Transit.MOVING);
    transit.end(1);
    assertThat(transit.stamp()).isEqualTo(2);
  }

  @Test
  void aStoreChangesTheStampOnlyWhileSomebodySearches() {
    long before = transit.stamp();
    transit.changed(0);
    assertThat(transit.stamp()).isEqualTo(before);
    transit.enterSearch();
    transit.changed(0);
    assertThat(transit.stamp()).isNotEqualTo(before);
    long after = transit.stamp();
    transit.exitSearch();
    transit.changed(0);
    assertThat(transit.stamp()).isEqualTo(after);
  }
}
