package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.region.AnonymousMapping;
import dev.octavo.allocator.internal.region.Discard;
import dev.octavo.allocator.internal.region.RegionMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// On real memory, what is said to be zero is zero, whoever frees and purges meanwhile: every block
/// is filled with ones while it is allocated.
class KnownZeroTest {

  private static final int PAGE_BYTES = 4096;
  private static final int PAGES = 64 * 60 + 17;
  private static final Geometry GEOMETRY =
      new Geometry(PAGES, Geometry.largestOrder(PAGES), Geometry.RADIX_LOG2);
  private static final byte FILL = (byte) 0xAF;

  private static final class Fixture implements AutoCloseable {

    final RegionMemory memory = AnonymousMapping.open((long) PAGES * PAGE_BYTES, false, false);
    final MemorySegment bytes = Objects.requireNonNull(memory.segment());
    final PagePool pool;
    final AtomicLong zeroPages = new AtomicLong();
    final AtomicLong usedPages = new AtomicLong();
    final AtomicLong purgedPages = new AtomicLong();

    Fixture(CacheLimits limits) {
      Discard discard = Objects.requireNonNull(memory.discard());
      PageMemory.Back back =
          (page, pages) -> {
            purgedPages.addAndGet(pages);
            return discard.giveBack(
                bytes.address() + (long) page * PAGE_BYTES, (long) pages * PAGE_BYTES);
          };
      pool = new PagePool(GEOMETRY, new PoolOptions(2, limits, new PageMemory(0, 1, 512, back)));
    }

    /// Allocates, checks the claim, and fills.
    int take(int pages, int alignOrder) {
      int page = pool.allocate(pages, alignOrder, 0);
      if (page != PagePool.NONE) {
        fill(page, pages);
      }
      return page;
    }

    void fill(int page, int pages) {
      MemorySegment run = bytes.asSlice((long) page * PAGE_BYTES, (long) pages * PAGE_BYTES);
      if (pool.isKnownZero(page, pages)) {
        zeroPages.addAndGet(pages);
        for (long at = 0; at < run.byteSize(); at += Long.BYTES) {
          if (run.get(ValueLayout.JAVA_LONG, at) != 0) {
            throw new AssertionError("not zero: page=" + page + ", pages=" + pages + ", at=" + at);
          }
        }
      } else {
        usedPages.addAndGet(pages);
      }
      run.fill(FILL);
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  private record Run(int page, int pages) {}

  @Test
  void oneThread() {
    long seed = new SplittableRandom().nextLong();
    System.out.println("KnownZeroTest.oneThread: seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    for (CacheLimits limits :
        List.of(
            new CacheLimits(0, 0),
            CacheLimits.byDefault(GEOMETRY),
            new CacheLimits(PAGES, PAGES))) {
      try (Fixture fixture = new Fixture(limits)) {
        program(fixture, random, new ArrayDeque<>(), 6_000);
        assertThat(fixture.pool.audit()).isEmpty();
        assertThat(fixture.zeroPages).hasPositiveValue();
        assertThat(fixture.usedPages).hasPositiveValue();
        assertThat(fixture.purgedPages).hasPositiveValue();
      }
    }
  }

  @Test
  void manyThreads() throws Exception {
    long seed = new SplittableRandom().nextLong();
    System.out.println("KnownZeroTest.manyThreads: seed=" + seed);
    try (Fixture fixture = new Fixture(CacheLimits.byDefault(GEOMETRY))) {
      // One for all threads: most blocks are freed by another thread than got them.
      Deque<Run> live = new ConcurrentLinkedDeque<>();
      Threads.together(
          5,
          number -> {
            SplittableRandom random = new SplittableRandom(seed + number);
            if (number == 0) {
              for (int i = 0; i < 3_000; i++) {
                fixture.pool.look();
              }
            } else {
              program(fixture, random, live, 6_000);
            }
            return 0;
          });
      assertThat(fixture.pool.freeAreas().pages()).isEqualTo(PAGES);
      assertThat(fixture.pool.audit()).isEmpty();
      assertThat(fixture.zeroPages).hasPositiveValue();
      assertThat(fixture.purgedPages).hasPositiveValue();
      fixture.pool.purge();
      assertThat(fixture.pool.isKnownZero(fixture.take(PAGES, 0), PAGES)).isTrue();
    }
  }

  /// Allocates, frees, trims, grows, looks and purges at random.
  private static void program(
      Fixture fixture, SplittableRandom random, Deque<Run> live, int steps) {
    PagePool pool = fixture.pool;
    for (int i = 0; i < steps; i++) {
      int choice = random.nextInt(1000);
      boolean frees = i / 500 % 2 == 1;
      if (choice < (frees ? 350 : 600)) {
        int pages = random.nextInt(10) == 0 ? random.nextInt(300) + 1 : random.nextInt(9) + 1;
        int page = fixture.take(pages, random.nextInt(8) == 0 ? 3 : 0);
        if (page != PagePool.NONE) {
          live.add(new Run(page, pages));
        }
        continue;
      }
      if (choice < 900) {
        Run run = random.nextBoolean() ? live.pollFirst() : live.pollLast();
        if (run != null) {
          change(fixture, random, live, run);
        }
      } else if (choice < 990) {
        pool.look();
      } else if (choice < 995) {
        pool.purge();
      } else {
        bulk(fixture, live);
      }
    }
    for (Run run = live.poll(); run != null; run = live.poll()) {
      assertThat(pool.free(run.page(), run.pages())).isTrue();
    }
  }

  private static void change(Fixture fixture, SplittableRandom random, Deque<Run> live, Run run) {
    PagePool pool = fixture.pool;
    int choice = random.nextInt(10);
    if (choice < 6) {
      assertThat(pool.free(run.page(), run.pages())).isTrue();
    } else if (choice < 8) {
      int kept = random.nextInt(run.pages()) + 1;
      assertThat(pool.trim(run.page(), run.pages(), kept)).isTrue();
      live.add(new Run(run.page(), kept));
    } else {
      assertThat(pool.hold(run.page(), run.pages())).isTrue();
      int more = run.pages() + 1;
      if (pool.growHeld(run.page(), run.pages(), more)) {
        fixture.fill(run.page() + run.pages(), 1);
        live.add(new Run(run.page(), more));
      } else {
        pool.freeHeld(run.page(), run.pages());
      }
    }
  }

  private static void bulk(Fixture fixture, Deque<Run> live) {
    long[] pages = new long[100];
    int count = fixture.pool.allocateMany(2, pages);
    for (int i = 0; i < count; i++) {
      fixture.fill((int) pages[i], 2);
      live.add(new Run((int) pages[i], 2));
    }
  }
}
