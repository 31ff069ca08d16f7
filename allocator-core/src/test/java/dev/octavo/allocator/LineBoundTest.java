package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Requests that can be served behind others that cannot: behind one that lacks only the reserve,
/// behind refused runs that are longer, and behind more of them than one look passes.
@Timeout(60)
class LineBoundTest {

  private static final int PAGE = 4096;

  private final Requests requests = new Requests();
  private final List<long[]> taken = new ArrayList<>();

  @AfterEach
  void end() {
    requests.close();
  }

  private static void startHopeless(Requests requests, PageAllocator pages, On on, int count) {
    requests.startInLine(
        on,
        pages,
        () -> pages.allocate((long) count * PAGE, 1, AllocationMode.BLOCKING, Requests.LONG));
  }

  private void release(PageAllocator pages) {
    requests.close();
    taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    assertThat(pages.waiters()).isZero();
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.freePages()).isEqualTo(pages.pageCount());
  }

  /// Keeps the first page of each stretch of `every`, and nothing else.
  private void pin(PageAllocator pages, int every) {
    long[] all = new long[(int) pages.pageCount()];
    assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(all.length);
    for (long page : all) {
      if (page % every == 0) {
        taken.add(new long[] {page, 1});
      } else {
        pages.freePageRun(page, 1);
      }
    }
  }

  // ---- the reserve

  /// @param min the mark in pages, or 0 for the default ones
  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 1024, 100, 374, 600, 1",
    "VIRTUAL, 1024, 100, 374, 600, 1",
    "PLATFORM, 1024, 100, 374, 560, 40",
    "PLATFORM, 1024, 1, 24, 1000, 8",
    "PLATFORM, 4096, 0, 1000, 3000, 1",
    "VIRTUAL, 4096, 0, 1000, 3000, 64"
  })
  void oneThatLacksOnlyTheReserveHoldsNoneUp(
      On on, int pageCount, int min, int held, int large, int small) throws Exception {
    PageAllocatorBuilder builder =
        PageAllocator.builder().capacity((long) pageCount * PAGE).waitAtMost(Requests.LONG);
    if (min > 0) {
      builder.watermarks(Watermarks.of((long) min * PAGE, (long) min * PAGE, (long) min * PAGE));
    }
    try (PageAllocator pages = builder.build()) {
      taken.add(new long[] {pages.allocatePageRun(held), held});
      startHopeless(requests, pages, on, large);
      for (int i = 0; i < 3; i++) {
        Request<MemorySegment> request =
            requests.start(on, () -> pages.allocate((long) small * PAGE));
        pages.free(request.served());
      }
      release(pages);
    }
  }

  // ---- longer runs

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 2, 64, 10, 1, 20",
    "VIRTUAL, 2, 64, 10, 1, 20",
    "PLATFORM, 4, 64, 4, 3, 50",
    "PLATFORM, 8, 100, 8, 2, 40"
  })
  void aBulkOfShorterRunsIsServed(On on, int every, int first, int second, int run, int count)
      throws Exception {
    try (PageAllocator pages =
        Bare.builder().capacity(1024L * PAGE).waitAtMost(Requests.LONG).build()) {
      pin(pages, every);
      startHopeless(requests, pages, on, first);
      startHopeless(requests, pages, on, second);
      long[] into = new long[count];
      Request<Integer> bulk = requests.start(on, () -> pages.allocatePageRuns(run, into));
      assertThat(bulk.served()).isEqualTo(count);
      for (long page : into) {
        pages.freePageRun(page, run);
      }
      release(pages);
    }
  }

  // ---- many

  @ParameterizedTest
  @CsvSource({"4300, PLATFORM", "4300, VIRTUAL", "8500, VIRTUAL"})
  void aNewcomerIsServedBehindMoreThanOneLookPasses(int count, On on) throws Exception {
    try (PageAllocator pages =
        Bare.builder().capacity(4096L * PAGE).waitAtMost(Requests.LONG).build()) {
      pin(pages, 2);
      for (int i = 0; i < count; i++) {
        requests.start(
            On.VIRTUAL,
            () -> pages.allocate(64L * PAGE, 1, AllocationMode.BLOCKING, Requests.LONG));
      }
      Requests.await("all in line", () -> pages.waiters() >= count);
      Request<MemorySegment> request = requests.start(on, () -> pages.allocate(PAGE));
      pages.free(request.served());
      release(pages);
    }
  }
}
