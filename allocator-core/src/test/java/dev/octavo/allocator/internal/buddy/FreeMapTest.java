package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Free runs and the best place of a run, against a count page by page.
class FreeMapTest {

  private static final int ROUNDS = 4_000;
  private static final int MOST_PAGES = 200;
  private static final int[] NOTHING = {};

  private Random random = new Random();
  private final BitSet free = new BitSet();
  private int pageCount;
  private FreeMap map = read(1, Geometry.RADIX_LOG2);

  /// Reads a tree in which the pages of `free` are free.
  private FreeMap read(int pages, int radixLog2) {
    pageCount = pages;
    BuddyPages buddy =
        new BuddyPages(new Geometry(pages, Geometry.largestOrder(pages), radixLog2), 1);
    for (int page = free.nextClearBit(0); page < pages; page = free.nextClearBit(page + 1)) {
      assertThat(buddy.takeAt(buddy.slot(0), page, 1)).isTrue();
    }
    map = buddy.freeMap();
    return map;
  }

  private void randomMap(int radixLog2) {
    free.clear();
    int pages = 1 + random.nextInt(MOST_PAGES);
    int longest = 1 + random.nextInt(30);
    boolean isFree = random.nextBoolean();
    for (int page = 0; page < pages; isFree = !isFree) {
      int end = Math.min(pages, page + 1 + random.nextInt(longest));
      free.set(page, end, isFree);
      page = end;
    }
    read(pages, radixLog2);
  }

  /// Ascending by their first pages; they may overlap.
  private int[] randomStretches() {
    return random
        .ints(random.nextInt(5), 0, pageCount)
        .sorted()
        .flatMap(from -> IntStream.of(from, from + 1 + random.nextInt(pageCount - from)))
        .toArray();
  }

  private int naiveBest(int pages, int alignOrder, long phase, int[] avoided) {
    int best = -1;
    int bestFree = -1;
    for (int page = 0; page + pages <= pageCount; page++) {
      int from = page;
      int to = page + pages;
      boolean avoids =
          IntStream.range(0, avoided.length / 2)
              .noneMatch(i -> avoided[2 * i] < to && avoided[2 * i + 1] > from);
      int pagesFree = free.get(from, to).cardinality();
      if (Math.floorMod(page + phase, 1L << alignOrder) == 0 && avoids && pagesFree > bestFree) {
        best = page;
        bestFree = pagesFree;
      }
    }
    return best;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void theBestWindowIsTheOneThatACountOfEachFinds(int radixLog2) {
    int found = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      random = new Random(seed);
      randomMap(radixLog2);
      int pages = 1 + random.nextInt(random.nextBoolean() ? 10 : pageCount + 2);
      int alignOrder = random.nextBoolean() ? 0 : random.nextInt(7);
      long phase = random.nextInt(100);
      int[] avoided = randomStretches();
      int expected = naiveBest(pages, alignOrder, phase, avoided);
      assertThat(map.bestWindow(pages, alignOrder, phase, avoided))
          .as("seed=%d, pages=%d, align=%d, phase=%d", seed, pages, alignOrder, phase)
          .isEqualTo(expected);
      found += expected < 0 ? 0 : 1;
    }
    assertThat(found).isBetween(ROUNDS / 4, ROUNDS - ROUNDS / 20);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void freeAndUsedPagesAreCounted(int radixLog2) {
    for (int seed = 0; seed < ROUNDS; seed++) {
      random = new Random(seed);
      randomMap(radixLog2);
      int from = random.nextInt(pageCount + 1);
      int to = from + random.nextInt(pageCount + 1 - from);
      assertThat(map.freePages(from, to))
          .as("seed=%d", seed)
          .isEqualTo(free.get(from, to).cardinality());
      int most = random.nextInt(6);
      assertThat(map.usedIn(from, to, most))
          .as("seed=%d", seed)
          .isEqualTo(naiveUsed(from, to, most));
    }
  }

  private int[] naiveUsed(int from, int to, int most) {
    List<Integer> used = new ArrayList<>();
    for (int page = from; page < to; page++) {
      if (!free.get(page) && (page == from || free.get(page - 1))) {
        used.add(page);
        used.add(
            Math.min(
                to,
                page + (int) IntStream.range(page, to).takeWhile(each -> !free.get(each)).count()));
      }
    }
    return used.stream().mapToInt(Integer::intValue).limit(2L * most).toArray();
  }

  @Test
  void aRegionWithoutFreePagesHasTheLowestWindow() {
    free.clear();
    read(100, Geometry.RADIX_LOG2);
    assertThat(map.bestWindow(10, 0, 0, NOTHING)).isZero();
    assertThat(map.bestWindow(10, 3, 5, new int[] {12, 13})).isEqualTo(19);
    assertThat(map.bestWindow(101, 0, 0, NOTHING)).isEqualTo(-1);
    assertThat(map.freePages(0, 100)).isZero();
    assertThat(map.usedIn(7, 100, 5)).containsExactly(7, 100);
  }

  @Test
  void theLargestAlignmentHasOnePlaceOrNone() {
    free.clear();
    free.set(3, 90);
    read(100, Geometry.RADIX_LOG2);
    long phase = (1L << 62) - 7;
    assertThat(map.bestWindow(5, 62, phase, NOTHING)).isEqualTo(7);
    assertThat(map.bestWindow(94, 62, phase, NOTHING)).isEqualTo(-1);
    assertThat(map.bestWindow(5, 62, phase, new int[] {11, 12})).isEqualTo(-1);
    assertThat(map.bestWindow(5, 62, 1, NOTHING)).isEqualTo(-1);
  }
}
