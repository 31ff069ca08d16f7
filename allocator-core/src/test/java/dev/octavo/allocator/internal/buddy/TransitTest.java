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

  /// Whoever searches while threads come and go must neither see a move that was not nor miss one.
  @Test
  void openingAndRetiringAStripeIsNoMove() {
    for (boolean shared : new boolean[] {false, true}) {
      Stripe stripe = transit.open(shared);
      long before = transit.stamp();
      Stripe another = transit.open(shared);
      assertThat(transit.stamp()).isEqualTo(before);
      transit.begin(another);
      assertThat(transit.stamp()).isEqualTo(Transit.MOVING);
      transit.end(another);
      transit.begin(stripe);
      transit.end(stripe);
      long after = transit.stamp();
      assertThat(after).isEqualTo(before + 2);
      transit.retire(stripe);
      transit.retire(another);
      assertThat(transit.stamp()).isEqualTo(after);
    }
  }

  @Test
  void aRetiredStripeIsNotLookedAtAnyMore() {
    Stripe stripe = transit.open(false);
    transit.retire(stripe);
    long before = transit.stamp();
    transit.begin(stripe);
    assertThat(transit.stamp()).isEqualTo(before);
    transit.end(stripe);
    assertThat(transit.stamp()).isEqualTo(before);
  }

  /// L5: a store counted in a stripe that is opened during a search is seen by the search.
  @Test
  void aStoreOfANewThreadChangesTheStamp() {
    transit.enterSearch();
    long before = transit.stamp();
    Stripe stripe = transit.open(false);
    transit.changed(stripe);
    assertThat(transit.stamp()).isNotEqualTo(before);
    transit.exitSearch();
  }
}
