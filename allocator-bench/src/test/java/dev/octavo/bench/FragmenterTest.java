package dev.octavo.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.octavo.bench.strategy.Fragmentation;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.PageStrategy;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FragmenterTest {
  private static final int REGION_ORDER = 18;
  private static final long HALF_PAGES = 1 << (REGION_ORDER - 1);

  static Stream<Arguments> indexes() {
    return strategies()
        .flatMap(name -> Stream.of(0.0, 0.25, 0.5, 0.9).map(index -> Arguments.of(name, index)));
  }

  static Stream<String> strategies() {
    return Stream.of("octavo", "linux", "address-ordered");
  }

  @ParameterizedTest
  @MethodSource("indexes")
  void indexIsReached(String name, double index) {
    PageStrategy pages = Strategies.open(name, REGION_ORDER);
    new Fragmenter(pages).freeHalf(index);
    long[] free = pages.freeBlocks();
    assertThat(Fragmentation.freePages(free)).isEqualTo(HALF_PAGES);
    assertThat(Fragmentation.unusableFreeIndex(free, Fragmenter.ORDER))
        .isCloseTo(index, within(0.02));
  }

  @ParameterizedTest
  @MethodSource("strategies")
  void checkerboardHasNoNeighboursAndRecovers(String name) {
    PageStrategy pages = Strategies.open(name, REGION_ORDER);
    Fragmenter fragmenter = new Fragmenter(pages);
    fragmenter.freeEven();
    assertThat(pages.freeBlocks(0)).isEqualTo(HALF_PAGES);
    assertThat(pages.allocate(1)).isEqualTo(PageStrategy.NO_PAGE);
    fragmenter.freeOdd();
    assertThat(pages.allocate(REGION_ORDER)).isZero();
  }

  @Test
  void regionsOfBrokenChunksAreRefused() {
    assertThatThrownBy(() -> new Fragmenter(new LinuxBuddy(513)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("region is not whole chunks: pageCount=513");
  }
}
