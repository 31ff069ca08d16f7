package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VerdictTest {
  private static final double LIMIT = 1.03;

  @ParameterizedTest
  @CsvSource({
    "0.98, 1.02, OK",
    "0.98, 1.03, OK",
    "0.98, 1.031, UNCLEAR",
    "1.03, 1.04, UNCLEAR",
    "1.031, 1.04, SLOWER",
    "0.5, 0.6, OK",
  })
  void theEndsOfTheIntervalDecide(double low, double high, Verdict verdict) {
    assertThat(Verdict.of(new MedianInterval((low + high) / 2, low, high, 0.95), LIMIT))
        .isEqualTo(verdict);
  }

  @Test
  void aRowIsJudgedByTheRatiosOfItsPairs() {
    assertThat(BuildFixtures.pairs(1, 1, 1, 1, 1, 1.02).verdict(LIMIT)).isEqualTo(Verdict.OK);
    assertThat(BuildFixtures.pairs(1, 1, 1, 1, 1, 1.04).verdict(LIMIT)).isEqualTo(Verdict.UNCLEAR);
    assertThat(BuildFixtures.pairs(2, 2, 2, 2, 2, 1.04).verdict(LIMIT)).isEqualTo(Verdict.SLOWER);
    assertThat(BuildFixtures.pairs(1, 1, 1, 1, 1).verdict(LIMIT)).isEqualTo(Verdict.UNCLEAR);
    assertThat(BuildFixtures.pairs(2, 2, 2, 2, 2, 2).withFailure("x").verdict(LIMIT))
        .isEqualTo(Verdict.FAILED);
  }

  /// The machine slows down to a third and to a tenth meanwhile: pairs do not see it.
  @Test
  void theRatioIsThatOfThePairsNotThatOfTheMedians() {
    BuildPairs pairs = BuildPairs.NONE;
    for (double load : new double[] {1, 1, 3, 3, 10, 10, 1}) {
      pairs = pairs.with(new BuildPairs.Pair(true, 10 * load, 10.1 * load));
    }
    assertThat(pairs.ratioMedian()).isEqualTo(1.01);
    assertThat(pairs.verdict(LIMIT)).isEqualTo(Verdict.OK);
    assertThat(pairs.beforeMedian()).isEqualTo(30);
  }

  /// A rate that falls by a tenth is a time that grows.
  @Test
  void throughputIsInverted() {
    Figure before = new Figure(10, 10, 10, "ops/us");
    Figure after = new Figure(9, 9, 9, "ops/us");
    double ratio = nanos(after) / nanos(before);
    assertThat(ratio).isGreaterThan(1.1);
    assertThat(BuildFixtures.pairs(ratio, ratio, ratio, ratio, ratio, ratio).verdict(LIMIT))
        .isEqualTo(Verdict.SLOWER);
  }

  private static double nanos(Figure rate) {
    Figure nanos = TimeUnits.toNanos(rate, 1);
    return nanos == null ? Double.NaN : nanos.median();
  }

  @Test
  void modesOtherThanTheUsualAreNamed() {
    RowName name = RowName.of("A.b", Map.of("x", "1"), 2);
    assertThat(new BuildRow("p.A.b", name, "avgt", true)).hasToString("A.b x=1, 2 threads");
    assertThat(new BuildRow("p.A.b", name, "thrpt", true)).hasToString("A.b x=1, 2 threads, thrpt");
  }
}
