package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Eight threads that want twice the memory there is, in all modes, with shrinkers that free, lie,
/// throw and hang: every request ends, nothing overlaps, nothing is lost.
class ShortageStressTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1024;
  private static final int THREADS = 8;
  private static final int STEPS = 400;
  private static final int LIVE_PAGES = 2 * PAGES / THREADS;
  private static final Duration DEADLINE = Duration.ofMillis(20);

  private final PageAllocator pages =
      PageAllocator.builder()
          .capacity((long) PAGES * PAGE)
          .watermarks(Watermarks.of(16 * PAGE, 64 * PAGE, 96 * PAGE))
          .waitAtMost(DEADLINE)
          .build();

  /// What may go: threads put blocks here instead of freeing them.
  private final ConcurrentLinkedQueue<MemorySegment> cache = new ConcurrentLinkedQueue<>();

  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicLong served = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private final AtomicLong shrunk = new AtomicLong();

  private static void stamp(MemorySegment segment, long stamp) {
    for (long at = 0; at < segment.byteSize(); at += PAGE) {
      segment.set(ValueLayout.JAVA_LONG, at, stamp + at);
    }
  }

  private static void checkAndFree(PageAllocator pages, MemorySegment segment) {
    long stamp = segment.get(ValueLayout.JAVA_LONG, 0);
    for (long at = 0; at < segment.byteSize(); at += PAGE) {
      assertThat(segment.get(ValueLayout.JAVA_LONG, at)).isEqualTo(stamp + at);
    }
    pages.free(segment);
  }

  private final class Frees implements Shrinker {

    @Override
    public long count() {
      return (long) cache.size() * PAGE;
    }

    @Override
    public long scan(long byteSize) {
      long freed = 0;
      MemorySegment segment = cache.poll();
      while (segment != null) {
        freed += segment.byteSize();
        checkAndFree(pages, segment);
        shrunk.incrementAndGet();
        segment = freed < byteSize ? cache.poll() : null;
      }
      return freed;
    }
  }

  private record Says(Runnable scan) implements Shrinker {

    @Override
    public long count() {
      return 100 * PAGE;
    }

    @Override
    public long scan(long byteSize) {
      scan.run();
      return byteSize;
    }
  }

  private void hang() {
    while (end.getCount() > 0) {
      try {
        end.await();
      } catch (InterruptedException e) {
        // hangs all the same
      }
    }
  }

  private static void fail() {
    throw new IllegalStateException("as always");
  }

  private final class Tenant {

    private final Random random;
    private final List<MemorySegment> live = new ArrayList<>();
    private long livePages;

    Tenant(long seed) {
      random = new Random(seed);
    }

    void run(int number) {
      for (int i = 0; i < STEPS; i++) {
        int wanted = 1 + random.nextInt(32);
        if (livePages + wanted > LIVE_PAGES) {
          giveOne();
          continue;
        }
        MemorySegment segment = request((long) wanted * PAGE);
        if (segment == null) {
          failed.incrementAndGet();
          giveOne();
        } else {
          served.incrementAndGet();
          stamp(segment, (long) number << 48 | (long) i << 20);
          live.add(segment);
          livePages += wanted;
        }
      }
      live.forEach(segment -> checkAndFree(pages, segment));
    }

    private @Nullable MemorySegment request(long byteSize) {
      AllocationMode[] modes = AllocationMode.values();
      AllocationMode mode = modes[Math.max(0, random.nextInt(8) - 5)];
      try {
        return pages.allocate(byteSize, mode);
      } catch (OutOfPagesException e) {
        assertThat(e.reason()).isNotEqualTo(OutOfPagesException.Reason.CAPACITY);
        return null;
      }
    }

    private void giveOne() {
      if (live.isEmpty()) {
        return;
      }
      MemorySegment segment = live.remove(random.nextInt(live.size()));
      livePages -= segment.byteSize() / PAGE;
      if (random.nextBoolean()) {
        cache.add(segment);
      } else {
        checkAndFree(pages, segment);
      }
    }
  }

  @Test
  @Timeout(120)
  void everyRequestEndsAndNothingIsLost() throws Exception {
    long seed = System.nanoTime();
    System.out.println("ShortageStressTest: seed=" + seed);
    try (Shrinker.Registration _ = pages.addShrinker("frees", new Frees());
        Shrinker.Registration _ = pages.addShrinker("lies", new Says(() -> {}));
        Shrinker.Registration _ = pages.addShrinker("throws", new Says(ShortageStressTest::fail));
        Shrinker.Registration _ = pages.addShrinker("hangs", new Says(this::hang))) {
      Threads.together(
          THREADS,
          number -> {
            new Tenant(seed + number).run(number);
            return number;
          });
    } finally {
      end.countDown();
    }
    System.out.println(
        "ShortageStressTest: served=" + served + ", failed=" + failed + ", shrunk=" + shrunk);
    assertThat(pages.waiters()).isZero();
    assertThat(served).hasPositiveValue();
    assertThat(shrunk).hasPositiveValue();
    cache.forEach(segment -> checkAndFree(pages, segment));
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.buddyInfo().freePages()).isEqualTo(PAGES);
    pages.close();
  }
}
