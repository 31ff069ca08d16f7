package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TransitTest {

  private final Transit transit = new Transit();
  private final Stripe[] stripes = {transit.open(true), transit.open(false), transit.open(true)};

  @Test
  void aMoveUnderWayIsSeenWhateverItsStripe() {
    for (Stripe stripe : stripes) {
      transit.begin(stripe);
      assertThat(transit.stamp()).isEqualTo(Transit.MOVING);
      transit.end(stripe);
      assertThat(transit.stamp()).isNotEqualTo(Transit.MOVING);
    }
  }

  @Test
  void aFinishedMoveChangesTheStamp() {
    long before = transit.stamp();
    transit.begin(stripes[2]);
    transit.end(stripes[2]);
    assertThat(transit.stamp()).isNotEqualTo(before);
  }

  @Test
  void movesNest() {
    transit.begin(stripes[1]);
    transit.begin(stripes[1]);
    transit.end(stripes[1]);
    assertThat(transit.stamp()).isEqualTo(Transit.MOVING);
    transit.end(stripes[1]);
    assertThat(transit.stamp()).isEqualTo(2);
  }

  @Test
  void aStoreChangesTheStampOnlyWhileSomebodySearches() {
    long before = transit.stamp();
    transit.changed(stripes[0]);
    assertThat(transit.stamp()).isEqualTo(before);
    transit.enterSearch();
    transit.changed(stripes[0]);
    assertThat(transit.stamp()).isNotEqualTo(before);
    long after = transit.stamp();
    transit.exitSearch();
    transit.changed(stripes[0]);
    assertThat(transit.stamp()).isEqualTo(after);
  }
}
