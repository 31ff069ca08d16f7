package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Marks hold for words that threads hold, too: the test counts the free pages itself and knows
/// nothing of words.
class ReserveTest {

  private static final int PROGRAMS = 1_500;
  private static final int STEPS = 60;
  private static final int ACTORS = 3;

  /// A run of each kind of lease, smallest first.
  private static final int[] OF_EACH_KIND = {1, 8, 3, 64, 512};

  private record Run(int page, int pages) {}

  /// A pool, and the number of pages that are free in it.
  private static final class Counted {

    private final Random random;
    private final StandIns owners;
    private final PagePool pool;
    private final int pageCount;
    private final int min;
    private final List<Run> live = new ArrayList<>();
    private int free;

    Counted(int pageCount, int radixLog2, int min, int low, Random random) {
      this.random = random;
      this.pageCount = pageCount;
      this.min = min;
      free = pageCount;
      Geometry geometry = new Geometry(pageCount, Geometry.largestOrder(pageCount), radixLog2);
      BuddyPages buddy = new BuddyPages(geometry, 1);
      CacheLimits limits = new CacheLimits(pageCount, 1L << 40, low);
      OtherThreads others = new OtherThreads();
      owners = new StandIns(buddy, limits, others);
      pool = new PagePool(buddy, owners, others, new PoolOptions(1, limits));
    }

    private int mark() {
      return random.nextInt(4) == 0 ? min * 3 / 8 : min;
    }

    private boolean took(int page, int pages, int mark) {
      if (page == PagePool.NONE) {
        return false;
      }
      free -= pages;
      assertThat(free).as("left by %d pages", pages).isGreaterThanOrEqualTo(mark);
      live.add(new Run(page, pages));
      return true;
    }

    boolean take(int actor, int pages, int mark) {
      owners.actAs(actor);
      int held = random.nextBoolean() ? pool.takeHeld(pages) : PagePool.NONE;
      int page = held != PagePool.NONE ? held : pool.allocate(pages, 0, 0, mark);
      boolean took = took(page, pages, mark);
      assertThat(took || pages > 1 || free - 1 < mark).as("refused one of %d", free).isTrue();
      return took;
    }

    void takeMany(int actor, int pages, int mark) {
      owners.actAs(actor);
      long[] into = new long[1 + random.nextInt(20)];
      int count = pool.allocateMany(pages, into, mark);
      for (int i = 0; i < count; i++) {
        took((int) into[i], pages, mark);
      }
    }

    void serve(int actor, int pages, int mark) {
      owners.actAs(actor);
      pool.beginWait();
      took(pool.serve(pages, 0, 0, mark), pages, mark);
      pool.endWait();
    }

    void grow(int actor, int more, int mark) {
      if (live.isEmpty()) {
        return;
      }
      owners.actAs(actor);
      Run run = live.remove(random.nextInt(live.size()));
      int pages = run.pages + more;
      assertThat(pool.hold(run.page, run.pages)).isTrue();
      if (pool.growHeld(run.page, run.pages, pages, mark)) {
        free += run.pages;
        took(run.page, pages, mark);
      } else {
        pool.release(run.page, run.pages);
        live.add(run);
      }
    }

    void free(int actor) {
      if (!live.isEmpty()) {
        owners.actAs(actor);
        Run run = live.remove(random.nextInt(live.size()));
        assertThat(pool.free(run.page, run.pages)).isTrue();
        free += run.pages;
      }
    }

    void finish() {
      assertThat(pool.freePages()).isEqualTo(free);
      while (!live.isEmpty()) {
        free(random.nextInt(ACTORS));
      }
      owners.actAs(StandIns.VISITOR);
      assertThat(pool.freeAreas().blocks())
          .isEqualTo(new BuddyPages(pool.geometry(), 1).freeAreas().blocks());
    }

    void step() {
      int actor = random.nextInt(ACTORS + 1) - 1;
      int pages = 1 + random.nextInt(random.nextInt(4) == 0 ? pageCount : 8);
      switch (random.nextInt(10)) {
        case 0 -> takeMany(actor, pages, mark());
        case 1 -> serve(actor, pages, mark());
        case 2 -> grow(actor, pages, mark());
        case 3, 4, 5 -> free(actor);
        default -> take(actor, pages, mark());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void noRequestOfOneThreadAtATimeGoesBelowItsMark(int radixLog2) {
    for (int seed = 0; seed < PROGRAMS; seed++) {
      Random random = new Random(seed);
      int pageCount = 20 + random.nextInt(radixLog2 == 2 ? 100 : 2000);
      int min = random.nextInt(pageCount / 4);
      int low = min + random.nextInt(pageCount / 8);
      Counted counted = new Counted(pageCount, radixLog2, min, low, random);
      try {
        for (int i = 0; i < STEPS; i++) {
          counted.step();
        }
        counted.finish();
      } catch (AssertionError e) {
        throw new AssertionError("seed=%d: %s".formatted(seed, e.getMessage()), e);
      }
    }
  }

  /// One large request of another thread takes all but the reserve in one step, past `low`.
  @ParameterizedTest
  @ValueSource(ints = {1, 8, 3, 64, 512})
  void aHeldWordServesNothingOnceARequestHasCrossedLow(int pages) {
    int min = 4500;
    Counted counted = new Counted(1 << 14, Geometry.RADIX_LOG2, min, min + 20, new Random(pages));
    for (int kind : OF_EACH_KIND) {
      counted.take(0, kind, min);
    }
    assertThat(counted.pool.cachedPages()).isGreaterThan(min);
    counted.owners.actAs(1);
    int rest = counted.pageCount - counted.free;
    int crossing = 1 << 12;
    while (counted.free - crossing >= min && counted.take(1, crossing, min)) {
      rest += crossing;
    }
    while (counted.take(1, 1, min)) {
      rest++;
    }
    assertThat(rest).isEqualTo(counted.pageCount - min);
    assertThat(counted.take(0, pages, min)).isFalse();
    assertThat(counted.free).isEqualTo(min);
    counted.finish();
  }

  /// The thread that holds the words is idle while the others cross `low`, and takes nothing more
  /// from them then.
  @Test
  void anIdleThreadTakesNothingMoreFromItsWords() {
    int min = 100;
    int low = 120;
    Counted counted = new Counted(1 << 10, Geometry.RADIX_LOG2, min, low, new Random(1));
    for (int i = 0; i < 3; i++) {
      counted.take(0, OF_EACH_KIND[i], min);
    }
    int held = (int) counted.pool.cachedPages();
    assertThat(held).isGreaterThan(100);
    int inTree = counted.free - held;
    counted.take(1, 512, min);
    counted.take(1, inTree - 512 - 50, 0);
    assertThat(counted.free).isEqualTo(50 + held);
    assertThat(counted.pool.cachedPages()).isEqualTo(held);
    assertThat(counted.pool.takeHeld(1)).isEqualTo(PagePool.NONE);
    counted.owners.actAs(0);
    assertThat(counted.pool.takeHeld(1)).isEqualTo(PagePool.NONE);
    assertThat(counted.pool.cachedPages()).isZero();
    counted.finish();
  }

  /// Growth in place takes from the tree, and leaves the reserve only if held words count.
  @Test
  void growthAcrossLowEndsTheLeases() {
    int min = 100;
    Counted counted = new Counted(1 << 10, Geometry.RADIX_LOG2, min, 120, new Random(1));
    counted.take(0, 1, min);
    counted.take(StandIns.VISITOR, 64, min);
    assertThat(counted.live).containsExactly(new Run(0, 1), new Run(64, 64));
    counted.live.removeFirst();
    counted.grow(0, counted.free - min, min);
    assertThat(counted.free).isEqualTo(min);
    counted.owners.actAs(0);
    assertThat(counted.pool.takeHeld(1)).isEqualTo(PagePool.NONE);
    assertThat(counted.take(0, 1, min)).isFalse();
    counted.live.add(new Run(0, 1));
    counted.finish();
  }

  /// Threads that allocate at the same time from words and from the tree take less than one
  /// operation each below the mark.
  @Test
  void manyThreadsGoBelowTheMarkByOneOperationEachAtMost() throws Exception {
    int threads = 4;
    int pageCount = 1 << 13;
    int min = 1000;
    int longest = 16;
    Geometry geometry = new Geometry(pageCount, 13, Geometry.RADIX_LOG2);
    CacheLimits limits = new CacheLimits(pageCount, 1L << 40, min + 100);
    for (int round = 0; round < 60; round++) {
      int seed = round;
      PagePool pool = new PagePool(geometry, new PoolOptions(threads, limits));
      CyclicBarrier full = new CyclicBarrier(threads);
      Threads.together(
          threads,
          number -> {
            Random random = new Random(seed * 31L + number);
            List<Run> live = new ArrayList<>();
            for (int refused = 0; refused < 5; ) {
              int pages = 1 + random.nextInt(longest);
              int page = pool.allocate(pages, 0, 0, min);
              refused += page == PagePool.NONE ? 1 : 0;
              if (page != PagePool.NONE) {
                live.add(new Run(page, pages));
              }
            }
            full.await();
            assertThat(pool.freePages())
                .as("seed=%d", seed)
                .isGreaterThanOrEqualTo(min - (long) threads * longest);
            full.await();
            live.forEach(run -> assertThat(pool.free(run.page, run.pages)).isTrue());
            return number;
          });
      assertThat(pool.audit()).isEmpty();
    }
  }
}
