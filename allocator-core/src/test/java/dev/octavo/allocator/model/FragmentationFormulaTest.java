package dev.octavo.allocator.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.octavo.allocator.BuddyInfo;
import java.math.BigInteger;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The measures of fragmentation against worked numbers and against their definitions.
///
/// With n(o) free blocks of order o: F = sum of n(o)·2^o, B = sum of n(o), S(k) = sum over o >= k
/// of n(o)·2^(o-k).
class FragmentationFormulaTest {

  private static final int PER_MILLE = 1000;

  @ParameterizedTest
  @CsvSource({
    "3, 750, 1000",
    "4, 813, 1000",
    "9, 874, 1000",
  })
  void eightSinglePages(int order, int fragmentation, int unusable) {
    assertIndices(BuddyInfo.ofFreeBlocks(8), order, fragmentation, unusable);
  }

  @ParameterizedTest
  @CsvSource({
    "3, -1000, 13",
    "4, -1000, 29",
    "9, 778, 1000",
  })
  void oneBlockOfEachOrderUpTo8(int order, int fragmentation, int unusable) {
    BuddyInfo info = BuddyInfo.ofFreeBlocks(1, 1, 1, 1, 1, 1, 1, 1, 1);
    assertIndices(info, order, fragmentation, unusable);
  }

  @ParameterizedTest
  @CsvSource({
    "3, -1000, 800",
    "4, 816, 1000",
    "9, 944, 1000",
  })
  void fewerBlocksOfLargerOrders(int order, int fragmentation, int unusable) {
    assertIndices(BuddyInfo.ofFreeBlocks(10, 5, 3, 1), order, fragmentation, unusable);
  }

  private static void assertIndices(BuddyInfo info, int order, int fragmentation, int unusable) {
    assertThat(info.fragmentationIndex(order)).isEqualTo(fragmentation);
    assertThat(info.unusableFreeIndex(order)).isEqualTo(unusable);
  }

  @Test
  void withoutFreeMemoryNothingIsFragmentedAndAllIsUnusable() {
    assertIndices(BuddyInfo.ofFreeBlocks(0, 0, 0), 1, 0, PER_MILLE);
  }

  @Property
  void indicesAreWhatLinuxComputes(
      @ForAll("freeBlocks") List<Long> freeBlocks, @ForAll @IntRange(max = 30) int order) {
    BuddyInfo info = info(freeBlocks);
    assertThat(info.fragmentationIndex(order)).isEqualTo(fragmentation(freeBlocks, order));
    assertThat(info.unusableFreeIndex(order)).isEqualTo(unusable(freeBlocks, order));
  }

  @Property
  void indicesAreTheRealNumbersButForRounding(
      @ForAll("freeBlocks") List<Long> freeBlocks, @ForAll @IntRange(max = 30) int order) {
    BuddyInfo info = info(freeBlocks);
    double pages = pages(freeBlocks, 0).doubleValue();
    double blocks = blocks(freeBlocks).doubleValue();
    double usable = pages(freeBlocks, order).doubleValue();
    if (blocks > 0) {
      assertThat((double) info.unusableFreeIndex(order))
          .isCloseTo(PER_MILLE * (1 - usable / pages), within(1.0));
    }
    if (blocks > 0 && usable == 0) {
      double inRequests = pages / Math.pow(2, order);
      assertThat((double) info.fragmentationIndex(order))
          .isCloseTo(PER_MILLE * (1 - (1 + inRequests) / blocks), within(2.0));
    }
  }

  /// Blocks that are all too small hold half a request each at most, so the fragmentation index is
  /// 500 - 1000/B at least: negative if there is a single block, and else not.
  @Property
  void indicesStayInTheirRange(
      @ForAll("freeBlocks") List<Long> freeBlocks, @ForAll @IntRange(max = 30) int order) {
    BuddyInfo info = info(freeBlocks);
    assertThat(info.unusableFreeIndex(order)).isBetween(0, PER_MILLE);
    if (info.fragmentationIndex(order) != -PER_MILLE) {
      int least = blocks(freeBlocks).equals(BigInteger.ONE) ? -PER_MILLE / 2 : 0;
      assertThat(info.fragmentationIndex(order)).isBetween(least, PER_MILLE);
    }
  }

  @Property
  void countsAreThoseGiven(@ForAll("freeBlocks") List<Long> freeBlocks) {
    BuddyInfo info = info(freeBlocks);
    assertThat(info.freeBlocks()).containsExactly(freeBlocks.toArray(Long[]::new));
    assertThat(info.maxOrder()).isEqualTo(freeBlocks.size() - 1);
    assertThat(BigInteger.valueOf(info.freePages())).isEqualTo(pages(freeBlocks, 0));
    assertThat(info.allocatedPages()).isZero();
  }

  /// At most 2^30 pages in all, which is the most that a region has.
  @Provide
  Arbitrary<List<Long>> freeBlocks() {
    Arbitrary<Long> none = Arbitraries.just(0L);
    Arbitrary<Long> few = Arbitraries.longs().between(0, 3);
    Arbitrary<Long> many = Arbitraries.longs().between(0, 1 << 20);
    return Arbitraries.oneOf(List.of(none, few, many)).list().ofMinSize(1).ofMaxSize(31);
  }

  // ---- the definitions, naively

  private static BuddyInfo info(List<Long> freeBlocks) {
    return BuddyInfo.ofFreeBlocks(freeBlocks.stream().mapToLong(Long::longValue).toArray());
  }

  private static BigInteger blocks(List<Long> freeBlocks) {
    return freeBlocks.stream().map(BigInteger::valueOf).reduce(BigInteger.ZERO, BigInteger::add);
  }

  /// The free pages in blocks of this order and more.
  private static BigInteger pages(List<Long> freeBlocks, int lowestOrder) {
    BigInteger pages = BigInteger.ZERO;
    for (int order = lowestOrder; order < freeBlocks.size(); order++) {
      BigInteger blockPages = BigInteger.TWO.pow(order);
      pages = pages.add(blockPages.multiply(BigInteger.valueOf(freeBlocks.get(order))));
    }
    return pages;
  }

  private static int fragmentation(List<Long> freeBlocks, int order) {
    BigInteger blocks = blocks(freeBlocks);
    if (blocks.signum() == 0) {
      return 0;
    }
    if (pages(freeBlocks, order).signum() > 0) {
      return -PER_MILLE;
    }
    BigInteger perMille = BigInteger.valueOf(PER_MILLE);
    BigInteger inRequests =
        pages(freeBlocks, 0).multiply(perMille).divide(BigInteger.TWO.pow(order));
    return perMille.subtract(perMille.add(inRequests).divide(blocks)).intValueExact();
  }

  private static int unusable(List<Long> freeBlocks, int order) {
    BigInteger pages = pages(freeBlocks, 0);
    if (pages.signum() == 0) {
      return PER_MILLE;
    }
    return pages
        .subtract(pages(freeBlocks, order))
        .multiply(BigInteger.valueOf(PER_MILLE))
        .divide(pages)
        .intValueExact();
  }
}
