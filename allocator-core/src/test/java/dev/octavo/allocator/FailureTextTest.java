package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Texts of failures: the domain that refused, its limit, its usage and its largest consumers; and
/// the try forms, which have none.
@Timeout(60)
class FailureTextTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;

  private static AccountWorld world() {
    return new AccountWorld(
        PAGES, builder -> builder.waitAtMost(Duration.ofMillis(200)).oomPolicy(OomPolicy.none()));
  }

  /// Opens seven children that use 10, 20, ... 70 pages.
  private static void consumers(AccountWorld world, MemoryAccount parent) {
    for (int i = 1; i <= 7; i++) {
      world.hold(world.open(parent, "c" + i, UnaryOperator.identity()), 10 * i);
    }
  }

  private static String topFive(String prefix) {
    return "consumers=[%sc7:%dB, %sc6:%dB, %sc5:%dB, %sc4:%dB, %sc3:%dB]"
        .formatted(
            prefix, 70 * PAGE, prefix, 60 * PAGE, prefix, 50 * PAGE, prefix, 40 * PAGE, prefix,
            30 * PAGE);
  }

  // ---- a limit

  @ParameterizedTest
  @CsvSource({"PLATFORM, 0", "VIRTUAL, 0", "PLATFORM, 2"})
  void blockingNamesTheLimitAndItsTopFive(On on, int levelsBelow) throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount domain = world.root.child("domain").max(300L * PAGE).open();
      world.hold(world.open(world.root, "outside", UnaryOperator.identity()), 500);
      consumers(world, domain);
      MemoryAccount payer = domain;
      for (int i = 0; i < levelsBelow; i++) {
        payer = payer.child("level" + i).open();
      }
      OutOfPagesException failure = world.ask(on, world.under(payer), 50).refused();
      assertThat(failure.reason()).isEqualTo(Reason.DEADLINE);
      assertThat(failure)
          .hasMessageContaining("domain=e/domain,")
          .hasMessageContaining("max=" + 300 * PAGE)
          .hasMessageContaining("usage=" + 280 * PAGE)
          .hasMessageContaining(topFive("e/domain/"))
          .hasMessageNotContaining("outside:");
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NOWAIT", "ATOMIC"},
      value = AllocationMode.class)
  void whatDoesNotWaitNamesTheLimitAndItsUsage(AllocationMode mode) {
    try (AccountWorld world = world()) {
      MemoryAccount domain = world.root.child("domain").max(300L * PAGE).open();
      consumers(world, domain);
      AccountAllocator asks = world.open(domain, "asks", account -> account.max(250L * PAGE));
      OutOfPagesException failure =
          catchThrowableOfType(OutOfPagesException.class, () -> asks.allocate(50L * PAGE, mode));
      assertThat(failure.reason()).isEqualTo(Reason.ACCOUNT_LIMIT);
      assertThat(failure)
          .hasMessageContaining("domain=e/domain,")
          .hasMessageContaining("max=" + 300 * PAGE)
          .hasMessageContaining("usage=" + 280 * PAGE);
    }
  }

  @Test
  void aRequestThatNoLimitLeavesNamesTheLimit() throws Exception {
    try (AccountWorld world = world()) {
      MemoryAccount domain = world.root.child("domain").max(300L * PAGE).open();
      AccountAllocator asks = world.open(domain, "asks", account -> account.max(400L * PAGE));
      OutOfPagesException failure = world.ask(On.PLATFORM, asks, 301).refused();
      assertThat(failure.reason()).isEqualTo(Reason.ACCOUNT_LIMIT);
      assertThat(failure)
          .hasMessageContaining("domain=e/domain,")
          .hasMessageContaining("max=" + 300 * PAGE);
    }
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 0", "VIRTUAL, 0", "PLATFORM, 2"})
  void oneInterruptedInTheLineOfALimitNamesIt(On on, int levelsBelow) throws Exception {
    try (AccountWorld world =
        new AccountWorld(PAGES, builder -> builder.oomPolicy(OomPolicy.none()))) {
      MemoryAccount domain = world.root.child("domain").max(300L * PAGE).open();
      consumers(world, domain);
      MemoryAccount payer = domain;
      for (int i = 0; i < levelsBelow; i++) {
        payer = payer.child("level" + i).open();
      }
      Request<MemorySegment> waiting = world.askInLine(on, world.under(payer), 50);
      waiting.thread().interrupt();
      OutOfPagesException failure = waiting.refused();
      assertThat(failure.reason()).isEqualTo(Reason.INTERRUPTED);
      assertThat(failure)
          .hasMessageContaining("account has reached its max")
          .hasMessageContaining("domain=e/domain,")
          .hasMessageContaining("max=" + 300 * PAGE)
          .hasMessageNotContaining("not enough memory");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void whatDoesNotWaitNamesTheLimitAtEachLevel(int levelsBelow) {
    try (AccountWorld world = world()) {
      MemoryAccount domain = world.root.child("domain").max(100L * PAGE).open();
      world.hold(world.open(domain, "other", UnaryOperator.identity()), 90);
      MemoryAccount payer = domain;
      for (int i = 0; i < levelsBelow; i++) {
        payer = payer.child("level" + i).max(500L * PAGE).open();
      }
      AccountAllocator asks = world.under(payer);
      for (AllocationMode mode : List.of(AllocationMode.NOWAIT, AllocationMode.ATOMIC)) {
        OutOfPagesException failure =
            catchThrowableOfType(OutOfPagesException.class, () -> asks.allocate(20L * PAGE, mode));
        assertThat(failure.reason()).isEqualTo(Reason.ACCOUNT_LIMIT);
        assertThat(failure).hasMessageContaining("domain=e/domain,");
      }
    }
  }

  // ---- a victim

  @ParameterizedTest
  @EnumSource(On.class)
  void eachRequestOfAVictimNamesItself(On on) throws Exception {
    try (AccountWorld world =
        new AccountWorld(
            PAGES,
            builder ->
                builder
                    .oomPolicy(OomPolicy.kernel())
                    .oomKiller(killer -> killer.grace(Duration.ofSeconds(20))))) {
      AccountAllocator victim = world.open(world.root, "victim", UnaryOperator.identity());
      MemorySegment held = world.hold(victim, 900);
      Request<MemorySegment> first = world.askInLine(on, world.protectedOne("asks"), 200);
      assertNamesItself(world.ask(on, victim, 130).refused(), 130);
      Requests.await("a victim", () -> !world.victims().isEmpty());
      assertNamesItself(world.ask(on, victim, 140).refused(), 140); // came later
      world.drop(held);
      world.pages.free(first.served());
    }
  }

  private static void assertNamesItself(OutOfPagesException failure, int count) {
    assertThat(failure.reason()).isEqualTo(Reason.OOM_POLICY);
    assertThat(failure)
        .hasMessageContaining("victim=e/victim")
        .hasMessageContaining("requester=e/victim")
        .hasMessageContaining("request=" + count * PAGE + "B");
  }

  // ---- pages

  @ParameterizedTest
  @EnumSource(RequestForm.class)
  void eachFormThatWaitsForPagesNamesTheTopFive(RequestForm form) throws Exception {
    try (AccountWorld world = world()) {
      RequestForm.Asker asker = form.prepare(world.pages);
      consumers(world, world.root);
      OutOfPagesException failure =
          world
              .requests
              .start(
                  On.PLATFORM,
                  () -> {
                    MemorySegment rest = world.pages.allocate((world.pages.freePages() - 5) * PAGE);
                    try {
                      asker.ask(16).run();
                    } finally {
                      world.pages.free(rest);
                    }
                    return true;
                  })
              .refused();
      assertThat(failure.reason()).isEqualTo(Reason.DEADLINE);
      assertThat(failure).hasMessageContaining("domain=e,");
      assertThat(failure.getMessage())
          .containsPattern("consumers=\\[[^\\]]*e/c7:" + 70 * PAGE + "B[^\\]]*e/c6:");
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NOWAIT", "ATOMIC"},
      value = AllocationMode.class)
  void whatDoesNotWaitForPagesNamesTheDomainAndItsUsage(AllocationMode mode) {
    try (AccountWorld world = world()) {
      consumers(world, world.root);
      OutOfPagesException failure =
          catchThrowableOfType(
              OutOfPagesException.class, () -> world.pages.allocate(800L * PAGE, mode));
      assertThat(failure.reason()).isEqualTo(Reason.NOT_ENOUGH_MEMORY);
      assertThat(failure)
          .hasMessageContaining("domain=e,")
          .hasMessageContaining("usage=" + 280 * PAGE);
    }
  }

  // ---- try forms

  @ParameterizedTest
  @CsvSource({"true, NOWAIT", "true, ATOMIC", "false, NOWAIT", "false, ATOMIC"})
  void tryFormsReturnNull(boolean isLimit, AllocationMode mode) {
    try (AccountWorld world = world()) {
      AccountAllocator asks =
          world.open(world.root, "asks", account -> account.max(isLimit ? 100L * PAGE : 1L << 40));
      world.hold(asks, 90);
      consumers(world, world.root);
      long byteSize = (isLimit ? 20L : 800L) * PAGE;
      assertThat(asks.tryAllocate(byteSize, 1, mode)).isNull();
      assertThat(asks.tryAllocate(byteSize, 1L << 40, mode)).isNull();
      assertThat(world.pages.tryAllocatePageRun(PAGES, 1, mode)).isNegative();
    }
  }
}
