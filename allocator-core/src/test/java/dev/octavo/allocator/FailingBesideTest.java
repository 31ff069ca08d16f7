package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Requests that fail, or wait, beside others: what they take and put back, or charge and uncharge,
/// makes no other fail, and wakes none without end.
@Timeout(60)
class FailingBesideTest {

  private static final int PAGE = 4096;
  private static final int ROUNDS = 40_000;

  private final Requests requests = new Requests();
  private final AtomicBoolean stop = new AtomicBoolean();

  @AfterEach
  void end() {
    stop.set(true);
    requests.close();
  }

  private Request<Long> repeat(On on, Runnable failing) {
    return requests.start(
        on,
        () -> {
          long failed = 0;
          while (!stop.get()) {
            try {
              failing.run();
              throw new AssertionError("was served");
            } catch (OutOfPagesException e) {
              failed++;
            }
          }
          return failed;
        });
  }

  // ---- pages

  /// @param every the region keeps one page of so many, or 96 pages side by side if 0
  /// @param asked length of the run that is always free
  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 0, 1, 4090, 1", // more than is free
    "PLATFORM, 0, 4, 1010, 1",
    "VIRTUAL, 0, 64, 63, 16",
    "PLATFORM, 2, 2, 100, 1", // no such run
    "VIRTUAL, 16, 7, 513, 7", // 512 such runs
    "PLATFORM, 4, 2, 1025, 2" // 1024 such runs
  })
  void aRunIsServedBesideFailingBulks(On on, int every, int run, int count, int asked)
      throws Exception {
    try (PageAllocator pages = Bare.builder().capacity(4096L * PAGE).threadCache(0, 0).build()) {
      List<long[]> kept = keep(pages, every);
      Request<Long> bulks = repeat(on, () -> pages.allocatePageRuns(run, new long[count]));
      int refused = 0;
      for (int i = 0; i < ROUNDS; i++) {
        long page = pages.tryAllocatePageRun(asked);
        if (page < 0) {
          refused++;
        } else {
          pages.freePageRun(page, asked);
        }
      }
      stop.set(true);
      assertThat(bulks.served()).as("failing bulks").isPositive();
      assertThat(refused).as("refused").isZero();
      kept.forEach(one -> pages.freePageRun(one[0], (int) one[1]));
    }
  }

  private static List<long[]> keep(PageAllocator pages, int every) {
    List<long[]> kept = new ArrayList<>();
    if (every == 0) {
      kept.add(new long[] {pages.allocatePageRun(96), 96});
      return kept;
    }
    long[] all = new long[4096];
    assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(4096);
    for (long page : all) {
      if (page % every == 0) {
        kept.add(new long[] {page, 1});
      } else {
        pages.freePageRun(page, 1);
      }
    }
    return kept;
  }

  // ---- room

  @ParameterizedTest
  @EnumSource(On.class)
  void aChargeThatFitsIsNotRefusedBesideARequestThatFailsForPages(On on) throws Exception {
    MemoryAccount root = MemoryAccount.root("r").open();
    MemoryAccount q = root.child("q").max(4000L * PAGE).strict().open();
    try (PageAllocator pages =
            Bare.builder()
                .capacity(4096L * PAGE)
                .accounts(root)
                .oomPolicy(OomPolicy.none())
                .build();
        AccountAllocator owner = pages.under(q)) {
      MemorySegment ofRoot = pages.allocate(2000L * PAGE);
      Request<Long> large = repeat(on, () -> owner.allocate(3990L * PAGE, AllocationMode.NOWAIT));
      int refused = 0;
      for (int i = 0; i < ROUNDS; i++) {
        MemorySegment segment = owner.tryAllocate(20L * PAGE, 1, AllocationMode.NOWAIT);
        if (segment == null) {
          refused++;
        } else {
          owner.free(segment);
        }
      }
      stop.set(true);
      assertThat(large.served()).isPositive();
      assertThat(refused).as("refused").isZero();
      pages.free(ofRoot);
    }
  }

  // ---- wakes

  /// Bulks that wait for runs that no free forms; while nothing is freed, each sleeps.
  @ParameterizedTest
  @CsvSource({"PLATFORM, 2, 0", "VIRTUAL, 2, 0", "PLATFORM, 6, 0", "PLATFORM, 4, 512"})
  void bulksInLineDoNotWakeEachOther(On on, int count, int someRuns) throws Exception {
    AtomicLong wakes = new AtomicLong();
    try (PageAllocator pages =
        Bare.builder()
            .capacity(4096L * PAGE)
            .waitAtMost(Duration.ofSeconds(1))
            .waitClock(counting(wakes))
            .build()) {
      long[] all = new long[4096];
      assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(4096);
      for (long page : all) {
        if (page % 2 == 0 || (page < someRuns && page % 8 != 1)) {
          pages.freePageRun(page, 1);
        }
      }
      List<Request<Integer>> bulks = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        bulks.add(requests.start(on, () -> pages.allocatePageRuns(2, new long[500])));
      }
      for (Request<Integer> bulk : bulks) {
        assertThat(bulk.refused().reason()).isEqualTo(OutOfPagesException.Reason.DEADLINE);
      }
      assertThat(wakes.get()).as("wakes").isLessThan(200L * count);
      for (long page : all) {
        if (page % 2 != 0 && (page >= someRuns || page % 8 == 1)) {
          pages.freePageRun(page, 1);
        }
      }
    }
  }

  private static WaitClock counting(AtomicLong wakes) {
    return new WaitClock() {
      @Override
      public long nanoTime() {
        return SYSTEM.nanoTime();
      }

      @Override
      public void park(Object blocker, long nanos) {
        SYSTEM.park(blocker, nanos);
      }

      @Override
      public void unpark(Thread thread) {
        wakes.incrementAndGet();
        SYSTEM.unpark(thread);
      }
    };
  }

  @Test
  void aBulkInLineIsServedWhenItsRunsAppear() throws Exception {
    try (PageAllocator pages =
        Bare.builder().capacity(1024L * PAGE).waitAtMost(Requests.LONG).build()) {
      long[] all = new long[1024];
      assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(1024);
      List<Request<Integer>> bulks = new ArrayList<>();
      List<long[]> into = List.of(new long[100], new long[100], new long[100]);
      for (long[] runs : into) {
        bulks.add(requests.startInLine(On.PLATFORM, pages, () -> pages.allocatePageRuns(2, runs)));
      }
      for (long page : all) {
        pages.freePageRun(page, 1);
      }
      for (int i = 0; i < into.size(); i++) {
        assertThat(bulks.get(i).served()).isEqualTo(100);
        for (long page : into.get(i)) {
          pages.freePageRun(page, 2);
        }
      }
      assertThat(pages.freePages()).isEqualTo(1024);
    }
  }
}
