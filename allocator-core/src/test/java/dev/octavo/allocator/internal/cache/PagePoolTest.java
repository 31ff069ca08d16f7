package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
  void closingEndsAllAllocations() {
    int five = pool.allocate(5, 0, 0);
    int many = pool.allocate(97, 0, 0);
    pool.shut();
    assertThat(pool.isClosed()).isTrue();
    assertThat(pool.allocate(1, 0, 0)).isEqualTo(PagePool.NONE);
    assertThat(pool.allocateMany(1, new long[3])).isZero();
    assertThat(pool.free(pool.nextHead(0), 5)).isTrue();
    List<String> ended = new ArrayList<>();
    pool.endAll((page, pages) -> ended.add(page + "+" + pages + ":" + pool.stateOf(page)));
    assertThat(ended).containsExactly(many + "+97:HELD");
    assertThat(pool.free(five, 5) || pool.free(many, 97)).isFalse();
    assertThat(pool.freePages()).isZero();
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void pinsAreCountedAndNoneIsSetOnceClosed() throws Exception {
    assertThat(pool.pin()).isTrue();
    Threads.Task<Boolean> pins = number -> pool.free(pool.allocate(1, 0, 0), 1) && pool.pin();
    assertThat(Threads.together(4, pins)).containsOnly(true);
    assertThat(pool.freeAreas().pages()).isEqualTo(PAGES); // forgets those threads
    assertThat(Threads.together(4, number -> pool.unpin())).containsOnly(false);
    assertThat(pool.isPinned()).isTrue();
    pool.shut();
    assertThat(pool.pin()).isFalse();
    pool.release();
    assertThat(pool.isPinned()).isTrue();
    assertThat(pool.unpin()).isTrue();
    assertThat(pool.isPinned()).isFalse();
  }

  @Test
  void shuttingIsSeenByAllWhenItReturns() {
    List<Boolean> seen = new ArrayList<>();
    PagePool[] shut = new PagePool[1];
    shut[0] =
        pool(
            false,
            new OtherThreads() {
              @Override
              void handshake() {
                seen.add(shut[0].isClosed());
              }
            });
    shut[0].shut();
    assertThat(seen).containsExactly(true);
    assertThat(shut[0].isPinned()).isTrue();
    shut[0].release();
    assertThat(shut[0].isPinned()).isFalse();
  }

  /// Pages that are freed while no call waits are of no interest, and are not told.
  @Test
  void theWatchIsToldHowManyPagesBecameFree() {
    List<Integer> told = new ArrayList<>();
    PoolWatch watch =
        new PoolWatch() {
          @Override
          public void low() {}

          @Override
          public void freed(int pages) {
            told.add(pages);
          }
        };
    PagePool watched =
        new PagePool(
            GEOMETRY,
            new PoolOptions(
                1, CacheLimits.byDefault(GEOMETRY), PageMemory.NONE, false, false, watch));
    int[] lengths = {1, 3, 64, 1000, 9, 5};
    int[] firsts = new int[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      firsts[i] = watched.allocate(lengths[i], 0, 0);
    }
    watched.free(firsts[5], 5);
    watched.beginWait();
    for (int i = 0; i < 4; i++) {
      watched.free(firsts[i], lengths[i]);
    }
    watched.trim(firsts[4], 9, 2);
    watched.hold(firsts[4], 2);
    watched.freeHeld(firsts[4], 2);
    watched.endWait();
    assertThat(told).containsExactly(1, 3, 64, 1000, 7, 2);
    assertThat(watched.audit()).isEmpty();
  }

  /// Whoever has just got pages and not said yet who pays for them is waited for.
  @Test
  void anAllocationWithoutATagIsNotComplete() {
    PagePool[] tagged = new PagePool[1];
    tagged[0] =
        pool(
            true,
            new OtherThreads() {
              @Override
              void await(int spins) {
                if (spins == 3) {
                  tagged[0].setTag(0, 7);
                }
              }
            });
    assertThat(tagged[0].allocate(3, 0, 0)).isZero();
    tagged[0].shut();
    List<Integer> tags = new ArrayList<>();
    tagged[0].endAll((page, pages) -> tags.add(tagged[0].tagAt(page)));
    assertThat(tags).containsExactly(7);
  }

  /// One that never gets its tag, as whoever was about to set it has died, does not stop it.
  @Test
  void anAllocationThatNobodyCompletesEndsInTheEnd() {
    long[] now = new long[1];
    PagePool tagged =
        pool(
            true,
            new OtherThreads() {
              @Override
              long nanoTime() {
                return now[0];
              }

              @Override
              void await(int spins) {
                now[0] += 100_000_000;
              }
            });
    assertThat(tagged.allocate(3, 0, 0)).isZero();
    tagged.shut();
    List<Integer> tags = new ArrayList<>();
    tagged.endAll((page, pages) -> tags.add(tagged.tagAt(page)));
    assertThat(tags).containsExactly(0);
    assertThat(now[0]).isEqualTo(1_100_000_000);
  }

  private static PagePool pool(boolean tagged, OtherThreads others) {
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1, false, tagged);
    CacheLimits none = new CacheLimits(0, 0);
    return new PagePool(
        buddy,
        new Owners(buddy, none, others),
        others,
        new PoolOptions(1, none, PageMemory.NONE, false, tagged, PoolWatch.NONE));
  }
}
