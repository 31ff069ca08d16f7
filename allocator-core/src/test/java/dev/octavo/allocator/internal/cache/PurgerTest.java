package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/// Which pages go back, when, and what other calls see meanwhile.
class PurgerTest {

  private static final int PAGES = 64 * 40 + 30;
  private static final Geometry GEOMETRY =
      new Geometry(PAGES, Geometry.largestOrder(PAGES), Geometry.RADIX_LOG2);
  private static final CacheLimits NO_LEASES = new CacheLimits(0, 0);

  private final List<String> given = new ArrayList<>();

  private PagePool pool(int granule, CacheLimits limits) {
    PageMemory.Back back = (page, pages) -> given.add(page + "+" + pages);
    return new PagePool(
        GEOMETRY, new PoolOptions(1, limits, new PageMemory(0, granule, 64 * 8, back)));
  }

  private static int take(PagePool pool, int pages) {
    int page = pool.allocate(pages, 0, 0);
    assertThat(page).isNotEqualTo(PagePool.NONE);
    return page;
  }

  private static void looks(PagePool pool, int count) {
    for (int i = 0; i < count; i++) {
      pool.look();
    }
  }

  @Test
  void whatWasNeverUsedStays() {
    PagePool pool = pool(1, NO_LEASES);
    looks(pool, 5);
    assertThat(pool.purge()).isZero();
    assertThat(given).isEmpty();
  }

  @Test
  void freeUnitsGoBackAtTheThirdLookAndOnlyOnce() {
    PagePool pool = pool(1, NO_LEASES);
    int page = take(pool, 192);
    looks(pool, 9);
    assertThat(given).isEmpty();
    pool.free(page, 192);
    looks(pool, 2);
    assertThat(given).isEmpty();
    looks(pool, 1);
    assertThat(given).containsExactly("0+192");
    looks(pool, 9);
    assertThat(pool.purge()).isZero();
    assertThat(pool.freeAreas().pages()).isEqualTo(PAGES);
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void aUnitInWhichSomethingIsFreedIsNotDue() {
    PagePool pool = pool(1, NO_LEASES);
    for (int i = 0; i < 20; i++) {
      pool.free(take(pool, 3), 3);
      looks(pool, 2);
    }
    assertThat(given).isEmpty();
    looks(pool, 1);
    assertThat(given).containsExactly("0+64");
  }

  @Test
  void whatIsAllocatedStays() {
    PagePool pool = pool(1, NO_LEASES);
    int first = take(pool, 10);
    int second = take(pool, 10);
    int third = take(pool, 10);
    pool.free(second, 10);
    looks(pool, 3);
    assertThat(given).containsExactly("10+10", "30+34");
    looks(pool, 5);
    pool.free(third, 10);
    looks(pool, 3);
    assertThat(given).containsExactly("10+10", "30+34", "10+54");
    pool.free(first, 10);
    assertThat(pool.purge()).isEqualTo(64);
    assertThat(given).hasSize(4).last().isEqualTo("0+64");
    assertThat(pool.isKnownZero(take(pool, 64), 64)).isTrue();
  }

  @Test
  void piecesAreWholeGranules() {
    PagePool pool = pool(8, NO_LEASES);
    int first = take(pool, 9);
    int second = take(pool, 30);
    int third = take(pool, 1);
    pool.free(second, 30);
    assertThat(pool.purge()).isEqualTo(16 + 24);
    assertThat(given).containsExactly("16+16", "40+24");
    pool.free(first, 9);
    pool.free(third, 1);
    int everything = take(pool, PAGES);
    pool.free(everything, PAGES);
    given.clear();
    // The region ends with 6 pages that are no granule.
    assertThat(pool.purge()).isEqualTo(PAGES - 6);
    assertThat(given)
        .containsExactly("0+512", "512+512", "1024+512", "1536+512", "2048+512", "2560+24");
    assertThat(pool.purge()).isZero();
  }

  @Test
  void largeGranulesMakeLargeUnits() {
    PagePool pool = pool(512, NO_LEASES);
    int first = take(pool, 100);
    pool.free(take(pool, PAGES - 100), PAGES - 100);
    assertThat(pool.purge()).isEqualTo(4 * 512);
    assertThat(given).containsExactly("512+512", "1024+512", "1536+512", "2048+512");
    pool.free(first, 100);
    looks(pool, 3);
    assertThat(given).hasSize(5).last().isEqualTo("0+512");
  }

  @Test
  void theLastUnitMayBeShort() {
    PagePool pool = pool(1, NO_LEASES);
    pool.free(take(pool, PAGES), PAGES);
    assertThat(pool.purge()).isEqualTo(PAGES);
    assertThat(given).last().isEqualTo("2560+30");
    assertThat(pool.isKnownZero(0, PAGES)).isTrue();
    int all = take(pool, PAGES);
    pool.trim(all, PAGES, PAGES - 5);
    assertThat(pool.isKnownZero(0, PAGES)).isFalse();
    assertThat(pool.purge()).isEqualTo(5);
  }

  @Test
  void whatThreadsKeepGoesBackWhenTheyDoNotUseIt() {
    PagePool pool = pool(1, CacheLimits.byDefault(GEOMETRY));
    List<Integer> pages = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      pages.add(take(pool, 1));
    }
    pages.forEach(page -> pool.free(page, 1));
    assertThat(pool.cachedPages()).isPositive();
    looks(pool, 2);
    assertThat(pool.cachedPages()).isPositive();
    looks(pool, 1);
    assertThat(pool.cachedPages()).isZero();
    assertThat(given).containsExactly("0+64");
  }

  @Test
  void threadsKeepWhatTheyUse() {
    PagePool pool = pool(1, CacheLimits.byDefault(GEOMETRY));
    for (int i = 0; i < 20; i++) {
      pool.free(take(pool, 1), 1);
      looks(pool, 1);
      assertThat(pool.cachedPages()).isPositive();
    }
    assertThat(pool.purge()).isEqualTo(64);
  }

  @Test
  void contentsThatWereThereBeforeAreNotOurs() {
    PageMemory.Back back = (page, pages) -> given.add(page + "+" + pages);
    PagePool pool =
        new PagePool(GEOMETRY, new PoolOptions(1, NO_LEASES, new PageMemory(100, 1, 512, back)));
    assertThat(take(pool, PAGES)).isZero();
    assertThat(pool.isKnownZero(0, 1)).isFalse();
    assertThat(pool.isKnownZero(64, 64)).isFalse();
    assertThat(pool.isKnownZero(128, PAGES - 128)).isTrue();
    assertThat(pool.purge()).isZero();
    pool.trim(0, PAGES, 100);
    assertThat(pool.purge()).isEqualTo(PAGES - 100);
    assertThat(given).startsWith("100+28", "128+512").hasSize(6);
    assertThat(pool.isKnownZero(0, 1)).isFalse();
  }

  @Test
  void withoutAnInterestedPartyNothingIsMarked() {
    PagePool pool = new PagePool(GEOMETRY, new PoolOptions(1, NO_LEASES, PageMemory.NONE));
    assertThat(pool.canPurge()).isFalse();
    assertThat(pool.isKnownZero(take(pool, 1), 1)).isFalse();
    looks(pool, 3);
    assertThat(pool.purge()).isZero();
    PagePool zeroed =
        new PagePool(GEOMETRY, new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 1, null)));
    int page = take(zeroed, 5);
    assertThat(zeroed.isKnownZero(page, 5)).isTrue();
    zeroed.free(page, 5);
    assertThat(zeroed.isKnownZero(take(zeroed, 5), 5)).isFalse();
    assertThat(zeroed.purge()).isZero();
    assertThat(zeroed.metadataBytes()).isEqualTo(pool.metadataBytes() + 41);
  }

  @Test
  void aSystemThatRefusesIsNotAskedAgain() {
    PageMemory.Back back =
        (page, pages) -> {
          given.add(page + "+" + pages);
          return false;
        };
    PagePool pool =
        new PagePool(GEOMETRY, new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, back)));
    pool.free(take(pool, 1000), 1000);
    assertThat(pool.purge()).isZero();
    looks(pool, 9);
    assertThat(pool.purge()).isZero();
    assertThat(given).hasSize(1);
    assertThat(pool.isKnownZero(take(pool, 1), 1)).isFalse();
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void aBrokenSystemLosesNoPages() {
    PageMemory.Back back =
        (page, pages) -> {
          throw new IllegalStateException("broken");
        };
    PagePool pool =
        new PagePool(GEOMETRY, new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, back)));
    pool.free(take(pool, 1000), 1000);
    assertThat(catchThrowable(pool::purge)).hasMessage("broken");
    assertThat(pool.freeAreas().pages()).isEqualTo(PAGES);
    assertThat(pool.audit()).isEmpty();
  }

  /// Another thread makes a call while pages are with the purger: as soon as it waits for others,
  /// or has not waited, the purger goes on.
  private <T> T during(Call<T> call, boolean background) throws Exception {
    CountDownLatch waits = new CountDownLatch(1);
    OtherThreads others =
        new OtherThreads() {
          @Override
          void await(int spins) {
            waits.countDown();
            super.await(spins);
          }
        };
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1);
    Owners owners = new Owners(buddy, NO_LEASES, others);
    List<FutureTask<T>> tasks = new ArrayList<>();
    PagePool[] pool = new PagePool[1];
    PageMemory.Back back =
        (page, pages) -> {
          if (tasks.isEmpty()) {
            Callable<T> callable = () -> call.on(pool[0]);
            tasks.add(
                new FutureTask<>(callable) {
                  @Override
                  protected void done() {
                    waits.countDown();
                  }
                });
            Thread.ofPlatform().start(tasks.getFirst());
            awaitWithout(waits);
          }
          return true;
        };
    pool[0] =
        new PagePool(
            buddy, owners, others, new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, back)));
    pool[0].free(take(pool[0], PAGES), PAGES);
    if (background) {
      looks(pool[0], 3);
    } else {
      pool[0].purge();
    }
    return tasks.getFirst().get();
  }

  private static void awaitWithout(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aCallThatFindsNothingWaitsForTheStep() throws Exception {
    for (boolean background : new boolean[] {false, true}) {
      assertThat(this.<Integer>during(pool -> pool.allocate(PAGES, 0, 0), background)).isZero();
    }
  }

  @Test
  void countsWaitForTheStep() throws Exception {
    for (boolean background : new boolean[] {false, true}) {
      assertThat(this.<Long>during(pool -> pool.freeAreas().pages(), background)).isEqualTo(PAGES);
      assertThat(this.<Integer>during(pool -> pool.audit().size(), background)).isZero();
    }
  }

  /// How many pages were left over.
  private static int close(PagePool pool) {
    pool.shut();
    pool.endAll((page, pages) -> {});
    return (int) pool.freePages();
  }

  @Test
  void closeWaitsForTheStep() throws Exception {
    for (boolean background : new boolean[] {false, true}) {
      assertThat(this.<Integer>during(PurgerTest::close, background)).isZero();
    }
  }

  /// From then on the memory may be somebody else's.
  @Test
  void nothingGoesBackOnceThePoolIsShut() {
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1);
    OtherThreads others = new OtherThreads();
    PageMemory.Back back = (page, pages) -> given.add(page + "+" + pages);
    PagePool pool =
        new PagePool(
            buddy,
            new Owners(buddy, NO_LEASES, others),
            others,
            new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, back)));
    pool.free(take(pool, 64), 64);
    pool.shut();
    assertThat(pool.purge()).isZero();
    looks(pool, 5);
    assertThat(given).isEmpty();
  }

  @Test
  void aLookGivesWayToWhoSearches() {
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1);
    OtherThreads others = new OtherThreads();
    PageMemory.Back back = (page, pages) -> given.add(page + "+" + pages);
    PagePool pool =
        new PagePool(
            buddy,
            new Owners(buddy, NO_LEASES, others),
            others,
            new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, back)));
    pool.free(take(pool, 64), 64);
    buddy.enterSearch();
    looks(pool, 5);
    assertThat(given).isEmpty();
    buddy.exitSearch();
    looks(pool, 1);
    assertThat(given).containsExactly("2048+64");
  }

  @Test
  void pagesAreMarkedBeforeTheyAreFree() {
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1);
    OtherThreads others = new OtherThreads();
    CacheLimits limits = CacheLimits.byDefault(GEOMETRY);
    PagePool[] pool = new PagePool[1];
    List<Boolean> seenZero = new ArrayList<>();
    Owners owners =
        new Owners(buddy, limits, others) {
          @Override
          Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
            return new Owner(thread, number, buddy, kinds) {
              @Override
              void setBits(int lease, long bits) {
                seenZero.add(pool[0].isKnownZero(0, 1));
                super.setBits(lease, bits);
              }
            };
          }
        };
    pool[0] =
        new PagePool(
            buddy,
            owners,
            others,
            new PoolOptions(1, NO_LEASES, new PageMemory(0, 1, 64, (page, pages) -> true)));
    assertThat(take(pool[0], 1)).isZero();
    seenZero.clear();
    pool[0].free(0, 1);
    assertThat(seenZero).containsExactly(false);
  }

  private interface Call<T> {
    T on(PagePool pool);
  }
}
