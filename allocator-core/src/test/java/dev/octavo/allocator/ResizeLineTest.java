package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Resizes that wait: one grows where it is as soon as the pages behind it are free, one that has
/// no place at all does not wait, and none takes its own account's memory.
@Timeout(60)
class ResizeLineTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1024;
  private static final Duration SHORT = Duration.ofSeconds(1);

  private static AccountWorld world(Duration atMost) {
    return new AccountWorld(
        PAGES,
        builder ->
            builder
                .waitAtMost(atMost)
                .oomPolicy(OomPolicy.kernel())
                .oomKiller(killer -> killer.grace(Duration.ofMillis(20))));
  }

  /// A segment of 600 pages at the start of the region, and the 400 behind it.
  private record Both(MemorySegment segment, MemorySegment behind) {}

  private static Both both(AccountWorld world, AccountAllocator owner) {
    Both both =
        new Both(
            owner.allocate(600L * PAGE).fill((byte) 7),
            world.pages.allocate(400L * PAGE, AllocationMode.NOWAIT));
    assertThat(both.behind.address()).isEqualTo(both.segment.address() + 600L * PAGE);
    return both;
  }

  private static Request<MemorySegment> grow(AccountWorld world, On on, MemorySegment old, int to) {
    return world.requests.start(on, () -> world.pages.resize(old, (long) to * PAGE));
  }

  // ---- in place

  @ParameterizedTest
  @CsvSource({"PLATFORM, 610, false", "VIRTUAL, 610, false", "PLATFORM, 1000, true"})
  void growsWhereItIsWhenThePagesBehindBecomeFree(On on, int to, boolean isReapable)
      throws Exception {
    try (AccountWorld world = world(Requests.LONG)) {
      AccountAllocator owner =
          isReapable
              ? world.reapable("owner")
              : world.open(world.root, "owner", UnaryOperator.identity());
      Both both = both(world, owner);
      Request<MemorySegment> request =
          world.requests.startInLine(
              on, world.pages, () -> world.pages.resize(both.segment, (long) to * PAGE));
      world.pages.free(both.behind);
      MemorySegment grown = request.served();
      assertThat(grown.address()).isEqualTo(both.segment.address());
      assertThat(grown.byteSize()).isEqualTo((long) to * PAGE);
      assertThat(grown.get(JAVA_BYTE, 600L * PAGE - 1)).isEqualTo((byte) 7);
      assertThat(owner.account().usage()).isEqualTo((long) to * PAGE);
      assertThat(world.victims()).isEmpty();
      world.pages.free(grown);
    }
  }

  @Test
  void growsBehindARequestThatIsFirst() throws Exception {
    try (AccountWorld world = world(Requests.LONG)) {
      AccountAllocator owner = world.protectedOne("owner");
      Both both = both(world, owner);
      Request<MemorySegment> first =
          world.askInLine(On.PLATFORM, world.protectedOne("first"), 1000);
      Request<MemorySegment> request =
          world.requests.startInLine(
              On.PLATFORM, world.pages, () -> world.pages.resize(both.segment, 610L * PAGE));
      world.pages.free(both.behind);
      MemorySegment grown = request.served();
      world.pages.free(grown);
      world.pages.free(first.served());
    }
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void theLastAttemptIsInPlaceToo(On on) throws Exception {
    try (AccountWorld world = world(SHORT)) {
      AccountAllocator owner = world.protectedOne("owner");
      MemorySegment segment = owner.allocate(600L * PAGE);
      Request<MemorySegment> first =
          world.requests.startInLine(
              On.PLATFORM,
              world.pages,
              () -> world.pages.allocate(700L * PAGE, 1, AllocationMode.BLOCKING, Requests.LONG));
      MemorySegment grown = grow(world, on, segment, 610).served();
      assertThat(grown.address()).isEqualTo(segment.address());
      world.pages.free(grown);
      world.pages.free(first.served());
    }
  }

  // ---- no place

  @ParameterizedTest
  @CsvSource({"PLATFORM, true", "VIRTUAL, true", "PLATFORM, false"})
  void oneThatHasNoPlaceAtAllFailsAtOnce(On on, boolean hasAccount) throws Exception {
    try (AccountWorld world = world(Requests.LONG)) {
      AccountAllocator owner = world.protectedOne("owner");
      MemorySegment before = world.hold(world.reapable("before"), 424);
      MemorySegment segment =
          hasAccount ? owner.allocate(600L * PAGE) : world.pages.allocate(600L * PAGE);
      assertThat(segment.address()).isGreaterThan(before.address());
      OutOfPagesException failure = grow(world, on, segment, 610).refused();
      assertThat(failure.reason()).isEqualTo(Reason.CAPACITY);
      assertThat(world.victims()).isEmpty();
      world.pages.free(segment);
    }
  }

  /// The pages behind are free, so the line could offer them again and again.
  @Test
  void oneThatLacksOnlyTheReserveSleeps() throws Exception {
    AtomicLong looks = new AtomicLong();
    try (PageAllocator pages =
            PageAllocator.builder()
                .capacity((long) PAGES * PAGE)
                .watermarks(Watermarks.of(100L * PAGE, 100L * PAGE, 100L * PAGE))
                .waitAtMost(SHORT)
                .waitClock(counting(looks))
                .build();
        Requests requests = new Requests()) {
      MemorySegment segment = pages.allocate(500L * PAGE);
      MemorySegment behind = pages.allocate(124L * PAGE);
      MemorySegment far = pages.allocate(300L * PAGE);
      MemorySegment last = pages.allocate(50L * PAGE, AllocationMode.ATOMIC);
      pages.free(behind);
      looks.set(0);
      requests.start(On.PLATFORM, () -> pages.resize(segment, 600L * PAGE)).refused();
      assertThat(looks.get()).as("looks at the clock").isLessThan(5_000);
      pages.free(segment);
      pages.free(far);
      pages.free(last);
    }
  }

  private static WaitClock counting(AtomicLong looks) {
    return new WaitClock() {
      @Override
      public long nanoTime() {
        looks.incrementAndGet();
        return SYSTEM.nanoTime();
      }

      @Override
      public void park(Object blocker, long nanos) {
        SYSTEM.park(blocker, nanos);
      }

      @Override
      public void unpark(Thread thread) {
        SYSTEM.unpark(thread);
      }
    };
  }

  // ---- its own account

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 400, 0, true",
    "VIRTUAL, 400, 0, true",
    "PLATFORM, 100, 300, true",
    "PLATFORM, 1, 0, false"
  })
  void doesNotTakeItsOwnAccount(On on, int ofWall, int ofOther, boolean isWallOfRoot)
      throws Exception {
    try (AccountWorld world = world(SHORT.multipliedBy(3))) {
      AccountAllocator owner = world.reapable("owner");
      AccountAllocator other = world.protectedOne("other");
      MemorySegment segment = owner.allocate(600L * PAGE).fill((byte) 7);
      long wallSize = (long) ofWall * PAGE;
      MemorySegment wall =
          isWallOfRoot
              ? world.pages.allocate(wallSize, AllocationMode.NOWAIT)
              : other.allocate(wallSize, AllocationMode.NOWAIT);
      for (int i = 0; i < ofOther; i++) {
        world.hold(other, 1);
      }
      assertThat(grow(world, on, segment, 610).refused().reason())
          .isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertThat(world.victims()).doesNotContain("e/owner");
      assertThat(owner.isReaped()).isFalse();
      assertThat(segment.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);
      world.pages.free(segment);
      world.pages.free(wall);
    }
  }

  @Test
  void theAccountBehindItGives() throws Exception {
    try (AccountWorld world = world(Requests.LONG)) {
      AccountAllocator owner = world.reapable("owner");
      MemorySegment segment = owner.allocate(600L * PAGE).fill((byte) 7);
      AccountAllocator behind = world.reapable("behind");
      world.hold(behind, 200);
      MemorySegment grown = grow(world, On.PLATFORM, segment, 700).served();
      assertThat(world.victims()).containsExactly("e/behind");
      assertThat(grown.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);
      world.pages.free(grown);
    }
  }
}
