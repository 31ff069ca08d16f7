package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.PageState;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is served outside a window, against a search page by page.
class ServingTest {

  private static final int ROUNDS = 4_000;
  private static final int MOST_PAGES = 300;

  private Random random = new Random();
  private PagePool pool = pool(1, Geometry.RADIX_LOG2);

  private static PagePool pool(int pageCount, int radixLog2) {
    Geometry geometry = new Geometry(pageCount, Geometry.largestOrder(pageCount), radixLog2);
    return new PagePool(geometry, new PoolOptions(1, new CacheLimits(0, 0)));
  }

  /// Fills a new pool with runs and frees some of them.
  private void fragment(int radixLog2) {
    int pageCount = 1 + random.nextInt(MOST_PAGES);
    pool = pool(pageCount, radixLog2);
    int longest = 1 + random.nextInt(20);
    List<int[]> runs = new ArrayList<>();
    int pages = 1 + random.nextInt(Math.min(longest, pageCount));
    for (int page; (page = pool.allocate(pages, 0, 0)) != PagePool.NONE; ) {
      runs.add(new int[] {page, pages});
      pages = 1 + random.nextInt(Math.min(longest, pageCount));
    }
    int freed = random.nextInt(100);
    for (int[] run : runs) {
      if (random.nextInt(100) < freed) {
        pool.free(run[0], run[1]);
      }
    }
  }

  private BitSet free() {
    BitSet free = new BitSet();
    for (int page = 0; page < pool.geometry().pageCount(); page++) {
      free.set(page, pool.stateOf(page) == PageState.FREE);
    }
    return free;
  }

  private static int lowest(BitSet free, int from, int to, int pages, int alignOrder, long phase) {
    for (int page = from; page + pages <= to; page++) {
      if (Math.floorMod(page + phase, 1L << alignOrder) == 0
          && free.nextClearBit(page) >= page + pages) {
        return page;
      }
    }
    return PagePool.NONE;
  }

  private static int freeOutside(BitSet free, int from, int to) {
    return free.cardinality() - free.get(from, to).cardinality();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void theLowestRunOutsideTheWindowIsServedAboveTheMark(int radixLog2) {
    int served = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      random = new Random(seed);
      fragment(radixLog2);
      int pageCount = pool.geometry().pageCount();
      int from = random.nextInt(pageCount + 1);
      int to = from + random.nextInt(pageCount + 1 - from);
      int pages = 1 + random.nextInt(Math.min(pageCount, 12));
      int alignOrder = random.nextInt(4);
      long phase = random.nextInt(20);
      long mark = random.nextBoolean() ? 0 : random.nextInt(60);
      BitSet free = free();
      int expected = PagePool.NONE;
      if (mark == 0 || freeOutside(free, from, to) - pages >= mark) {
        expected = lowest(free, 0, from, pages, alignOrder, phase);
        if (expected == PagePool.NONE) {
          expected = lowest(free, to, pageCount, pages, alignOrder, phase);
        }
      }
      assertThat(pool.serveOutside(pages, alignOrder, phase, mark, from, to))
          .as("seed=%d", seed)
          .isEqualTo(expected);
      if (expected != PagePool.NONE) {
        served++;
        assertThat(pool.pagesAt(expected)).isEqualTo(pages);
      }
    }
    assertThat(served).isBetween(ROUNDS / 20, ROUNDS - ROUNDS / 20);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void manyAreServedAllOrNoneOutsideTheWindow(int radixLog2) {
    int served = 0;
    for (int seed = 0; seed < ROUNDS; seed++) {
      random = new Random(seed);
      fragment(radixLog2);
      int pageCount = pool.geometry().pageCount();
      int from = random.nextInt(pageCount + 1);
      int to = random.nextInt(3) == 0 ? from : from + random.nextInt(pageCount + 1 - from);
      boolean anywhere = from == to;
      int pages = 1 + random.nextInt(Math.min(pageCount, 8));
      long[] into = new long[1 + random.nextInt(8)];
      long mark = random.nextBoolean() ? 0 : random.nextInt(40);
      BitSet before = free();
      boolean enough = freeOutside(before, from, to) - (long) pages * into.length >= mark;
      int most =
          anywhere
              ? mostRuns(before, 0, pageCount, pages)
              : mostRuns(before, 0, from, pages) + mostRuns(before, to, pageCount, pages);
      int count = pool.serveMany(pages, into, mark, from, to);
      BitSet after = free();
      if (count == 0) {
        assertThat(after).as("seed=%d", seed).isEqualTo(before);
        assertThat(enough && most >= into.length && (!anywhere || pages == 1))
            .as("seed=%d", seed)
            .isFalse();
        continue;
      }
      served++;
      assertThat(count).isEqualTo(into.length);
      assertThat(enough && most >= count).as("seed=%d", seed).isTrue();
      for (long page : into) {
        assertThat(pool.pagesAt((int) page)).isEqualTo(pages);
        assertThat(page + pages <= from || page >= to || anywhere).as("seed=%d", seed).isTrue();
        after.set((int) page, (int) page + pages);
      }
      assertThat(after).as("seed=%d", seed).isEqualTo(before);
    }
    assertThat(served).isBetween(ROUNDS / 20, ROUNDS - ROUNDS / 20);
  }

  private static int mostRuns(BitSet free, int from, int to, int pages) {
    int runs = 0;
    int at = from;
    for (int page; (page = lowest(free, at, to, pages, 0, 0)) != PagePool.NONE; runs++) {
      at = page + pages;
    }
    return runs;
  }

  @Test
  void aWindowThatKeepsEverythingLeavesNothing() {
    pool = pool(100, Geometry.RADIX_LOG2);
    assertThat(pool.serveOutside(1, 0, 0, 0, 0, 100)).isEqualTo(PagePool.NONE);
    assertThat(pool.serveMany(1, new long[1], 0, 0, 100)).isZero();
    assertThat(pool.serveMany(1, new long[0], 0, 0, 100)).isZero();
    assertThat(pool.serveOutside(1, 0, 0, 99, 40, 40)).isZero();
    assertThat(pool.serveOutside(1, 0, 0, 99, 40, 40)).isEqualTo(PagePool.NONE);
    assertThat(pool.freePages()).isEqualTo(99);
  }
}
