package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/// The bit arithmetic against loops over single bits.
class WordRunsTest {

  /// Words with long runs of ones, as uniform bits hardly have any.
  @Provide
  Arbitrary<Long> words() {
    Arbitrary<Long> runs =
        Arbitraries.integers().between(0, 63).list().ofMaxSize(8).map(WordRunsTest::toggled);
    return Arbitraries.oneOf(Arbitraries.longs(), runs, Arbitraries.of(0L, -1L));
  }

  /// Ones between each pair of bits.
  private static long toggled(List<Integer> bits) {
    long word = 0;
    for (int bit : bits) {
      word ^= -1L << bit;
    }
    return word;
  }

  @Property
  void bestFitIsTheLowestOfTheSmallestFreeBlocks(
      @ForAll("words") long word, @ForAll @IntRange(max = 6) int s) {
    int expected = -1;
    for (int order = s; order <= 6 && expected < 0; order++) {
      List<Integer> free = freeBlocks(word, order);
      expected = free.isEmpty() ? -1 : free.getFirst();
    }
    assertThat(WordRuns.bestFit(word, s)).isEqualTo(expected);
  }

  @Property
  void bestFitsAreThoseOfSingleCalls(
      @ForAll("words") long word,
      @ForAll @IntRange(max = 6) int s,
      @ForAll @IntRange(max = 64) int count) {
    long rest = word;
    long expected = 0;
    int left = Math.min(count, Long.bitCount(WordRuns.blockStarts(word, s)));
    int fitting = left;
    for (; left > 0; left--) {
      int bit = WordRuns.bestFit(rest, s);
      expected |= 1L << bit;
      for (int unit = bit; unit < bit + (1 << s); unit++) {
        rest &= ~(1L << unit);
      }
    }
    assertThat(WordRuns.bestFits(word, s, fitting)).isEqualTo(expected);
  }

  @Property
  void blockStartsAreTheAlignedRuns(@ForAll("words") long word, @ForAll @IntRange(max = 6) int s) {
    long expected = 0;
    for (int start = 0; start < 64; start += 1 << s) {
      expected |= isFree(word, start, 1 << s) ? 1L << start : 0;
    }
    assertThat(WordRuns.blockStarts(word, s)).isEqualTo(expected);
  }

  @Property
  void lowestRunIsTheFirstThatFits(
      @ForAll("words") long word,
      @ForAll @IntRange(min = 1, max = 64) int count,
      @ForAll @IntRange(max = 6) int align) {
    int expected = -1;
    for (int start = 0; start + count <= 64 && expected < 0; start += 1 << align) {
      expected = isFree(word, start, count) ? start : -1;
    }
    assertThat(WordRuns.lowestRun(word, count, align)).isEqualTo(expected);
  }

  @Property
  void freeBlockStartsAreTheBlocksWithoutAFreeBuddy(
      @ForAll("words") long word, @ForAll @IntRange(max = 6) int s) {
    List<Integer> starts = new ArrayList<>();
    for (long rest = WordRuns.freeBlockStarts(word, s); rest != 0; rest &= rest - 1) {
      starts.add(Long.numberOfTrailingZeros(rest));
    }
    assertThat(starts).isEqualTo(freeBlocks(word, s));
  }

  @Property
  void rankIsOneMoreThanTheLargestOrder(@ForAll("words") long word) {
    int expected = 0;
    for (int order = 0; order <= 6; order++) {
      expected = freeBlocks(word, order).isEmpty() ? expected : order + 1;
    }
    assertThat(WordRuns.rank(word)).isEqualTo(expected);
  }

  @Property
  void onesAreCountedUpAndDown(@ForAll("words") long word, @ForAll @IntRange(max = 63) int bit) {
    int up = 0;
    while (bit + up < 64 && isFree(word, bit + up, 1)) {
      up++;
    }
    int down = 0;
    while (bit - down >= 0 && isFree(word, bit - down, 1)) {
      down++;
    }
    assertThat(WordRuns.onesFrom(word, bit)).isEqualTo(up);
    assertThat(WordRuns.onesUpTo(word, bit)).isEqualTo(down);
  }

  @Test
  void lowBitsGoFromNoneToAll() {
    assertThat(WordRuns.lowBits(0)).isZero();
    assertThat(WordRuns.lowBits(1)).isEqualTo(1);
    assertThat(WordRuns.lowBits(63)).isEqualTo(Long.MAX_VALUE);
    assertThat(WordRuns.lowBits(64)).isEqualTo(-1);
  }

  private static boolean isFree(long word, int from, int count) {
    for (int bit = from; bit < from + count; bit++) {
      if ((word >>> bit & 1) == 0) {
        return false;
      }
    }
    return true;
  }

  private static List<Integer> freeBlocks(long word, int order) {
    List<Integer> blocks = new ArrayList<>();
    int size = 1 << order;
    for (int start = 0; start < 64; start += size) {
      boolean buddyFree = order < 6 && isFree(word, start ^ size, size);
      if (isFree(word, start, size) && !buddyFree) {
        blocks.add(start);
      }
    }
    return blocks;
  }
}
