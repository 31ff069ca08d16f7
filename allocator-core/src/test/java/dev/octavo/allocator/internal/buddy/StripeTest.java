package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StripeTest {

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void countsWhatIsUnderWayAndWhatIsOver(boolean shared) {
    Stripe stripe = new Stripe(shared);
    assertThat(stripe.isMoving()).isFalse();
    assertThat(stripe.stamp()).isZero();
    stripe.begin();
    stripe.begin();
    stripe.end();
    assertThat(stripe.isMoving()).isTrue();
    assertThat(stripe.stamp()).isEqualTo(Transit.MOVING);
    assertThat(stripe.finished()).isEqualTo(1);
    stripe.end();
    stripe.count();
    assertThat(stripe.isMoving()).isFalse();
    assertThat(stripe.stamp()).isEqualTo(3);
    assertThat(stripe.finished()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void manyMovesDoNotMixWithThoseUnderWay(boolean shared) {
    Stripe stripe = new Stripe(shared);
    int moves = 1 << 17;
    for (int i = 0; i < moves; i++) {
      stripe.begin();
      stripe.end();
    }
    assertThat(stripe.stamp()).isEqualTo(moves);
    assertThat(stripe.isMoving()).isFalse();
  }
}
