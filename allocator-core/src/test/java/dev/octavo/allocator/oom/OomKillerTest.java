package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccount.Notice;
import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import dev.octavo.allocator.oom.OomKiller.Shortage.Kind;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Episodes with a clock that stands still unless it is moved.
@Timeout(60)
class OomKillerTest {

  private static final long CAPACITY = 1000 * FakeHost.PAGE;
  private static final long MILLI = 1_000_000;
  private static final long GRACE = 2000 * MILLI;
  private static final long INTERVAL = 100 * MILLI;

  private final FakeHost host = new FakeHost(CAPACITY, 0);
  private final MemoryAccount root = host.root;
  private final MemoryAccount asking = root.child("asking").open();
  private OomKiller killer = builder().build();

  private OomKillerBuilder builder() {
    return OomKiller.of(host).clock(host.nanos::get);
  }

  private MemoryAccount reapable(String name, long pages) {
    MemoryAccount account = root.child(name).reapable().open();
    account.charge(pages * FakeHost.PAGE);
    return account;
  }

  private MemoryAccount stubborn(String name, long pages) {
    MemoryAccount account = root.child(name).open();
    account.charge(pages * FakeHost.PAGE);
    return account;
  }

  private static Shortage shortage(MemoryAccount domain, MemoryAccount requester, long pages) {
    return new Shortage(
        Kind.PAGES, domain, requester, pages * FakeHost.PAGE, "worker-3", "BLOCKING");
  }

  private static Shortage limit(MemoryAccount domain, MemoryAccount requester, long pages) {
    return new Shortage(
        Kind.LIMIT, domain, requester, pages * FakeHost.PAGE, "worker-3", "BLOCKING");
  }

  private Outcome tick() {
    return killer.tick(shortage(root, asking, 100));
  }

  private void later(long nanos) {
    host.nanos.addAndGet(nanos);
  }

  private List<Step> steps() {
    return killer.audit().last().stream().map(OomAudit.Entry::step).toList();
  }

  private List<String> victims() {
    return killer.audit().last().stream()
        .filter(entry -> entry.step() == Step.KILLED)
        .map(OomAudit.Entry::victim)
        .toList();
  }

  private static Outcome.Fail failure(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Fail.class);
    return (Outcome.Fail) outcome;
  }

  /// Ticks every 10 ms.
  private void tickFor(long nanos) {
    for (long passed = 0; passed < nanos; passed += 10 * MILLI) {
      later(10 * MILLI);
      tick();
    }
  }

  // ---- who is chosen, and when nobody is

  @Test
  void theLargestIsChosenAndReapedAfterTheGracePeriod() {
    MemoryAccount big = reapable("big", 600);
    MemoryAccount small = reapable("small", 350);
    assertThat(tick()).isEqualTo(new Outcome.Wait());
    assertThat(killer.isVictim(big)).isTrue();
    assertThat(killer.isVictim(small)).isFalse();
    assertThat(killer.victim()).contains(big);
    later(GRACE - 1);
    tick();
    assertThat(host.reaped).isEmpty();
    later(1);
    tick();
    assertThat(host.reaped).containsExactly(big);
    assertThat(killer.isVictim(big)).isFalse();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(600 * FakeHost.PAGE);
    tickFor(GRACE);
    assertThat(small.usage()).as("there is enough").isEqualTo(350 * FakeHost.PAGE);
    assertThat(killer.audit().episodes()).isEqualTo(1);
  }

  @Test
  void whoGivesByItselfIsNotReaped() {
    MemoryAccount big = reapable("big", 950);
    tick();
    later(GRACE / 2);
    big.uncharge(950 * FakeHost.PAGE);
    big.close();
    tick();
    later(2 * GRACE);
    tick();
    assertThat(host.reaped).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(950 * FakeHost.PAGE);
  }

  @Test
  void whoHasGivenEnoughWhenTheGracePeriodEndsKeepsTheRest() {
    MemoryAccount big = reapable("big", 950);
    tick();
    big.uncharge(200 * FakeHost.PAGE);
    later(GRACE);
    tick();
    assertThat(host.reaped).isEmpty();
    assertThat(killer.victim()).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(200 * FakeHost.PAGE);
  }

  @Test
  void ifOthersHaveGivenMeanwhileTheVictimKeepsAll() {
    MemoryAccount big = reapable("big", 600);
    MemoryAccount other = stubborn("other", 380);
    tick();
    other.uncharge(380 * FakeHost.PAGE);
    later(GRACE);
    tick();
    assertThat(big.usage()).isEqualTo(600 * FakeHost.PAGE);
    assertThat(steps()).containsExactly(Step.KILLED, Step.RELIEVED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(380 * FakeHost.PAGE);
  }

  @Test
  void nobodyIsChosenIfThereIsEnough() {
    reapable("big", 900);
    assertThat(tick()).isEqualTo(new Outcome.Wait());
    assertThat(killer.audit().last()).isEmpty();
  }

  @Test
  void stocksGoBackBeforeAnybodyIsChosen() {
    FakeHost stocked = new FakeHost(CAPACITY, 16 * FakeHost.PAGE);
    MemoryAccount a = stocked.root.child("a").open();
    a.charge(1);
    assertThat(a.reserved()).as("a stock").isGreaterThan(16 * FakeHost.PAGE);
    a.charge(CAPACITY - a.reserved());
    OomKiller other = OomKiller.of(stocked).clock(stocked.nanos::get).build();
    assertThat(stocked.freeByteSize()).isLessThan(10 * FakeHost.PAGE);
    other.tick(shortage(stocked.root, a, 10));
    assertThat(stocked.freeByteSize()).isGreaterThanOrEqualTo(10 * FakeHost.PAGE);
    assertThat(other.victim()).isEmpty();
    assertThat(other.audit().episodes()).isZero();
  }

  @Test
  void aDomainBelowTheRootChoosesAmongItsOwn() {
    reapable("outside", 500);
    MemoryAccount tenant =
        root.child("tenant").limits(Limits.ofMax(100 * FakeHost.PAGE)).reapable().open();
    MemoryAccount inside = tenant.child("inside").open();
    MemoryAccount needy = tenant.child("needy").open();
    inside.charge(95 * FakeHost.PAGE);
    assertThat(needy.tryCharge(10 * FakeHost.PAGE)).contains(tenant);
    killer.tick(limit(tenant, needy, 10));
    assertThat(killer.victim()).contains(inside);
    assertThat(killer.audit().last().getFirst().domain()).isEqualTo("engine/tenant");
  }

  @Test
  void thereIsNoShortageInADomainThatHasRoomAgain() {
    MemoryAccount tenant = root.child("tenant").max(100 * FakeHost.PAGE).open();
    MemoryAccount inside = tenant.child("inside").open();
    MemoryAccount needy = tenant.child("needy").open();
    inside.charge(50 * FakeHost.PAGE);
    killer.tick(limit(tenant, needy, 50));
    assertThat(killer.audit().last()).isEmpty();
    killer.tick(limit(tenant, needy, 51));
    assertThat(killer.victim()).contains(inside);
  }

  @Test
  void theSameInputsHaveTheSameVictim() {
    for (int run = 0; run < 20; run++) {
      FakeHost again = new FakeHost(CAPACITY, 0);
      for (int i = 0; i < 9; i++) {
        again.root.child("tenant" + (i * 7 + run) % 9).open().charge(111 * FakeHost.PAGE);
      }
      OomKiller other = OomKiller.of(again).clock(again.nanos::get).build();
      other.tick(shortage(again.root, again.root, 100));
      assertThat(other.victim().orElseThrow().name()).isEqualTo("tenant0");
    }
  }

  @Test
  void aSmallRequestIsShownToThePolicyAsMinReclaim() {
    stubborn("tiny", 20);
    MemoryAccount fits = stubborn("fits", 300);
    stubborn("huge", 680);
    killer = builder().policy(OomPolicy.bestFit()).minReclaim(250 * FakeHost.PAGE).build();
    killer.tick(shortage(root, asking, 1));
    assertThat(killer.victim()).contains(fits);
    assertThat(killer.audit().last().getFirst().requestByteSize()).isEqualTo(250 * FakeHost.PAGE);
  }

  // ---- one at a time

  @Test
  void nobodyElseIsChosenWhileAVictimHoldsMemory() {
    MemoryAccount big = stubborn("big", 600);
    reapable("next", 350);
    MemoryAccount tenant = root.child("tenant").max(10 * FakeHost.PAGE).open();
    tenant.charge(10 * FakeHost.PAGE);
    tick();
    assertThat(killer.tick(limit(tenant, tenant, 5))).isEqualTo(new Outcome.Wait());
    big.uncharge(600 * FakeHost.PAGE - 1);
    asking.charge(host.freeByteSize());
    tickFor(GRACE - 10 * MILLI);
    assertThat(victims()).containsExactly("engine/big");
    big.uncharge(1);
    tick();
    tick();
    assertThat(victims()).hasSize(2);
  }

  @Test
  void theReaperTriesTenTimesThenSkips() {
    MemoryAccount big = reapable("big", 600);
    MemoryAccount next = reapable("next", 350);
    host.refused.add(big);
    tick();
    later(GRACE);
    for (int i = 1; i <= 10; i++) {
      tick();
      tick();
      assertThat(host.reaped).hasSize(i);
      later(INTERVAL - 1);
      tick();
      later(1);
    }
    assertThat(killer.victim()).contains(big);
    tick();
    assertThat(killer.victim()).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.SKIPPED);
    assertThat(killer.audit().last().getLast().detail())
        .isEqualTo("reaper was refused: held=2457600B, tries=10");
    tick();
    assertThat(killer.victim()).contains(next);
  }

  @Test
  void aRefusalThatEndsIsNotTheEnd() {
    MemoryAccount big = reapable("big", 950);
    host.refused.add(big);
    tick();
    tickFor(GRACE + 3 * INTERVAL);
    host.refused.clear();
    tickFor(INTERVAL);
    assertThat(host.reaped).hasSize(5);
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  @Test
  void aHostThatSaysItReapedIsNotBelieved() {
    MemoryAccount big = stubborn("big", 950);
    FakeHost liar =
        new FakeHost(CAPACITY, 0) {
          @Override
          public boolean reap(MemoryAccount account) {
            reaped.add(account);
            return true;
          }
        };
    big.uncharge(950 * FakeHost.PAGE);
    MemoryAccount held = liar.root.child("held").reapable().open();
    held.charge(950 * FakeHost.PAGE);
    killer = OomKiller.of(liar).clock(host.nanos::get).build();
    killer.tick(shortage(liar.root, liar.root, 100));
    for (int i = 0; i < 40; i++) {
      later(INTERVAL);
      killer.tick(shortage(liar.root, liar.root, 100));
    }
    assertThat(steps()).startsWith(Step.KILLED, Step.SKIPPED);
    assertThat(killer.audit().freedByteSize()).isZero();
  }

  @Test
  void aHostThatThrowsIsTriedAgain() {
    FakeHost broken =
        new FakeHost(CAPACITY, 0) {
          @Override
          public boolean reap(MemoryAccount account) {
            if (reaped.isEmpty()) {
              reaped.add(account);
              throw new IllegalStateException("on purpose");
            }
            return super.reap(account);
          }
        };
    broken.root.child("held").reapable().open().charge(950 * FakeHost.PAGE);
    killer = OomKiller.of(broken).clock(host.nanos::get).build();
    killer.tick(shortage(broken.root, broken.root, 100));
    later(GRACE);
    killer.tick(shortage(broken.root, broken.root, 100));
    later(INTERVAL);
    killer.tick(shortage(broken.root, broken.root, 100));
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  @Test
  void whoIsNotReapableHasTheSameTimeAndIsNeverReaped() {
    MemoryAccount big = stubborn("big", 950);
    tick();
    tickFor(GRACE + 10 * INTERVAL - 10 * MILLI);
    assertThat(killer.victim()).contains(big);
    tickFor(10 * MILLI);
    assertThat(killer.victim()).isEmpty();
    assertThat(host.reaped).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.SKIPPED);
  }

  @Test
  void whatASkippedVictimGaveIsRecorded() {
    MemoryAccount big = stubborn("big", 950);
    tick();
    big.uncharge(30 * FakeHost.PAGE);
    tickFor(GRACE + 10 * INTERVAL);
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED, Step.SKIPPED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(30 * FakeHost.PAGE);
  }

  @Test
  void whoWasSkippedMayBeChosenAgainWhenItHasGivenHalf() {
    MemoryAccount big = stubborn("big", 950);
    tick();
    tickFor(GRACE + 10 * INTERVAL);
    assertThat(big.isSkipped()).isTrue();
    assertThat(failure(tick()).message()).contains("no killable account");
    big.uncharge(400 * FakeHost.PAGE);
    asking.charge(400 * FakeHost.PAGE);
    asking.scoreAdj(OomCandidate.NEVER_CHOSEN);
    failure(tick());
    big.uncharge(75 * FakeHost.PAGE);
    asking.charge(75 * FakeHost.PAGE);
    tick();
    assertThat(big.isSkipped()).isFalse();
    assertThat(killer.victim()).contains(big);
  }

  @Test
  void anEpisodeThatNobodyWaitsForIsOver() {
    MemoryAccount big = reapable("big", 950);
    tick();
    later(GRACE + 10 * INTERVAL + 1);
    tick();
    assertThat(killer.victim()).isEmpty();
    assertThat(host.reaped).isEmpty();
    assertThat(big.usage()).isEqualTo(950 * FakeHost.PAGE);
    assertThat(steps()).containsExactly(Step.KILLED, Step.RELIEVED);
  }

  // ---- groups

  @Test
  void aGroupDiesWholeButForTheSpared() {
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one = group.child("one").reapable().open();
    MemoryAccount two = group.child("two").reapable().open();
    MemoryAccount adj = group.child("adj").reapable().scoreAdj(-1000).open();
    MemoryAccount never = group.child("never").reapable().preference(Preference.NEVER).open();
    for (MemoryAccount member : List.of(one, two, adj, never)) {
      member.charge(200 * FakeHost.PAGE);
    }
    reapable("alone", 190);
    tick();
    assertThat(killer.victim()).contains(group);
    assertThat(killer.isVictim(one) && killer.isVictim(two) && killer.isVictim(group)).isTrue();
    assertThat(killer.isVictim(adj) || killer.isVictim(never)).isFalse();
    assertThat(killer.tick(shortage(root, adj, 100))).isEqualTo(new Outcome.Wait());
    failure(killer.tick(shortage(root, two, 100)));
    later(GRACE);
    tick();
    assertThat(host.reaped).containsExactlyInAnyOrder(one, two);
    assertThat(adj.usage() + never.usage()).isEqualTo(400 * FakeHost.PAGE);
    assertThat(killer.audit().freedByteSize()).isEqualTo(400 * FakeHost.PAGE);
  }

  @Test
  void aMixedGroupIsReapedAsFarAsItMayBeThenSkipped() {
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one = group.child("one").reapable().open();
    MemoryAccount two = group.child("two").open();
    one.charge(50 * FakeHost.PAGE);
    two.charge(950 * FakeHost.PAGE);
    tick();
    tickFor(GRACE + 10 * INTERVAL);
    assertThat(host.reaped).containsExactly(one);
    assertThat(group.isSkipped()).isTrue();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED, Step.SKIPPED);
  }

  // ---- who asks

  @Test
  void whoIsTheVictimItselfFails() {
    asking.charge(950 * FakeHost.PAGE);
    Outcome.Fail fail = failure(tick());
    assertThat(fail.message())
        .isEqualTo(
            "out of memory, requester is the victim of episode 1: victim=engine/asking,"
                + " domain=engine, requester=engine/asking, request=409600B, free=204800B,"
                + " consumers=[engine/asking:3891200B]");
    assertThat(killer.isVictim(asking)).isTrue();
    failure(tick());
    assertThat(steps()).containsExactly(Step.KILLED);
    asking.uncharge(950 * FakeHost.PAGE);
    assertThat(tick()).isEqualTo(new Outcome.Wait());
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  @Test
  void ifNobodyCanBeKilledTheRequesterFailsWithTheTable() {
    for (int i = 1; i <= 7; i++) {
      stubborn("tenant" + i, 100 + 10L * i).scoreAdj(-1000);
    }
    MemoryAccount system = stubborn("system", 20);
    system.preference(Preference.NEVER);
    Outcome.Fail fail = failure(tick());
    assertThat(fail.message())
        .startsWith(
            "out of memory, no killable account: domain=engine, requester=engine/asking,"
                + " request=409600B, free=0B, consumers=[engine/tenant7:696320B, ");
    assertThat(fail.topConsumers())
        .extracting(OomCandidate::name)
        .containsExactly(
            "engine/tenant7",
            "engine/tenant6",
            "engine/tenant5",
            "engine/tenant4",
            "engine/tenant3");
    assertThat(fail.table())
        .startsWith("worker-3 invoked oom-killer: mode=BLOCKING, order=7, oom_score_adj=0")
        .contains("engine/system")
        .endsWith("Out of memory: Failed worker-3: no killable account");
    assertThat(fail.shortage().requester()).isEqualTo(asking);
    assertThat(steps()).containsExactly(Step.FAILED);
  }

  @Test
  void aPolicyThatFailsTheRequesterDoesSo() {
    reapable("big", 950);
    killer = builder().policy(OomPolicy.failRequester()).build();
    assertThat(failure(tick()).message()).contains("policy fails the requester");
    assertThat(killer.victim()).isEmpty();
  }

  @Test
  void aPolicyThatDoesNothingIsAskedOnceAGracePeriod() {
    reapable("big", 950);
    killer = builder().policy(OomPolicy.none()).build();
    for (int i = 0; i < 400; i++) {
      assertThat(tick()).isEqualTo(new Outcome.Wait());
      later(10 * MILLI);
    }
    assertThat(steps()).containsExactly(Step.NOTHING, Step.NOTHING);
  }

  @Test
  void anAccountOutsideTheDomainIsRefused() {
    reapable("big", 950);
    MemoryAccount tenant = root.child("tenant").max(1).open();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> killer.tick(limit(tenant, asking, 10)))
        .withMessage("not an account of this domain: account=engine/asking, domain=engine/tenant");
    tick();
    assertThat(killer.victim()).as("not stuck").isPresent();
  }

  @Test
  void sizesAndTimesOutOfRangeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> shortage(root, asking, -1))
        .withMessage("negative size: byteSize=-4096");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().minReclaim(-1))
        .withMessage("negative size: byteSize=-1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().grace(Duration.ofNanos(-1)))
        .withMessage("grace is not in 0..1 h: grace=PT-0.000000001S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().reaper(0, Duration.ofMillis(1)))
        .withMessage("tries is not in 1..1000: tries=0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().reaper(1, Duration.ZERO))
        .withMessage("interval is not positive and at most 1 h: interval=PT0S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().handlerLimit(Duration.ofHours(2)))
        .withMessage("handlerLimit is not positive and at most 1 h: handlerLimit=PT2H");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder().policyLimit(Duration.ZERO))
        .withMessage("policyLimit is not positive and at most 1 h: policyLimit=PT0S");
  }

  // ---- dry run

  @Test
  void aDryRunKillsNobodyAndRecordsOnceAGracePeriod() {
    MemoryAccount big =
        root.child("big")
            .reapable()
            .handler(
                _ -> {
                  throw new AssertionError("told");
                })
            .open();
    big.charge(950 * FakeHost.PAGE);
    killer = builder().dryRun().build();
    for (int i = 0; i < 500; i++) {
      assertThat(tick()).isEqualTo(new Outcome.Wait());
      assertThat(killer.isVictim(big)).isFalse();
      later(10 * MILLI);
    }
    assertThat(steps()).containsExactly(Step.WOULD_KILL, Step.WOULD_KILL, Step.WOULD_KILL);
    assertThat(host.reaped).isEmpty();
    assertThat(host.published).isEmpty();
    assertThat(killer.handlers()).isEqualTo(new OomKiller.Handlers(0, 0, 0, 0));
    big.scoreAdj(-1000);
    later(GRACE);
    failure(tick());
  }

  // ---- policies that misbehave

  @Test
  void aPolicyThatMisbehavesIsRecordedAndTheDefaultDecides() {
    MemoryAccount big = stubborn("big", 600);
    stubborn("small", 350);
    killer =
        builder()
            .policyLimit(Duration.ofSeconds(30))
            .policy(
                _ -> {
                  throw new IllegalStateException("on purpose");
                })
            .build();
    tick();
    assertThat(killer.victim()).contains(big);
    assertThat(steps()).containsExactly(Step.MISBEHAVED, Step.KILLED);
    assertThat(killer.audit().last().getFirst().detail())
        .isEqualTo("policy threw: exception=java.lang.IllegalStateException: on purpose");
    big.transferTo(asking, 600 * FakeHost.PAGE);
    asking.scoreAdj(OomCandidate.NEVER_CHOSEN);
    tick();
    tick();
    assertThat(steps())
        .containsExactly(Step.MISBEHAVED, Step.KILLED, Step.REAPED, Step.MISBEHAVED, Step.KILLED);
  }

  @Test
  void whoIsProtectedOrHasGivenWhileThePolicyThinksIsNotChosen() {
    MemoryAccount big = stubborn("big", 600);
    MemoryAccount next = stubborn("next", 350);
    AtomicInteger calls = new AtomicInteger();
    killer =
        builder()
            .policyLimit(Duration.ofSeconds(30))
            .policy(
                snapshot -> {
                  if (calls.incrementAndGet() == 1) {
                    big.scoreAdj(-1000);
                  } else if (calls.get() == 2) {
                    next.uncharge(350 * FakeHost.PAGE);
                    asking.charge(350 * FakeHost.PAGE);
                    asking.scoreAdj(-1000);
                  }
                  return OomPolicy.kernel().decide(snapshot);
                })
            .build();
    tick();
    assertThat(killer.audit().last()).isEmpty();
    tick();
    assertThat(killer.audit().last()).isEmpty();
    failure(tick());
    assertThat(killer.victim()).isEmpty();
  }

  // ---- handlers

  @Test
  void theOwnerIsToldAndMayGive() throws InterruptedException {
    LinkedBlockingQueue<Notice> told = new LinkedBlockingQueue<>();
    CountDownLatch given = new CountDownLatch(1);
    MemoryAccount big =
        root.child("big")
            .handler(
                notice -> {
                  told.add(notice);
                  notice.account().uncharge(notice.account().ownUsage());
                  given.countDown();
                })
            .open();
    big.charge(950 * FakeHost.PAGE);
    tick();
    assertThat(told.poll(30, TimeUnit.SECONDS)).isEqualTo(new Notice(big, 1, 50 * FakeHost.PAGE));
    assertThat(given.await(30, TimeUnit.SECONDS)).isTrue();
    tick();
    assertThat(killer.victim()).isEmpty();
    assertThat(host.labels).containsExactly("oom-handler engine/big");
    await(1, 0, 0, 0);
  }

  @Test
  void aHandlerThatThrowsIsCounted() {
    MemoryAccount big =
        root.child("big")
            .reapable()
            .handler(
                _ -> {
                  throw new AssertionError("on purpose");
                })
            .open();
    big.charge(950 * FakeHost.PAGE);
    tick();
    await(0, 1, 0, 0);
    later(GRACE);
    tick();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  @Test
  void aHandlerThatHangsHoldsUpNobody() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch toldNext = new CountDownLatch(1);
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one =
        group
            .child("one")
            .reapable()
            .handler(
                _ -> {
                  hangs.countDown();
                  try {
                    end.await();
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                })
            .open();
    MemoryAccount two = group.child("two").reapable().handler(_ -> toldNext.countDown()).open();
    one.charge(500 * FakeHost.PAGE);
    two.charge(450 * FakeHost.PAGE);
    tick();
    assertThat(hangs.await(30, TimeUnit.SECONDS)).isTrue();
    later(1000 * MILLI);
    tick();
    assertThat(killer.handlers().hung()).isZero();
    later(1);
    tick();
    assertThat(killer.handlers().hung()).isEqualTo(1);
    assertThat(toldNext.await(30, TimeUnit.SECONDS)).isTrue();
    await(1, 0, 1, 0);
    later(GRACE);
    tick();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
    one.charge(950 * FakeHost.PAGE);
    tick();
    await(2, 0, 1, 1);
    end.countDown();
    await(3, 0, 1, 1);
  }

  private void await(long told, long thrown, long hung, long untold) {
    OomKiller.Handlers expected = new OomKiller.Handlers(told, thrown, hung, untold);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!killer.handlers().equals(expected) && System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
    assertThat(killer.handlers()).isEqualTo(expected);
  }

  // ---- the clock, threads, reentrance

  @ParameterizedTest
  @ValueSource(longs = {Long.MAX_VALUE - GRACE / 2, Long.MAX_VALUE, Long.MIN_VALUE, -GRACE / 2})
  void theClockMayOverflow(long origin) {
    host.nanos.set(origin);
    MemoryAccount big = reapable("big", 950);
    host.refused.add(big);
    tick();
    tickFor(GRACE - 10 * MILLI);
    assertThat(host.reaped).isEmpty();
    tickFor(10 * INTERVAL);
    assertThat(host.reaped).hasSize(10);
    tickFor(10 * MILLI);
    assertThat(steps()).containsExactly(Step.KILLED, Step.SKIPPED);
  }

  @Test
  void aTickWithinATickReturnsAtOnce() {
    AtomicInteger inner = new AtomicInteger();
    FakeHost nested =
        new FakeHost(CAPACITY, 0) {
          @Override
          public boolean isEnough(Shortage shortage) {
            inner.incrementAndGet();
            assertThat(killer.tick(shortage)).isEqualTo(new Outcome.Wait());
            return super.isEnough(shortage);
          }
        };
    nested.root.charge(950 * FakeHost.PAGE);
    killer = OomKiller.of(nested).clock(host.nanos::get).build();
    failure(killer.tick(shortage(nested.root, nested.root, 100)));
    assertThat(inner).hasValue(3);
  }

  @Test
  void aHostThatFailsLeavesTheKillerUsable() {
    reapable("big", 950);
    AtomicInteger calls = new AtomicInteger();
    FakeHost failing =
        new FakeHost(CAPACITY, 0) {
          @Override
          public long capacityByteSize() {
            if (calls.incrementAndGet() == 1) {
              throw new IllegalStateException("on purpose");
            }
            return super.capacityByteSize();
          }
        };
    failing.root.charge(950 * FakeHost.PAGE);
    killer = OomKiller.of(failing).clock(host.nanos::get).build();
    Shortage shortage = shortage(failing.root, failing.root, 100);
    assertThatThrownBy(() -> killer.tick(shortage)).hasMessage("on purpose");
    failure(killer.tick(shortage));
    assertThat(steps()).containsExactly(Step.KILLED);
  }

  @Test
  void waitsAreFedToThePressure() {
    try (var _ = killer.pressure().stall()) {
      tick();
      later(5 * MILLI);
    }
    later(5 * MILLI);
    assertThat(killer.pressure().figures(MemoryPressure.Kind.SOME).totalNanos())
        .isEqualTo(5 * MILLI);
  }
}
