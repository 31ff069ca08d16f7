package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class RowNameTest {

  @Test
  void numbersAndSizesAreInTheOrderOfTheirValues() {
    assertThat(sorted("135168", "4096", "256")).containsExactly("256", "4096", "135168");
    assertThat(sorted("1t", "64g", "1g", "64m")).containsExactly("64m", "1g", "64g", "1t");
    assertThat(sorted("0.9", "0.25", "0.5")).containsExactly("0.25", "0.5", "0.9");
    assertThat(sorted("on", "off")).containsExactly("off", "on");
  }

  @Test
  void namesAreSortedByBenchmarkThenThreads() {
    RowName one = RowName.of("B.b", Map.of("order", "9"), 1);
    RowName two = RowName.of("B.b", Map.of("order", "0"), 2);
    RowName other = RowName.of("A.b", Map.of(), 16);
    assertThat(Stream.of(two, one, other).sorted()).containsExactly(other, one, two);
  }

  @Test
  void aNameIsReadable() {
    assertThat(RowName.of("B.b", Map.of("order", "9", "cache", "off"), 1))
        .hasToString("B.b cache=off order=9, 1 thread");
    assertThat(RowName.of("B.b", Map.of(), 16)).hasToString("B.b, 16 threads");
  }

  private static List<String> sorted(String... values) {
    return Stream.of(values)
        .map(value -> RowName.of("B.b", Map.of("p", value), 1))
        .sorted()
        .map(name -> String.valueOf(name.params().get("p")))
        .toList();
  }
}
