package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MedianIntervalTest {
  private static final double MAX_MISS = 0.05;
  private static final long SEED = 14;

  /// The ranks of the sign test's published tables.
  @ParameterizedTest
  @CsvSource({"6,1", "8,1", "9,2", "10,2", "12,3", "15,4", "20,6", "25,8", "30,10", "100,40"})
  void theEndsAreTheRanksOfTheTables(int size, int rank) {
    MedianInterval interval = of(shuffled(size));
    assertThat(interval.low()).isEqualTo(rank);
    assertThat(interval.high()).isEqualTo(size + 1 - rank);
  }

  /// Every way in which the values can be below and above the true median, counted one by one.
  @ParameterizedTest
  @ValueSource(ints = {6, 7, 9, 10, 13, 16})
  void theConfidenceIsThatOfAllSignsCounted(int size) {
    MedianInterval interval = of(shuffled(size));
    int rank = (int) interval.low();
    assertThat(interval.confidence()).isCloseTo(1 - miss(size, rank), within(1e-12));
    assertThat(miss(size, rank)).isLessThanOrEqualTo(MAX_MISS);
    assertThat(miss(size, rank + 1)).isGreaterThan(MAX_MISS);
  }

  private static double miss(int size, int rank) {
    int missed = 0;
    for (int signs = 0; signs < 1 << size; signs++) {
      int above = Integer.bitCount(signs);
      if (above < rank || size - above < rank) {
        missed++;
      }
    }
    return (double) missed / (1 << size);
  }

  @Test
  void theMedianIsInTheMiddle() {
    assertThat(of(new double[] {9, 1, 5, 2, 8, 3, 7}).median()).isEqualTo(5);
    assertThat(of(new double[] {9, 1, 5, 2, 8, 3}).median()).isEqualTo(4);
  }

  @Test
  void oneDisturbedPairOfTenDoesNotMoveTheInterval() {
    double[] quiet = shuffled(10);
    double[] disturbed = quiet.clone();
    for (int i = 0; i < disturbed.length; i++) {
      disturbed[i] = quiet[i] == 10 ? 1000 : quiet[i];
    }
    assertThat(of(disturbed)).isEqualTo(of(quiet));
  }

  @Test
  void fewerThanSixValuesHaveNoInterval() {
    assertThat(MedianInterval.of(new double[5])).isNull();
    assertThat(MedianInterval.of(new double[0])).isNull();
  }

  @Test
  void theLargestSampleIsStillExact() {
    MedianInterval interval = of(shuffled(MedianInterval.MAX_SIZE));
    assertThat(interval.low()).isEqualTo(469);
    assertThat(interval.confidence()).isBetween(0.95, 0.96);
    double[] larger = new double[MedianInterval.MAX_SIZE + 1];
    assertThatThrownBy(() -> MedianInterval.of(larger))
        .hasMessage("sample too large: size=1001, max=1000");
  }

  @Test
  void theSampleStaysAsItWas() {
    double[] values = {9, 1, 5, 2, 8, 3};
    of(values);
    assertThat(values).containsExactly(9, 1, 5, 2, 8, 3);
  }

  private static MedianInterval of(double[] values) {
    return Objects.requireNonNull(MedianInterval.of(values));
  }

  /// Returns 1 to size, in some order.
  private static double[] shuffled(int size) {
    SplittableRandom random = new SplittableRandom(SEED);
    double[] values = new double[size];
    Arrays.setAll(values, i -> i + 1);
    for (int i = size - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      double value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
    return values;
  }
}
