package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What threads keep to themselves, as users see it.
class ThreadCacheTest {

  private static final int PAGE = PageAllocator.DEFAULT_PAGE_SIZE;
  private static final int ORDER = 16;
  private static final int PAGES = 1 << ORDER;
  private static final int WORD = 64;

  private static PageAllocatorBuilder region() {
    return Bare.builder().region(MemoryRegion.reserveOnly((long) PAGES * PAGE));
  }

  /// Fills every kind of lease: small, medium, odd, large and huge runs.
  private static void touch(PageAllocator allocator) {
    for (int pages : new int[] {1, 8, 33, 64, 512}) {
      allocator.freePageRun(allocator.allocatePageRun(pages), pages);
    }
  }

  @Test
  void whatThreadsKeepCountsAsFree() {
    try (PageAllocator allocator = region().build()) {
      touch(allocator);
      BuddyInfo info = allocator.buddyInfo();
      assertThat(info.cachedPages()).isBetween((long) WORD, info.freePages());
      assertThat(info.freePages()).isEqualTo(PAGES);
      assertThat(info.freeBlocks(ORDER)).isEqualTo(1);
      assertThat(allocator.buddyInfo().cachedPages()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aThreadThatSleepsOrHasDiedKeepsNothingFromOthers(boolean sleeps) throws Exception {
    CountDownLatch touched = new CountDownLatch(1);
    CountDownLatch wake = new CountDownLatch(sleeps ? 1 : 0);
    try (PageAllocator allocator = region().build()) {
      Thread holder =
          Thread.ofPlatform()
              .start(
                  () -> {
                    touch(allocator);
                    touched.countDown();
                    awaitUninterrupted(wake);
                  });
      touched.await();
      if (!sleeps) {
        holder.join();
      }
      // One block of the largest order: every last page.
      assertThat(allocator.tryAllocatePageRun(PAGES)).isZero();
      allocator.freePageRun(0, PAGES);
      for (int page = 0; page < PAGES; page++) {
        assertThat(allocator.tryAllocatePageRun(1)).isNotEqualTo(-1);
      }
      assertThat(allocator.tryAllocatePageRun(1)).isEqualTo(-1);
      for (int page = 0; page < PAGES; page++) {
        allocator.freePageRun(page, 1);
      }
      wake.countDown();
      holder.join();
      assertThat(allocator.audit()).isEmpty();
    }
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void virtualThreadsLeaveNothingBehind() throws Exception {
    try (PageAllocator allocator = region().build();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> done = new ArrayList<>();
      for (int i = 0; i < 20_000; i++) {
        done.add(threads.submit(() -> touch(allocator)));
      }
      for (Future<?> future : done) {
        future.get();
      }
      BuddyInfo info = allocator.buddyInfo();
      assertThat(info.cachedPages()).isZero();
      assertThat(info.freeBlocks(ORDER)).isEqualTo(1);
      assertThat(allocator.audit()).isEmpty();
    }
  }

  @Test
  void noCacheIfTheLimitIsZero() throws Exception {
    for (long[] limits : new long[][] {{0, 0}, {0, 1 << 30}, {1 << 30, 0}}) {
      try (PageAllocator allocator = region().threadCache(limits[0], limits[1]).build()) {
        touch(allocator);
        assertThat(allocator.buddyInfo().cachedPages()).isZero();
      }
    }
  }

  @Test
  void allThreadsTogetherKeepTheTotalLimit() throws Exception {
    long limit = 5 * WORD;
    try (PageAllocator allocator = region().threadCache(3L * WORD * PAGE, limit * PAGE).build()) {
      CountDownLatch wake = new CountDownLatch(1);
      CountDownLatch touched = new CountDownLatch(6);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      touch(allocator);
                      touched.countDown();
                      awaitUninterrupted(wake);
                    }));
      }
      touched.await();
      assertThat(allocator.buddyInfo().cachedPages()).isBetween(1L, limit);
      wake.countDown();
      for (Thread thread : threads) {
        thread.join();
      }
    }
  }

  @Test
  void addressesAreTheSameEveryTime() {
    List<Long> first = addresses();
    assertThat(addresses()).isEqualTo(first);
  }

  private static List<Long> addresses() {
    List<Long> addresses = new ArrayList<>();
    try (PageAllocator allocator = region().build()) {
      Random random = new Random(7);
      List<long[]> live = new ArrayList<>();
      for (int i = 0; i < 20_000; i++) {
        if (live.size() < 1_000 || random.nextBoolean()) {
          int pages = 1 + random.nextInt(40);
          long page = allocator.tryAllocatePageRun(pages);
          addresses.add(page);
          if (page >= 0) {
            live.add(new long[] {page, pages});
          }
        } else {
          long[] run = live.remove(random.nextInt(live.size()));
          allocator.freePageRun(run[0], (int) run[1]);
        }
      }
      live.forEach(run -> allocator.freePageRun(run[0], (int) run[1]));
    }
    return addresses;
  }

  @Test
  void limitsAreChecked() {
    assertThatThrownBy(() -> Bare.builder().threadCache(-1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("thread cache per thread out of range: value=-1, min=0");
    assertThatThrownBy(() -> Bare.builder().threadCache(0, -5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("thread cache in all out of range: value=-5, min=0");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 33, 64, 512, 4096})
  void bulkRunsAreAllocations(int pages) {
    for (boolean cache : new boolean[] {true, false}) {
      long bytes = cache ? 64 << 20 : 0;
      try (PageAllocator allocator = region().threadCache(bytes, bytes).build()) {
        long[] into = new long[PAGES / pages / 2];
        assertThat(allocator.allocatePageRuns(pages, into)).isEqualTo(into.length);
        assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo((long) into.length * pages);
        assertThat(allocator.audit()).isEmpty();
        assertThatThrownBy(() -> allocator.allocatePageRuns(pages, new long[PAGES]))
            .isInstanceOf(OutOfPagesException.class)
            .hasMessageContaining("pages=" + pages + ", count=" + PAGES);
        assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo((long) into.length * pages);
        long[] rest = new long[PAGES];
        int count = allocator.tryAllocatePageRuns(pages, rest);
        assertThat(count).isLessThan(PAGES);
        for (int i = 0; i < count; i++) {
          allocator.freePageRun(rest[i], pages);
        }
        for (long page : into) {
          allocator.freePageRun(page, pages);
        }
      }
    }
  }

  @Test
  void bulkRunsCheckTheirLength() {
    try (PageAllocator allocator = region().build()) {
      assertThatThrownBy(() -> allocator.allocatePageRuns(0, new long[1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("pages out of range: value=0, min=1");
      assertThat(allocator.allocatePageRuns(1, new long[0])).isZero();
    }
  }
}
