package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Many threads on real memory that is often exhausted: every block is stamped over its whole
/// length and looked at again before it is freed, trimmed or resized, often by another thread.
class StressTest {

  private static final int PAGE = 4096;
  private static final int STEPS = 20_000;
  private static final int MAX_LIVE = 40;

  private record Block(MemorySegment segment, long stamp) {

    Block {
      for (long at = 0; at + Long.BYTES <= segment.byteSize(); at += PAGE / 4) {
        segment.set(ValueLayout.JAVA_LONG_UNALIGNED, at, stamp ^ at);
      }
    }

    void check() {
      checkIn(segment);
    }

    /// The block's bytes have moved to another segment, which is as long or longer.
    void checkIn(MemorySegment moved) {
      for (long at = 0; at + Long.BYTES <= segment.byteSize(); at += PAGE / 4) {
        assertThat(moved.get(ValueLayout.JAVA_LONG_UNALIGNED, at)).isEqualTo(stamp ^ at);
      }
    }
  }

  /// One thread's work. Blocks that it puts into `handedOver` are freed by whoever finds them.
  private static final class Worker {

    private final PageAllocator allocator;
    private final ConcurrentLinkedQueue<Block> handedOver;
    private final AtomicLong stamps;
    private final Random random;
    private final List<Block> live = new ArrayList<>();

    Worker(
        PageAllocator allocator,
        ConcurrentLinkedQueue<Block> handedOver,
        AtomicLong stamps,
        long seed) {
      this.allocator = allocator;
      this.handedOver = handedOver;
      this.stamps = stamps;
      random = new Random(seed);
    }

    void step() {
      switch (random.nextInt(live.size() < MAX_LIVE ? 10 : 5)) {
        case 0 -> free(random.nextBoolean() ? handedOver.poll() : pick());
        case 1 -> free(pick());
        case 2 -> handOver(pick());
        case 3 -> trim(pick());
        case 4 -> resize(pick());
        case 5 -> keep(allocator.tryAllocatePages(random.nextInt(7)));
        case 6 -> keep(allocator.tryAllocate(1 + random.nextInt(9_000), 1L << random.nextInt(17)));
        case 7 -> bulk();
        default -> keep(allocator.tryAllocate(1 + random.nextInt(50 * PAGE)));
      }
    }

    private @Nullable Block pick() {
      return live.isEmpty() ? null : live.remove(random.nextInt(live.size()));
    }

    private void keep(@Nullable MemorySegment segment) {
      if (segment != null) {
        live.add(new Block(segment, stamps.incrementAndGet() << 32));
      }
    }

    private void bulk() {
      @Nullable MemorySegment[] into = new @Nullable MemorySegment[1 + random.nextInt(20)];
      int count = allocator.tryAllocateBulk(1 + random.nextInt(2 * PAGE), into);
      for (int i = 0; i < count; i++) {
        keep(into[i]);
      }
    }

    private void handOver(@Nullable Block block) {
      if (block != null) {
        handedOver.add(block);
      }
    }

    private void free(@Nullable Block block) {
      if (block != null) {
        block.check();
        allocator.free(block.segment());
      }
    }

    private void trim(@Nullable Block block) {
      if (block != null) {
        block.check();
        long byteSize = 1 + random.nextLong(block.segment().byteSize());
        keep(allocator.trim(block.segment(), byteSize));
      }
    }

    private void resize(@Nullable Block block) {
      if (block == null) {
        return;
      }
      block.check();
      try {
        long byteSize = 1 + random.nextLong(2 * block.segment().byteSize());
        MemorySegment resized = allocator.resize(block.segment(), byteSize);
        if (byteSize >= block.segment().byteSize()) {
          block.checkIn(resized);
        }
        keep(resized);
      } catch (OutOfPagesException e) {
        live.add(block);
      }
    }

    void finish() {
      live.forEach(this::free);
      live.clear();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 300, BASIC",
    "4, 1000, BASIC",
    "8, 4096, BASIC",
    "4, 1000, NONE",
    "2, 300, FULL",
    "4, 1000, FULL"
  })
  void noLawBreaksUnderThreads(int threads, int pages, CheckLevel checks) throws Exception {
    long seed = System.nanoTime();
    String context = "seed=" + seed;
    try (PageAllocator allocator =
        Bare.builder().capacity((long) pages * PAGE).checks(checks).build()) {
      String born = allocator.buddyInfo().toBuddyinfoLine();
      ConcurrentLinkedQueue<Block> handedOver = new ConcurrentLinkedQueue<>();
      AtomicLong stamps = new AtomicLong();
      List<Worker> workers =
          Threads.together(
              threads,
              number -> {
                Worker worker = new Worker(allocator, handedOver, stamps, seed + number);
                for (int i = 0; i < STEPS; i++) {
                  worker.step();
                }
                return worker;
              });
      assertThat(allocator.audit()).as(context).isEmpty();
      workers.forEach(Worker::finish);
      handedOver.forEach(workers.getFirst()::free);
      assertThat(allocator.audit()).as(context).isEmpty();
      assertThat(allocator.buddyInfo().toBuddyinfoLine()).as(context).isEqualTo(born);
    }
  }

  /// L5: every thread but one may hold a run, so there is always room for one more; while others
  /// ask for too much, which makes them search everything. Odd runs are aligned: else one may be
  /// placed across two places, as a run of several words becomes free in pieces.
  @ParameterizedTest
  @CsvSource({
    "1, 1, BASIC",
    "33, 64, BASIC",
    "64, 64, BASIC",
    "3, 4, BASIC",
    "1, 1, FULL",
    "33, 64, FULL",
    "64, 64, NONE"
  })
  void nobodyIsRefusedWhatIsThere(int pages, int alignedPages, CheckLevel checks) throws Exception {
    int threads = 4;
    try (PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.reserveOnly((long) threads * alignedPages * PAGE))
            .checks(checks)
            .build()) {
      int alignment = Integer.highestOneBit(alignedPages) == alignedPages ? alignedPages : 1;
      Threads.together(
          threads,
          number -> {
            for (int i = 0; i < STEPS; i++) {
              long page = allocator.allocatePageRun(pages, alignment);
              allocator.freePageRun(page, pages);
              if (number == 0) {
                assertThat(allocator.tryAllocatePageRun(threads * alignedPages + 1)).isEqualTo(-1);
              }
            }
            return number;
          });
      assertThat(allocator.audit()).isEmpty();
    }
  }

  @Test
  void manyVirtualThreadsComeAndGo() throws Exception {
    try (PageAllocator allocator = Bare.builder().capacity(1 << 24).build();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        int pages = 1 + i % 40;
        all.add(
            threads.submit(
                () -> {
                  long page = allocator.tryAllocatePageRun(pages);
                  if (page >= 0) {
                    allocator.segment(page, pages).fill((byte) pages);
                    allocator.freePageRun(page, pages);
                  }
                  return pages;
                }));
      }
      assertThat(Threads.results(all)).hasSize(10_000);
      assertThat(allocator.audit()).isEmpty();
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(allocator.pageCount());
    }
  }
}
