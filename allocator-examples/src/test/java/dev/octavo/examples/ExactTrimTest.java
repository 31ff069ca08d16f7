package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Law L4 on the textbook case.
class ExactTrimTest {

  @Test
  void oneHundredThirtyTwoKibibytesCostThirtyThreePages() {
    ExactTrim exact = ExactTrim.observe();
    assertThat(exact.byteSize()).isEqualTo(135_168);
    assertThat(exact.usedPages()).isEqualTo(33);
    assertThat(exact.givenBackPages()).isEqualTo(31);
    assertThat(exact.givenBackOrders()).containsExactly(0, 1, 2, 3, 4);
    assertThat(exact.firstPage()).isBetween(0L, 31L);
  }
}
