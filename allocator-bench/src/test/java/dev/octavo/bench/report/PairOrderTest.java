package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PairOrderTest {
  private static final int ROUNDS = 20;

  @Test
  void inTwoRoundsEachBuildRunsFirstOnce() {
    for (long seed = 0; seed < 50; seed++) {
      List<Boolean> orders = orders(seed, "row");
      for (int round = 0; round < ROUNDS; round += 2) {
        assertThat(orders.get(round)).as("seed=%d", seed).isNotEqualTo(orders.get(round + 1));
      }
    }
  }

  @Test
  void theFirstOfTwoRoundsIsRandom() {
    Set<Boolean> firsts = new HashSet<>();
    Set<Boolean> sameAsTwoBefore = new HashSet<>();
    List<Boolean> orders = orders(1, "row");
    for (int round = 2; round < ROUNDS; round += 2) {
      firsts.add(orders.get(round));
      sameAsTwoBefore.add(orders.get(round).equals(orders.get(round - 2)));
    }
    assertThat(firsts).hasSize(2);
    assertThat(sameAsTwoBefore).hasSize(2);
  }

  @Test
  void theOrderDependsOnSeedAndRowAlone() {
    assertThat(orders(1, "row")).isEqualTo(orders(1, "row"));
    assertThat(orders(1, "row")).isNotEqualTo(orders(2, "row"));
    assertThat(orders(1, "row")).isNotEqualTo(orders(1, "another"));
  }

  private static List<Boolean> orders(long seed, String row) {
    List<Boolean> orders = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      orders.add(new PairOrder(seed).isBeforeFirst(row, round));
    }
    return orders;
  }
}
