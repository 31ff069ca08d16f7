package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.MemoryRegion.MapOption;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// Free memory goes back to the system, as the kernel counts it.
class PurgeTest {

  private static final long MIB = 1L << 20;
  private static final Duration DELAY = Duration.ofSeconds(4);

  private final AtomicLong nanoseconds = new AtomicLong();

  private PageAllocator allocator(MemoryRegion region) {
    return Bare.builder().region(region).purgeDelay(DELAY).purgeClock(nanoseconds::get).build();
  }

  /// Lets so much of the delay go by, in quarters, and the timer tick after each.
  private void quarters(PageAllocator allocator, int count) {
    PurgeTimer timer = Objects.requireNonNull(allocator.purgeTimer());
    for (int i = 0; i < count; i++) {
      nanoseconds.addAndGet(DELAY.toNanos() / 4);
      assertThat(timer.tick()).isEqualTo(DELAY.toNanos() / 4);
    }
  }

  private static void touch(MemorySegment segment) {
    for (long at = 0; at < segment.byteSize(); at += 4096) {
      segment.set(ValueLayout.JAVA_BYTE, at, (byte) 1);
    }
  }

  private static long resident(MemorySegment segment) throws IOException {
    return ProcMaps.at(segment.address()).bytes("Rss");
  }

  @Test
  void afterABurstOfOneGibMemoryIsBackWithinTheDelay() throws IOException {
    long before = ProcMaps.residentBytes();
    try (PageAllocator allocator = allocator(MemoryRegion.mapped(1024 * MIB))) {
      List<MemorySegment> burst = new ArrayList<>();
      for (int i = 0; i < 1024; i++) {
        burst.add(allocator.allocate(MIB));
        touch(burst.getLast());
      }
      MemorySegment first = burst.getFirst();
      long peakOfProcess = ProcMaps.residentBytes() - before;
      long peak = resident(first);
      assertThat(peak).isEqualTo(1024 * MIB);
      burst.forEach(allocator::free);
      quarters(allocator, 2);
      assertThat(resident(first)).isEqualTo(peak);
      quarters(allocator, 2);
      assertThat(resident(first)).isLessThan(peak / 20);
      assertThat(ProcMaps.residentBytes() - before).isLessThan(peakOfProcess / 20);
      assertThat(allocator.audit()).isEmpty();
    }
  }

  @Test
  void smallBlocksGoBackToo() throws IOException {
    try (PageAllocator allocator = allocator(MemoryRegion.mapped(64 * MIB))) {
      List<MemorySegment> pages = new ArrayList<>();
      for (int i = 0; i < 1 << 14; i++) {
        pages.add(allocator.allocate(4096));
        touch(pages.getLast());
      }
      MemorySegment kept = pages.get(1000);
      assertThat(resident(kept)).isEqualTo(64 * MIB);
      for (int i = 0; i < pages.size(); i++) {
        if (i % 4 != 0) {
          allocator.free(pages.get(i));
        }
      }
      quarters(allocator, 4);
      assertThat(resident(kept)).isEqualTo(16 * MIB);
      assertThat(kept.get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 1);
      for (int i = 0; i < pages.size(); i += 4) {
        allocator.free(pages.get(i));
      }
      quarters(allocator, 4);
      assertThat(resident(kept)).isZero();
    }
  }

  @Test
  void purgeDoesItNow() throws IOException {
    try (PageAllocator allocator = allocator(MemoryRegion.mapped(64 * MIB))) {
      MemorySegment segment = allocator.allocate(10 * MIB);
      touch(segment);
      assertThat(allocator.purge()).isZero();
      assertThat(resident(segment)).isEqualTo(10 * MIB);
      allocator.free(segment);
      assertThat(allocator.purge()).isBetween(10 * MIB, 11 * MIB);
      assertThat(resident(segment)).isZero();
      assertThat(allocator.purge()).isZero();
      MemorySegment again = allocator.allocate(10 * MIB);
      assertThat(again.get(ValueLayout.JAVA_BYTE, 4096)).isZero();
      allocator.free(again);
    }
  }

  @Test
  void hugePagesGoBackWhole() throws IOException {
    try (PageAllocator allocator =
        allocator(MemoryRegion.mapped(64 * MIB, MapOption.HUGE_PAGES, MapOption.INTERLEAVED))) {
      MemorySegment segment = allocator.allocate(8 * MIB);
      touch(segment);
      segment = allocator.trim(segment, 3 * MIB);
      assertThat(allocator.purge()).isEqualTo(4 * MIB);
      assertThat(resident(segment)).isEqualTo(4 * MIB);
      allocator.free(segment);
      assertThat(allocator.purge()).isEqualTo(4 * MIB);
      assertThat(resident(segment)).isZero();
    }
  }

  @Test
  void pagesSmallerThanTheSystemsGoBackTogether() throws IOException {
    try (PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.mapped(4 * MIB))
            .pageSize(64)
            .purgeDelay(ChronoUnit.FOREVER.getDuration())
            .build()) {
      MemorySegment segment = allocator.allocate(4 * MIB);
      touch(segment);
      segment = allocator.trim(segment, 4096 + 64);
      assertThat(allocator.purge()).isEqualTo(4 * MIB - 8192);
      assertThat(resident(segment)).isEqualTo(8192);
      allocator.free(segment);
    }
  }

  @Test
  void regionsThatKeepTheirMemory() {
    for (MemoryRegion region : List.of(MemoryRegion.ofArena(MIB), MemoryRegion.reserveOnly(MIB))) {
      try (PageAllocator allocator = allocator(region)) {
        allocator.freePageRun(allocator.allocatePageRun(256), 256);
        assertThat(allocator.purge()).isZero();
        assertThat(allocator.purgeTimer()).isNull();
      }
    }
  }

  @Test
  void afterCloseThereIsNothingToPurge() {
    PageAllocator allocator = allocator(MemoryRegion.mapped(MIB));
    allocator.close();
    assertThat(Objects.requireNonNull(allocator.purgeTimer()).tick()).isNegative();
    assertThatThrownBy(allocator::purge).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theThreadEndsWithTheAllocator() throws InterruptedException {
    PageAllocator allocator = Bare.builder().name("ends").region(MemoryRegion.mapped(MIB)).build();
    Thread thread = Objects.requireNonNull(allocator.purgeThread());
    assertThat(thread.isDaemon()).isTrue();
    assertThat(thread.getName()).isEqualTo("octavo-purge-ends");
    assertThat(thread.isAlive()).isTrue();
    allocator.close();
    thread.join();
  }

  @Test
  void theThreadKeepsNoAllocatorAlive() throws InterruptedException {
    Thread thread = threadOfAForgottenAllocator();
    while (!thread.join(Duration.ofMillis(1))) {
      System.gc();
    }
  }

  private static Thread threadOfAForgottenAllocator() {
    return Objects.requireNonNull(
        Bare.builder()
            .region(MemoryRegion.mapped(MIB))
            .purgeDelay(Duration.ofMillis(1))
            .build()
            .purgeThread());
  }

  @Test
  void theThreadPurges() throws IOException {
    try (PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.mapped(64 * MIB))
            .purgeDelay(Duration.ofMillis(20))
            .build()) {
      MemorySegment segment = allocator.allocate(64 * MIB);
      touch(segment);
      assertThat(resident(segment)).isEqualTo(64 * MIB);
      allocator.free(segment);
      // Bounded by Surefire's limit: a thread that does nothing is a test that hangs.
      while (resident(segment) > 0) {
        Thread.onSpinWait();
      }
      assertThat(allocator.buddyInfo().freePages()).isEqualTo(allocator.pageCount());
    }
  }

  @Test
  void theDelayIsAMillisecondOrMore() {
    for (Duration delay : List.of(Duration.ZERO, Duration.ofSeconds(-4), Duration.ofNanos(999))) {
      assertThatThrownBy(() -> Bare.builder().purgeDelay(delay))
          .isExactlyInstanceOf(IllegalArgumentException.class)
          .hasMessage("purge delay out of range: value=" + delay + ", min=PT0.001S");
    }
    try (PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.mapped(MIB))
            .purgeDelay(ChronoUnit.FOREVER.getDuration())
            .build()) {
      assertThat(allocator.purgeThread()).isNull();
    }
  }
}
