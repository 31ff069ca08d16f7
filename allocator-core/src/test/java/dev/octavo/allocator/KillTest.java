package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountBuilder;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Victims of the OOM killer: chosen only if their release helps the request, at a moment when it
/// still needs it.
@Timeout(60)
class KillTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;
  private static final Duration SHORT = Duration.ofSeconds(1);

  private static AccountWorld world(int pageCount, OomPolicy policy, Duration grace) {
    return new AccountWorld(pageCount, builder -> killing(builder, policy, grace));
  }

  private static void killing(PageAllocatorBuilder builder, OomPolicy policy, Duration grace) {
    builder
        .oomPolicy(policy)
        .oomKiller(killer -> killer.grace(grace).policyLimit(Duration.ofSeconds(10)));
  }

  private static AccountWorld world(OomPolicy policy) {
    return world(PAGES, policy, Duration.ofMillis(50));
  }

  private static AccountWorld impatient(OomPolicy policy) {
    return new AccountWorld(
        PAGES,
        builder -> {
          killing(builder, policy, Duration.ofMillis(50));
          builder.waitAtMost(SHORT);
        });
  }

  /// A policy that chooses the largest account after something else has happened.
  private static OomPolicy after(AtomicReference<Runnable> event) {
    return snapshot -> {
      event.getAndSet(() -> {}).run();
      return OomPolicy.largest().decide(snapshot);
    };
  }

  private static void assertNobody(AccountWorld world, AccountAllocator... accounts) {
    assertThat(world.victims()).isEmpty();
    assertThat(world.kills()).isZero();
    for (AccountAllocator account : accounts) {
      assertThat(account.isReaped()).as(account.account().path()).isFalse();
    }
  }

  // ---- the last look

  @ParameterizedTest
  @CsvSource({"PLATFORM, 0", "VIRTUAL, 0", "PLATFORM, 400", "VIRTUAL, 400"})
  void aRunThatExistsByNowSavesTheVictim(On on, int high) throws Exception {
    AtomicReference<Runnable> event = new AtomicReference<>(() -> {});
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder -> {
              killing(builder, after(event), Duration.ofMillis(50));
              builder.watermarks(Watermarks.of(0, 0, (long) high * PAGE));
            })) {
      AccountAllocator victim = world.reapable("victim");
      AccountAllocator other = world.protectedOne("other");
      world.hold(victim, 400);
      MemorySegment freed = world.hold(other, 500);
      event.set(() -> world.drop(freed));
      MemorySegment got = world.ask(on, world.protectedOne("asks"), 300).served();
      assertNobody(world, victim);
      world.pages.free(got);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void roomThatIsThereByNowSavesTheVictim(boolean isByHand) throws Exception {
    AtomicReference<Runnable> event = new AtomicReference<>(() -> {});
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder -> {
              killing(builder, after(event), Duration.ofMillis(50));
              builder.watermarks(Watermarks.of(50L * PAGE, 100L * PAGE, 400L * PAGE));
            })) {
      MemoryAccount domain = world.root.child("domain").max(200L * PAGE).open();
      AccountAllocator victim = world.open(domain, "victim", MemoryAccountBuilder::reapable);
      AccountAllocator other = world.open(domain, "other", account -> account.scoreAdj(-1000));
      AccountAllocator asks = world.open(domain, "asks", account -> account.scoreAdj(-1000));
      world.hold(world.protectedOne("outside"), 600);
      world.hold(victim, 50);
      if (isByHand) {
        other.account().charge(150L * PAGE);
        event.set(() -> other.account().uncharge(150L * PAGE));
      } else {
        MemorySegment freed = world.hold(other, 150);
        event.set(() -> world.drop(freed));
      }
      MemorySegment got = world.ask(On.PLATFORM, asks, 100).served();
      assertNobody(world, victim);
      world.pages.free(got);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRequestThatHasGivenUpTakesNoVictim(boolean isInterrupted) throws Exception {
    AtomicReference<Runnable> event = new AtomicReference<>(() -> {});
    try (AccountWorld world = impatient(after(event))) {
      AccountAllocator victim = world.reapable("victim");
      world.hold(victim, 900);
      long start = System.nanoTime();
      CountDownLatch started = new CountDownLatch(1);
      AtomicReference<Thread> requester = new AtomicReference<>(Thread.currentThread());
      event.set(
          () -> {
            awaitLatch(started);
            if (isInterrupted) {
              requester.get().interrupt();
            }
            while (!isInterrupted && System.nanoTime() - start < 2 * SHORT.toNanos()) {
              LockSupport.parkNanos(SHORT.toNanos() / 10);
            }
          });
      Request<MemorySegment> request = world.ask(On.PLATFORM, world.protectedOne("asks"), 300);
      requester.set(request.thread());
      started.countDown();
      assertThat(request.refused().reason())
          .isEqualTo(isInterrupted ? Reason.INTERRUPTED : Reason.DEADLINE);
      assertNobody(world, victim);
    }
  }

  private static void awaitLatch(CountDownLatch latch) {
    try {
      assertThat(latch.await(Requests.PROMPT.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  // ---- whose release helps

  enum Policy {
    KERNEL,
    LARGEST,
    BEST_FIT;

    OomPolicy get() {
      return switch (this) {
        case KERNEL -> OomPolicy.kernel();
        case LARGEST -> OomPolicy.largest();
        case BEST_FIT -> OomPolicy.bestFit();
      };
    }
  }

  @ParameterizedTest
  @EnumSource(Policy.class)
  void bytesChargedByHandAreNoPages(Policy policy) throws Exception {
    try (AccountWorld world = world(policy.get())) {
      AccountAllocator byHand = world.reapable("hand");
      AccountAllocator victim = world.reapable("victim");
      byHand.account().charge((policy == Policy.BEST_FIT ? 250L : 5000L) * PAGE);
      world.hold(byHand, 10);
      world.hold(world.protectedOne("other"), 690);
      world.hold(victim, 300);
      MemorySegment got = world.ask(On.PLATFORM, world.protectedOne("asks"), 200).served();
      assertThat(world.victims()).containsExactly("e/victim");
      assertThat(byHand.isReaped()).isFalse();
      world.pages.free(got);
      byHand.account().uncharge(byHand.account().usage() - 10 * PAGE);
    }
  }

  @ParameterizedTest
  @EnumSource(Policy.class)
  void pagesOfAnotherAllocatorDoNotHelp(Policy policy) throws Exception {
    try (AccountWorld world = world(policy.get());
        PageAllocator second = Bare.builder().capacity(2000L * PAGE).accounts(world.root).build()) {
      AccountAllocator victim = world.reapable("victim");
      MemoryAccount elsewhere = world.root.child("elsewhere").reapable().open();
      try (AccountAllocator ofSecond = second.under(elsewhere)) {
        int count = policy == Policy.BEST_FIT ? 250 : 1500;
        MemorySegment far = ofSecond.allocate((long) count * PAGE);
        world.hold(world.protectedOne("other"), 700);
        world.hold(victim, 300);
        MemorySegment got = world.ask(On.VIRTUAL, world.protectedOne("asks"), 200).served();
        assertThat(world.victims()).containsExactly("e/victim");
        assertThat(ofSecond.isReaped()).isFalse();
        world.pages.free(got);
        ofSecond.free(far);
      }
    }
  }

  @Test
  void nobodyIsKilledIfNobodyHoldsPages() throws Exception {
    try (AccountWorld world = impatient(OomPolicy.kernel())) {
      AccountAllocator byHand = world.reapable("hand");
      byHand.account().charge(5000L * PAGE);
      world.hold(world.protectedOne("other"), 900);
      assertThat(world.ask(On.PLATFORM, world.protectedOne("asks"), 200).refused().reason())
          .isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertNobody(world, byHand);
      byHand.account().uncharge(5000L * PAGE);
    }
  }

  @ParameterizedTest
  @EnumSource(Policy.class)
  void nobodyIsKilledForARunThatNoVictimCanForm(Policy policy) throws Exception {
    try (AccountWorld world =
        new AccountWorld(
            1024,
            builder -> {
              killing(builder, policy.get(), Duration.ofMillis(20));
              builder.waitAtMost(SHORT.multipliedBy(2));
            })) {
      AccountAllocator pin = world.protectedOne("pin");
      List<AccountAllocator> scattered = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        scattered.add(world.reapable("scattered" + i));
      }
      scatter(world, pin, scattered);
      assertThat(world.ask(On.PLATFORM, world.protectedOne("asks"), 512).refused().reason())
          .isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertNobody(world, scattered.toArray(AccountAllocator[]::new));
    }
  }

  /// Allocates runs of 63 pages in turn, each with a page of another account before it; all else is
  /// that account's.
  private static List<MemorySegment> scatter(
      AccountWorld world, AccountAllocator pin, List<AccountAllocator> owners) {
    List<MemorySegment> all = world.fill(pin);
    for (int i = 0; i < 16; i++) {
      world.drop(all, 64 * i + 1, 64 * i + 64);
      world.hold(owners.get(i % owners.size()), 63);
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theSmallerAccountGivesIfOnlyItCanFormTheRun(boolean hasFreeNeighbour) throws Exception {
    try (AccountWorld world = world(2048, OomPolicy.kernel(), Duration.ofMillis(50))) {
      AccountAllocator pin = world.protectedOne("pin");
      AccountAllocator large = world.reapable("large");
      AccountAllocator small = world.reapable("small");
      List<MemorySegment> all = scatter(world, pin, List.of(large));
      world.drop(all, 1024, 1536);
      world.hold(small, 512);
      if (hasFreeNeighbour) {
        world.drop(all, 1536, 1792);
      }
      int count = hasFreeNeighbour ? 700 : 512;
      MemorySegment got = world.ask(On.PLATFORM, world.protectedOne("asks"), count).served();
      assertThat(world.victims()).containsExactly("e/small");
      assertThat(large.isReaped()).isFalse();
      world.pages.free(got);
    }
  }

  @Test
  void aLimitTakesVictimsBelowItOnly() throws Exception {
    try (AccountWorld world = world(OomPolicy.largest())) {
      MemoryAccount domain = world.root.child("domain").max(100L * PAGE).open();
      AccountAllocator outside = world.reapable("outside");
      AccountAllocator inside = world.open(domain, "inside", MemoryAccountBuilder::reapable);
      world.hold(outside, 600);
      world.hold(inside, 80);
      AccountAllocator asks = world.open(domain, "asks", UnaryOperator.identity());
      MemorySegment got = world.ask(On.PLATFORM, asks, 50).served();
      assertThat(world.victims()).containsExactly("e/domain/inside");
      assertThat(outside.isReaped()).isFalse();
      world.pages.free(got);
    }
  }

  // ---- alone below the limit

  @ParameterizedTest
  @CsvSource({"PLATFORM, 0", "VIRTUAL, 0", "PLATFORM, 1", "VIRTUAL, 3"})
  void aRequesterAloneBelowItsLimitIsNeverChosen(On on, int levelsBelow) throws Exception {
    try (AccountWorld world = impatient(OomPolicy.kernel())) {
      MemoryAccountBuilder builder = world.root.child("alone").max(100L * PAGE);
      MemoryAccount payer = levelsBelow == 0 ? builder.reapable().open() : builder.open();
      for (int i = 1; i <= levelsBelow; i++) {
        MemoryAccountBuilder child = payer.child("level" + i);
        payer = i == levelsBelow ? child.reapable().open() : child.open();
      }
      AccountAllocator alone = world.under(payer);
      world.hold(alone, 80);
      OutOfPagesException failure = world.ask(on, alone, 50).refused();
      assertThat(failure.reason()).isEqualTo(Reason.DEADLINE);
      assertThat(failure).hasMessageContaining("domain=e/alone,");
      assertNobody(world, alone);
    }
  }

  // ---- requests of a killed account

  @ParameterizedTest
  @CsvSource({"PLATFORM, true", "PLATFORM, false", "VIRTUAL, true", "VIRTUAL, false"})
  void requestsInLineOfAVictimLeaveAtOnce(On on, boolean isReapable) throws Exception {
    try (AccountWorld world = world(PAGES, OomPolicy.kernel(), Duration.ofSeconds(15))) {
      AccountAllocator victim =
          world.open(world.root, "victim", account -> isReapable ? account.reapable() : account);
      MemorySegment held = world.hold(victim, 500);
      Request<MemorySegment> first = world.askInLine(on, world.protectedOne("asks"), 600);
      Request<MemorySegment> behind = world.askInLine(on, victim, 550);
      Request<MemorySegment> alsoBehind = world.askInLine(on, victim, 501);
      for (Request<MemorySegment> request : List.of(behind, alsoBehind)) {
        OutOfPagesException failure = request.refused();
        assertThat(failure.reason()).isEqualTo(Reason.OOM_POLICY);
        assertThat(failure).hasMessageContaining("e/victim").hasMessageContaining("episode");
      }
      world.drop(held);
      world.pages.free(first.served());
    }
  }

  @Test
  void requestsInTheLineOfALimitLeaveToo() throws Exception {
    try (AccountWorld world = world(PAGES, OomPolicy.kernel(), Duration.ofSeconds(15))) {
      AccountAllocator victim =
          world.open(world.root, "victim", account -> account.max(520L * PAGE));
      MemorySegment held = world.hold(victim, 500);
      Request<MemorySegment> first = world.askInLine(On.PLATFORM, world.protectedOne("asks"), 600);
      Request<MemorySegment> behind = world.askInLine(On.PLATFORM, victim, 50);
      assertThat(behind.refused().reason()).isEqualTo(Reason.OOM_POLICY);
      assertThat(world.victims()).containsExactly("e/victim");
      world.drop(held);
      world.pages.free(first.served());
    }
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void laterRequestsOfAVictimNeverWaitAndMayUseHalfTheReserve(On on) throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder -> {
              killing(builder, OomPolicy.kernel(), Duration.ofSeconds(20));
              builder.watermarks(Watermarks.of(100L * PAGE, 100L * PAGE, 100L * PAGE));
            })) {
      AccountAllocator victim =
          world.open(world.root, "victim", account -> account.handler(_ -> told.countDown()));
      MemorySegment held = world.hold(victim, 500);
      world.hold(world.protectedOne("other"), 400);
      Request<MemorySegment> first = world.askInLine(on, world.protectedOne("asks"), 300);
      awaitLatch(told);
      world.pages.free(world.ask(on, victim, 20).served());
      assertThat(world.ask(on, victim, 60).refused().reason()).isNotEqualTo(Reason.DEADLINE);
      world.drop(held);
      world.pages.free(first.served());
    }
  }
}
