package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.OutOfPagesException.Reason;
import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Runs that no single account can form: as many victims as it takes, each of which brings the run
/// nearer, or none at all; and requests for which some accounts are no victims.
@Timeout(60)
class SeveralVictimsTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1024;
  private static final Duration SHORT = Duration.ofSeconds(1);

  private static AccountWorld world(OomPolicy policy, Duration atMost) {
    return new AccountWorld(
        PAGES,
        builder ->
            builder
                .waitAtMost(atMost)
                .oomPolicy(policy)
                .oomKiller(killer -> killer.grace(Duration.ofMillis(20))));
  }

  private static AccountWorld world() {
    return world(OomPolicy.kernel(), Requests.LONG);
  }

  private static List<AccountAllocator> reapables(AccountWorld world, int count) {
    List<AccountAllocator> opened = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      opened.add(world.reapable("v" + i));
    }
    return opened;
  }

  private static long reaped(List<AccountAllocator> accounts) {
    return accounts.stream().filter(AccountAllocator::isReaped).count();
  }

  // ---- as many as it takes

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 10, 100, 150, 2",
    "VIRTUAL, 10, 100, 150, 2",
    "PLATFORM, 4, 250, 500, 2",
    "PLATFORM, 4, 250, 700, 3",
    "VIRTUAL, 2, 500, 1000, 2",
    "PLATFORM, 20, 50, 160, 4"
  })
  void theRunFormsAfterTheLastOfSeveral(On on, int accounts, int each, int wanted, int most)
      throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator asks = world.protectedOne("asks");
      List<AccountAllocator> holders = reapables(world, accounts);
      holders.forEach(holder -> world.hold(holder, each));
      MemorySegment got = world.ask(on, asks, wanted).served();
      assertThat(world.victims()).hasSizeBetween(2, most).doesNotHaveDuplicates();
      assertThat(reaped(holders)).isEqualTo(world.victims().size());
      world.pages.free(got);
    }
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 2, 2", "VIRTUAL, 2, 2", "PLATFORM, 4, 2", "PLATFORM, 3, 3"})
  void accountsInterleavedPageByPageGoTogether(On on, int accounts, int wanted) throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator asks = world.protectedOne("asks");
      List<AccountAllocator> holders = reapables(world, accounts);
      interleave(world, holders);
      MemorySegment got = world.ask(on, asks, wanted).served();
      assertThat(world.victims()).hasSize(wanted).doesNotHaveDuplicates();
      assertThat(reaped(holders)).isEqualTo(wanted);
      world.pages.free(got);
    }
  }

  /// Fills the region with single pages, of one account after another.
  private static void interleave(AccountWorld world, List<AccountAllocator> owners) {
    for (int i = 0; i < PAGES; i++) {
      world.hold(owners.get(i % owners.size()), 1);
    }
  }

  @Test
  void eachKillIsOfAnAccountInTheSameWindow() throws Exception {
    try (AccountWorld world = world()) {
      AccountAllocator asks = world.protectedOne("asks");
      List<AccountAllocator> scattered = reapables(world, 2);
      AccountAllocator pin = world.protectedOne("pin");
      List<MemorySegment> all = world.fill(pin);
      AccountAllocator left = world.reapable("left");
      AccountAllocator right = world.reapable("right");
      for (int i = 0; i < 512; i += 4) { // more pages than left and right have, between pins
        world.drop(all, i, i + 3);
        world.hold(scattered.get(i / 4 % 2), 3);
      }
      for (int i = 512; i < 576; i++) {
        world.drop(all, i, i + 1);
        world.hold(i % 2 == 0 ? left : right, 1);
      }
      MemorySegment got = world.ask(On.PLATFORM, asks, 64).served();
      assertThat(world.victims()).containsExactlyInAnyOrder("e/left", "e/right");
      assertThat(reaped(scattered)).isZero();
      world.pages.free(got);
    }
  }

  // ---- none

  @ParameterizedTest
  @CsvSource({"2, 4, 4", "3, 8, 8", "2, 16, 40"})
  void noneGoesIfAllTogetherCannotFormTheRun(int accounts, int pinEvery, int wanted)
      throws Exception {
    try (AccountWorld world = world(OomPolicy.largest(), SHORT)) {
      AccountAllocator asks = world.protectedOne("asks");
      List<AccountAllocator> owners = reapables(world, accounts);
      List<MemorySegment> all = world.fill(world.protectedOne("pin"));
      for (int i = 0; i < PAGES; i++) {
        if (i % pinEvery != 0) {
          world.drop(all, i, i + 1);
          world.hold(owners.get(i % accounts), 1);
        }
      }
      assertThat(world.ask(On.PLATFORM, asks, wanted).refused().reason())
          .isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertThat(world.victims()).isEmpty();
      assertThat(reaped(owners)).isZero();
    }
  }

  // ---- memory of the root

  @ParameterizedTest
  @EnumSource(On.class)
  void aRequestOfNoAccountDoesNotTakeTheRootsOwnMemory(On on) throws Exception {
    try (AccountWorld world = world(OomPolicy.kernel(), SHORT)) {
      MemorySegment ofRoot = world.pages.allocate(900L * PAGE, AllocationMode.NOWAIT);
      Request<MemorySegment> request =
          world.requests.start(on, () -> world.pages.allocate(300L * PAGE));
      assertThat(request.refused().reason()).isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertThat(world.victims()).isEmpty();
      world.pages.free(ofRoot);
    }
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 4, 200", "VIRTUAL, 2, 330"})
  void aBulkOfNoAccountDoesNotEither(On on, int run, int count) throws Exception {
    try (AccountWorld world = world(OomPolicy.kernel(), SHORT)) {
      long[] all = new long[PAGES];
      assertThat(world.pages.tryAllocatePageRuns(1, all)).isEqualTo(PAGES);
      for (long page : all) {
        if (page % 8 >= 3) {
          world.pages.freePageRun(page, 1);
        }
      }
      Request<Integer> bulk =
          world.requests.start(on, () -> world.pages.allocatePageRuns(run, new long[count]));
      assertThat(bulk.refused().reason()).isIn(Reason.DEADLINE, Reason.OOM_POLICY);
      assertThat(world.victims()).isEmpty();
      for (long page : all) {
        if (page % 8 < 3) {
          world.pages.freePageRun(page, 1);
        }
      }
    }
  }

  @Test
  void anAccountGivesForARequestOfNoAccount() throws Exception {
    try (AccountWorld world = world()) {
      MemorySegment ofRoot = world.pages.allocate(500L * PAGE, AllocationMode.NOWAIT);
      AccountAllocator victim = world.reapable("victim");
      world.hold(victim, 400);
      MemorySegment got =
          world.requests.start(On.PLATFORM, () -> world.pages.allocate(300L * PAGE)).served();
      assertThat(world.victims()).containsExactly("e/victim");
      world.pages.free(got);
      world.pages.free(ofRoot);
    }
  }
}
