package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountBuilder;
import dev.octavo.allocator.oom.OomAudit;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Charges of a resize that moves: the new size minus the old one, with a max, in a shortage, and
/// when the account is reaped meanwhile.
@Timeout(60)
class ResizeChargeTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;

  private static AccountWorld world(OomPolicy policy, Duration atMost) {
    return new AccountWorld(
        PAGES,
        builder ->
            builder
                .waitAtMost(atMost)
                .oomPolicy(policy)
                .oomKiller(killer -> killer.grace(Duration.ofMillis(50))));
  }

  private static AccountWorld world() {
    return world(OomPolicy.kernel(), Requests.LONG);
  }

  /// Allocates a segment that cannot grow in place.
  private static MemorySegment walledIn(AccountWorld world, AccountAllocator owner, int count) {
    List<MemorySegment> all = world.fill(world.protectedOne("wall"));
    world.drop(all, 0, count);
    MemorySegment segment = owner.allocate((long) count * PAGE);
    world.drop(all, count + 1, all.size());
    return segment.fill((byte) 7);
  }

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 6, 8, 10, true",
    "VIRTUAL, 6, 8, 10, true",
    "PLATFORM, 6, 10, 10, false",
    "PLATFORM, 50, 100, 100, true",
    "VIRTUAL, 1, 2, 2, false"
  })
  void movesIfTheNewSizeAloneFits(On on, int before, int after, int max, boolean isReapable)
      throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccountBuilder builder = world.root.child("q").max((long) max * PAGE);
      AccountAllocator owner = world.under((isReapable ? builder.reapable() : builder).open());
      MemorySegment segment = walledIn(world, owner, before);
      MemorySegment moved =
          world.requests.start(on, () -> world.pages.resize(segment, (long) after * PAGE)).served();
      assertThat(owner.isReaped()).isFalse();
      assertThat(world.kills()).isZero();
      assertThat(owner.account().usage()).isEqualTo((long) after * PAGE);
      assertThat(moved.get(JAVA_BYTE, before * PAGE - 1)).isEqualTo((byte) 7);
      world.pages.free(moved);
      assertThat(owner.account().usage()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void movesBelowTheMaxOfAnAncestor(int levelsBelow) throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount payer = world.root.child("q").max(20L * PAGE).open();
      for (int i = 0; i < levelsBelow; i++) {
        payer = payer.child("level" + i).open();
      }
      AccountAllocator owner = world.under(payer);
      AccountAllocator sibling =
          world.open(world.root.children().getFirst(), "sibling", MemoryAccountBuilder::reapable);
      MemorySegment segment = walledIn(world, owner, 8);
      world.hold(sibling, 8);
      MemorySegment moved =
          world.requests.start(On.PLATFORM, () -> world.pages.resize(segment, 12 * PAGE)).served();
      assertThat(world.kills()).isZero();
      assertThat(sibling.isReaped()).isFalse();
      world.pages.free(moved);
    }
  }

  @Test
  void oneThatDoesNotFitFailsAtItsDeadlineAndKeepsTheSegment() throws Exception {
    try (AccountWorld world = world(OomPolicy.kernel(), Duration.ofMillis(600))) {
      MemoryAccount domain = world.root.child("q").max(10L * PAGE).open();
      AccountAllocator owner = world.under(domain);
      MemorySegment segment = walledIn(world, owner, 6);
      MemorySegment other = owner.allocate(2 * PAGE);
      Request<MemorySegment> request =
          world.requests.start(On.PLATFORM, () -> world.pages.resize(segment, 9 * PAGE));
      assertThat(request.refused().reason()).isEqualTo(Reason.DEADLINE);
      assertThat(domain.usage()).isEqualTo(8 * PAGE);
      assertThat(segment.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);
      world.pages.free(segment);
      world.pages.free(other);
    }
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void usageNeverExceedsTheMaxWhileSegmentsMove(On on) throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount account = world.root.child("q").max(100L * PAGE).strict().open();
      AccountAllocator owner = world.under(account);
      AtomicBoolean stop = new AtomicBoolean();
      Request<Long> watch = world.requests.start(On.PLATFORM, () -> largest(account, stop));
      Request<Boolean> moves = world.requests.start(on, () -> moveToAndFro(world, owner));
      try {
        assertThat(moves.served(Requests.LONG)).isTrue();
      } finally {
        stop.set(true);
      }
      assertThat(watch.served()).isLessThanOrEqualTo(100L * PAGE);
      assertThat(account.peak()).isLessThanOrEqualTo(100L * PAGE);
      assertThat(account.usage()).isZero();
    }
  }

  private static long largest(MemoryAccount account, AtomicBoolean stop) {
    long largest = 0;
    while (!stop.get()) {
      largest = Math.max(largest, account.usage());
    }
    return largest;
  }

  private static boolean moveToAndFro(AccountWorld world, AccountAllocator owner) {
    for (int i = 0; i < 200; i++) {
      MemorySegment segment = owner.allocate(60 * PAGE);
      long wall = world.pages.allocatePageRun(1);
      segment = world.pages.resize(segment, (61L + i % 40) * PAGE);
      world.pages.freePageRun(wall, 1);
      world.pages.free(segment);
    }
    return true;
  }

  @Test
  void thePendingRequestIsTheDifference() throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount domain = world.root.child("domain").max(100L * PAGE).open();
      AccountAllocator victim = world.open(domain, "victim", MemoryAccountBuilder::reapable);
      AccountAllocator owner = world.open(domain, "owner", account -> account.scoreAdj(-1000));
      MemorySegment segment = walledIn(world, owner, 60);
      world.hold(victim, 40);
      MemorySegment moved =
          world.requests.start(On.PLATFORM, () -> world.pages.resize(segment, 70 * PAGE)).served();
      OomAudit.Entry killed =
          world.killer().audit().last().stream()
              .filter(entry -> entry.step() == OomAudit.Step.KILLED)
              .findFirst()
              .orElseThrow();
      assertThat(killed.requestByteSize()).isEqualTo(10L * PAGE);
      world.pages.free(moved);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReapInBetweenLeavesUsageAndPagesRight(boolean isBelowALimit) throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount domain =
          world.root.child("domain").max((isBelowALimit ? 600L : 10_000L) * PAGE).open();
      AccountAllocator victim = world.open(domain, "victim", MemoryAccountBuilder::reapable);
      AccountAllocator other = world.open(domain, "other", account -> account.scoreAdj(-1000));
      MemorySegment segment = walledIn(world, victim, 400);
      world.hold(world.protectedOne("fill"), isBelowALimit ? 100 : 380);
      MemorySegment also = world.hold(other, 100);
      Request<MemorySegment> first = world.askInLine(On.PLATFORM, other, isBelowALimit ? 350 : 250);
      Request<MemorySegment> resize =
          world.requests.start(On.PLATFORM, () -> world.pages.resize(segment, 550 * PAGE));
      MemorySegment got = first.served();
      assertThat(resize.refused().reason()).isEqualTo(Reason.OOM_POLICY);
      Requests.await("the end of the victim", victim::isReaped);
      assertThat(victim.account().usage()).isZero();
      assertThat(domain.usage()).isEqualTo(also.byteSize() + got.byteSize());
      world.pages.free(got);
    }
  }
}
