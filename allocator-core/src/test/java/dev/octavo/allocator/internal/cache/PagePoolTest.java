package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PagePoolTest {

  private static final int PAGES = 1 << 16;

  private static final Geometry GEOMETRY = new Geometry(PAGES, 16, Geometry.RADIX_LOG2);

  private final PagePool pool =
      new PagePool(GEOMETRY, new PoolOptions(2, CacheLimits.byDefault(GEOMETRY)));

  @Test
  void everyPageIsFoundWhateverTheSlot() {
    Set<Integer> pages = new HashSet<>();
    for (int page = pool.allocate(1, 0, 0); page != PagePool.NONE; page = pool.allocate(1, 0, 0)) {
      pages.add(page);
    }
    assertThat(pages).hasSize(PAGES);
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void manyMayCrossWordsAndUseOddLengths() {
    long[] into = new long[500];
    for (int length : new int[] {1, 3, 4, 64, 65}) {
      assertThat(pool.allocateMany(length, into)).isEqualTo(500);
      for (long page : into) {
        assertThat(pool.free((int) page, length)).isTrue();
      }
    }
    assertThat(pool.allocateMany(PAGES / 2, into)).isEqualTo(2);
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void closesOnceNothingIsAllocated() {
    int page = pool.allocate(5, 0, 0);
    assertThat(pool.close()).isFalse();
    assertThat(pool.isClosed()).isFalse();
    assertThat(pool.free(page, 5)).isTrue();
    assertThat(pool.close()).isTrue();
    assertThat(pool.close()).isTrue();
    assertThat(pool.allocate(1, 0, 0)).isEqualTo(PagePool.NONE);
    assertThat(pool.audit()).isEmpty();
  }
}
