package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import dev.octavo.allocator.oom.OomKiller.Shortage.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Kills that must not happen: the request is over, the release would not help, or the requester is
/// alone below its limit. And how a kill is published.
@Timeout(60)
class OomLastLookTest {

  private static final long PAGE = FakeHost.PAGE;
  private static final long CAPACITY = 1000 * PAGE;
  private static final long GRACE = 2_000_000_000;
  private static final long INTERVAL = 100_000_000;
  private static final Outcome WAIT = new Outcome.Wait();

  private final FakeHost host = new FakeHost(CAPACITY, 0);
  private final MemoryAccount root = host.root;
  private final MemoryAccount asking = root.child("asking").open();
  private OomKiller killer = builder().build();

  private OomKillerBuilder builder() {
    return OomKiller.of(host).clock(host.nanos::get).policyLimit(Duration.ofSeconds(30));
  }

  private static MemoryAccount open(MemoryAccount parent, String name, long pages) {
    MemoryAccount account = parent.child(name).reapable().open();
    account.charge(pages * PAGE);
    return account;
  }

  private static Shortage of(Kind kind, MemoryAccount domain, MemoryAccount requester, long pages) {
    return new Shortage(kind, domain, requester, pages * PAGE, "worker-3", "BLOCKING");
  }

  /// 100 pages are missing.
  private Outcome tick() {
    return killer.tick(of(Kind.PAGES, root, asking, 100));
  }

  private void later(long nanos) {
    host.nanos.addAndGet(nanos);
  }

  private List<Step> steps() {
    return killer.audit().last().stream().map(OomAudit.Entry::step).toList();
  }

  private static Outcome.Fail failure(Outcome outcome) {
    assertThat(outcome).isInstanceOf(Outcome.Fail.class);
    return (Outcome.Fail) outcome;
  }

  /// A policy that lets something happen before it decides.
  private OomKiller thinking(Runnable meanwhile) {
    return builder()
        .policy(
            snapshot -> {
              meanwhile.run();
              return OomPolicy.kernel().decide(snapshot);
            })
        .build();
  }

  // ---- the last look

  @Test
  void noAccountIsKilledForARequestThatDoesNotWait() {
    open(root, "big", 950);
    host.gone.add(asking);
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(killer.victim()).isEmpty();
    assertThat(killer.audit().episodes()).isZero();
  }

  @Test
  void noAccountIsKilledForARequestThatGivesUpWhileThePolicyThinks() {
    open(root, "big", 950);
    killer = thinking(() -> host.gone.add(asking));
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(killer.victim()).isEmpty();
    assertThat(host.published).isEmpty();
    assertThat(steps()).containsExactly(Step.RELIEVED);
  }

  @Test
  void aRunThatAppearsWhileThePolicyThinksWithdrawsTheKill() {
    open(root, "big", 600);
    MemoryAccount other = open(root, "other", 350);
    killer = thinking(() -> other.uncharge(50 * PAGE));
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(killer.victim()).isEmpty();
    assertThat(host.published).isEmpty();
    assertThat(steps()).containsExactly(Step.RELIEVED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(50 * PAGE);
    assertThat(killer.audit().episodes()).isEqualTo(1);
  }

  @Test
  void aRunThatAppearsWhileThePolicyThinksWithdrawsTheFailure() {
    MemoryAccount big = open(root, "big", 950);
    killer =
        builder()
            .policy(
                _ -> {
                  big.uncharge(50 * PAGE);
                  return new OomVerdict.FailRequester("so");
                })
            .build();
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(steps()).containsExactly(Step.RELIEVED);
  }

  @Test
  void aRunThatAppearsWhileAccountsAreRankedSparesThePolicy() {
    MemoryAccount big = open(root, "big", 950);
    int[] looks = new int[1];
    host.atLook = () -> big.uncharge(++looks[0] == 2 ? 50 * PAGE : 0);
    killer =
        builder()
            .policy(
                _ -> {
                  throw new AssertionError("asked");
                })
            .build();
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(looks[0]).isEqualTo(2);
    assertThat(killer.audit().last()).isEmpty();
  }

  @Test
  void roomBelowTheLimitIsEnoughWhateverElseIsFull() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    open(tenant, "inside", 50);
    MemoryAccount needy = tenant.child("needy").open();
    open(root, "outside", 950);
    assertThat(killer.tick(of(Kind.LIMIT, tenant, needy, 50))).isEqualTo(WAIT);
    assertThat(killer.audit().last()).isEmpty();
    killer.tick(of(Kind.LIMIT, tenant, needy, 51));
    assertThat(steps()).containsExactly(Step.KILLED);
  }

  @Test
  void freePagesAreNotEnoughForALimit() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount inside = open(tenant, "inside", 100);
    MemoryAccount needy = tenant.child("needy").open();
    killer.tick(of(Kind.LIMIT, tenant, needy, 1));
    assertThat(killer.victim()).contains(inside);
  }

  @Test
  void aLimitThatIsFullDoesNotMatterIfPagesAreMissing() {
    root.limits(MemoryAccount.Limits.ofMax(1000 * PAGE));
    open(root, "big", 950);
    root.limits(MemoryAccount.Limits.ofMax(900 * PAGE));
    killer.tick(of(Kind.PAGES, root, asking, 50));
    assertThat(killer.audit().last()).isEmpty();
  }

  @Test
  void roomThatComesWhileThePolicyThinksWithdrawsTheKill() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount inside = open(tenant, "inside", 95);
    MemoryAccount needy = tenant.child("needy").open();
    open(root, "outside", 905);
    killer = thinking(() -> inside.uncharge(5 * PAGE));
    assertThat(killer.tick(of(Kind.LIMIT, tenant, needy, 10))).isEqualTo(WAIT);
    assertThat(killer.victim()).isEmpty();
    assertThat(steps()).containsExactly(Step.RELIEVED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(5 * PAGE);
  }

  @Test
  void stocksGoBackBeforeALimitLacksRoom() {
    FakeHost stocked = new FakeHost(CAPACITY, 16 * PAGE);
    MemoryAccount tenant = stocked.root.child("tenant").max(500 * PAGE).open();
    MemoryAccount inside = tenant.child("inside").open();
    MemoryAccount needy = tenant.child("needy").open();
    inside.charge(1);
    inside.charge(500 * PAGE - tenant.reserved());
    assertThat(tenant.reserved()).as("with a stock").isEqualTo(500 * PAGE);
    killer = OomKiller.of(stocked).clock(stocked.nanos::get).build();
    killer.tick(of(Kind.LIMIT, tenant, needy, 16));
    assertThat(killer.audit().episodes()).isZero();
    killer.tick(of(Kind.LIMIT, tenant, needy, 17));
    assertThat(killer.victim()).contains(inside);
  }

  @Test
  void aVictimIsNotReapedForARequestThatDoesNotWait() {
    MemoryAccount big = open(root, "big", 950);
    tick();
    host.gone.add(asking);
    later(GRACE);
    tick();
    assertThat(host.reaped).isEmpty();
    assertThat(killer.victim()).isEmpty();
    assertThat(big.usage()).isEqualTo(950 * PAGE);
    assertThat(steps()).containsExactly(Step.KILLED, Step.RELIEVED);
  }

  @Test
  void aVictimIsNotReapedOnceTheLimitHasRoom() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount inside = open(tenant, "inside", 60);
    MemoryAccount second = open(tenant, "second", 40);
    MemoryAccount needy = tenant.child("needy").open();
    open(root, "outside", 900);
    killer.tick(of(Kind.LIMIT, tenant, needy, 10));
    assertThat(killer.victim()).contains(inside);
    second.uncharge(10 * PAGE);
    open(root, "more", 10);
    later(GRACE);
    killer.tick(of(Kind.LIMIT, tenant, needy, 10));
    assertThat(host.reaped).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.RELIEVED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(10 * PAGE);
  }

  @Test
  void theLookPrecedesEachTryOfTheReaper() {
    MemoryAccount big = open(root, "big", 950);
    host.refused.add(big);
    tick();
    later(GRACE);
    tick();
    later(INTERVAL);
    host.gone.add(asking);
    tick();
    assertThat(host.reaped).hasSize(1);
    assertThat(killer.victim()).isEmpty();
  }

  /// Requests whose deadlines are shorter than the grace period.
  @Test
  void aVictimIsHandedOnToTheNextRequest() {
    MemoryAccount big = open(root, "big", 950);
    MemoryAccount second = root.child("second").open();
    tick();
    host.gone.add(asking);
    later(GRACE);
    killer.tick(of(Kind.PAGES, root, second, 100));
    assertThat(host.reaped).containsExactly(big);
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  @Test
  void aVictimIsNotHandedOnToARequestThatItDoesNotHelp() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    open(tenant, "inside", 100);
    MemoryAccount big = open(root, "big", 850);
    MemoryAccount second = root.child("second").open();
    tick();
    assertThat(killer.victim()).contains(big);
    host.gone.add(asking);
    later(GRACE);
    assertThat(killer.tick(of(Kind.LIMIT, tenant, tenant, 10))).isEqualTo(WAIT);
    assertThat(killer.victim()).as("another domain").isEmpty();
    host.gone.clear();
    tick();
    host.gone.add(asking);
    host.useless.add(big);
    later(GRACE);
    killer.tick(of(Kind.PAGES, root, second, 100));
    assertThat(killer.victim()).as("useless").isEmpty();
    assertThat(host.reaped).isEmpty();
  }

  @Test
  void aVictimIsNotHandedOnToItself() {
    MemoryAccount big = open(root, "big", 950);
    tick();
    host.gone.add(asking);
    later(GRACE);
    assertThat(killer.tick(of(Kind.PAGES, root, big, 100))).isEqualTo(WAIT);
    assertThat(host.reaped).isEmpty();
    assertThat(killer.victim()).isEmpty();
  }

  @Test
  void stocksGoBackBeforeEachLookAtALimit() {
    FakeHost stocked = new FakeHost(CAPACITY, 16 * PAGE);
    MemoryAccount tenant = stocked.root.child("tenant").max(500 * PAGE).open();
    MemoryAccount inside = open(tenant, "inside", 460);
    MemoryAccount second = open(tenant, "second", 40);
    killer = OomKiller.of(stocked).clock(stocked.nanos::get).build();
    Shortage shortage = of(Kind.LIMIT, tenant, tenant, 10);
    killer.tick(shortage);
    assertThat(killer.victim()).contains(inside);
    second.uncharge(10 * PAGE);
    assertThat(tenant.reserved()).as("with a stock").isEqualTo(500 * PAGE);
    stocked.nanos.addAndGet(GRACE);
    killer.tick(shortage);
    assertThat(killer.victim()).isEmpty();
    assertThat(stocked.reaped).isEmpty();
  }

  // ---- accounts whose release helps

  @Test
  void onlyBytesThatHelpCount() {
    MemoryAccount charged = open(root, "charged", 600);
    MemoryAccount small = open(root, "small", 350);
    host.byHand.put(charged, 300 * PAGE);
    killer.tick(of(Kind.PAGES, root, asking, 100));
    assertThat(killer.victim()).contains(small);
    assertThat(host.published.getFirst().snapshot().find(charged.id()).orElseThrow())
        .extracting(OomCandidate::usageByteSize)
        .isEqualTo(300 * PAGE);
  }

  @Test
  void anAccountWithoutPagesIsShownAndNotChosen() {
    MemoryAccount charged = open(root, "charged", 600);
    MemoryAccount small = open(root, "small", 350);
    host.byHand.put(charged, 600 * PAGE);
    tick();
    assertThat(killer.victim()).contains(small);
    Outcome.Fail fail = host.published.getFirst();
    assertThat(fail.topConsumers().getFirst().name()).isEqualTo("engine/charged");
    assertThat(fail.table().lines().filter(line -> line.contains("engine/charged")))
        .singleElement()
        .asString()
        .contains(" 600 ")
        .contains(" ru ");
  }

  @Test
  void anAccountWhosePagesCannotFormTheRunIsNotChosen() {
    MemoryAccount scattered = open(root, "scattered", 600);
    MemoryAccount small = open(root, "small", 350);
    host.useless.add(scattered);
    tick();
    assertThat(killer.victim()).contains(small);
    host.useless.add(small);
    small.uncharge(350 * PAGE);
    tick();
    host.elsewhere = 350 * PAGE;
    Outcome.Fail fail = failure(tick());
    assertThat(fail.message()).startsWith("out of memory, no killable account: domain=engine");
    assertThat(fail.topConsumers()).extracting(OomCandidate::name).contains("engine/scattered");
  }

  @Test
  void aRequesterWhoseReleaseDoesNotHelpIsNotChosen() {
    asking.charge(950 * PAGE);
    host.useless.add(asking);
    assertThat(failure(tick()).message()).startsWith("out of memory, no killable account");
    assertThat(killer.victim()).isEmpty();
  }

  @Test
  void anAccountThatBecomesUselessWhileThePolicyThinksIsNotKilled() {
    MemoryAccount big = open(root, "big", 950);
    killer = thinking(() -> host.useless.add(big));
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(killer.victim()).isEmpty();
    assertThat(killer.audit().last()).isEmpty();
  }

  @Test
  void aVictimIsOverWhenItHoldsNothingThatHelps() {
    MemoryAccount big = open(root, "big", 950);
    host.byHand.put(big, 200 * PAGE);
    tick();
    big.uncharge(750 * PAGE);
    tick();
    assertThat(killer.victim()).isEmpty();
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
    assertThat(killer.audit().freedByteSize()).isEqualTo(750 * PAGE);
  }

  @Test
  void aMemberOfAGroupThatHoldsNothingThatHelpsIsNotReaped() {
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one = open(group, "one", 500);
    MemoryAccount two = open(group, "two", 450);
    host.byHand.put(two, 450 * PAGE);
    tick();
    later(GRACE);
    tick();
    assertThat(host.reaped).containsExactly(one);
    assertThat(killer.victim()).isEmpty();
  }

  @Test
  void aSkipEndsWhenHalfOfWhatHelpsIsReleased() {
    MemoryAccount big = open(root, "big", 950);
    host.byHand.put(big, 750 * PAGE);
    host.refused.add(big);
    tick();
    for (int i = 0; i <= 10; i++) {
      later(i == 0 ? GRACE : INTERVAL);
      tick();
    }
    assertThat(big.isSkipped()).isTrue();
    big.uncharge(100 * PAGE);
    host.elsewhere = 100 * PAGE;
    tick();
    assertThat(big.isSkipped()).isFalse();
    assertThat(killer.victim()).contains(big);
  }

  // ---- alone below a limit

  @Test
  void aRequesterAloneBelowItsLimitIsNeverChosen() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    tenant.charge(95 * PAGE);
    open(root, "outside", 900);
    for (OomPolicy policy : List.of(OomPolicy.kernel(), OomPolicy.failRequester())) {
      killer = builder().policy(policy).build();
      assertThat(killer.tick(of(Kind.LIMIT, tenant, tenant, 10))).isEqualTo(WAIT);
      assertThat(killer.victim()).isEmpty();
      assertThat(killer.audit().episodes()).isZero();
    }
    assertThat(host.published).isEmpty();
  }

  @Test
  void theMembersOfTheRequestersGroupAreNotOthers() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount group = tenant.child("group").group().open();
    MemoryAccount one = open(group, "one", 50);
    open(group, "two", 50);
    assertThat(killer.tick(of(Kind.LIMIT, tenant, one, 10))).isEqualTo(WAIT);
    assertThat(killer.audit().episodes()).isZero();
    MemoryAccount other = open(root, "outside", 10);
    other.transferTo(root.child("elsewhere").open(), 10 * PAGE);
    assertThat(killer.tick(of(Kind.LIMIT, tenant, one, 10))).isEqualTo(WAIT);
    assertThat(killer.audit().episodes()).isZero();
  }

  @Test
  void aRequesterMayBeChosenIfOthersShareItsLimit() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount needy = open(tenant, "needy", 90);
    MemoryAccount spared = open(tenant, "spared", 5);
    spared.scoreAdj(OomCandidate.NEVER_CHOSEN);
    failure(killer.tick(of(Kind.LIMIT, tenant, needy, 10)));
    assertThat(killer.victim()).contains(needy);
  }

  @Test
  void aRequesterFailsIfAllOthersBelowItsLimitAreProtected() {
    MemoryAccount tenant = root.child("tenant").max(100 * PAGE).open();
    MemoryAccount needy = tenant.child("needy").open();
    open(tenant, "spared", 95).scoreAdj(OomCandidate.NEVER_CHOSEN);
    assertThat(failure(killer.tick(of(Kind.LIMIT, tenant, needy, 10))).message())
        .isEqualTo(
            "out of memory, no killable account: domain=engine/tenant,"
                + " requester=engine/tenant/needy, request=40960B, free=20480B,"
                + " consumers=[engine/tenant/spared:389120B, engine/tenant/needy:0B]");
  }

  // ---- the kill is published

  @Test
  void theKillIsPublishedWithItsEpisodeAndVictim() {
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one = open(group, "one", 500);
    MemoryAccount two = open(group, "two", 450);
    List<Set<MemoryAccount>> told = new ArrayList<>();
    FakeHost publishing =
        new FakeHost(CAPACITY, 0) {
          @Override
          public boolean isEnough(Shortage shortage) {
            return false;
          }

          @Override
          public void chosen(Set<MemoryAccount> members, Outcome.Fail failure) {
            assertThat(killer.isVictim(one)).isTrue();
            assertThat(killer.tick(of(Kind.PAGES, root, two, 1))).as("nested").isEqualTo(WAIT);
            told.add(members);
            super.chosen(members, failure);
          }
        };
    killer = OomKiller.of(publishing).clock(host.nanos::get).build();
    assertThat(tick()).isEqualTo(WAIT);
    assertThat(told).containsExactly(Set.of(group, one, two));
    Outcome.Fail fail = publishing.published.getFirst().forRequest(of(Kind.PAGES, root, two, 3));
    assertThat(fail.message())
        .startsWith(
            "out of memory, requester is the victim of episode 1: victim=engine/group,"
                + " domain=engine, requester=engine/group/two, request=12288B");
    assertThat(failure(killer.tick(of(Kind.PAGES, root, two, 3)))).isEqualTo(fail);
  }

  @Test
  void aHostThatFailsToPublishDoesNoHarm() {
    FakeHost failing =
        new FakeHost(CAPACITY, 0) {
          @Override
          public void chosen(Set<MemoryAccount> members, Outcome.Fail failure) {
            throw new AssertionError("on purpose");
          }
        };
    MemoryAccount big = open(failing.root, "big", 950);
    killer = OomKiller.of(failing).clock(failing.nanos::get).build();
    Shortage shortage = of(Kind.PAGES, failing.root, failing.root, 100);
    assertThat(killer.tick(shortage)).isEqualTo(WAIT);
    assertThat(killer.victim()).contains(big);
    failing.nanos.addAndGet(GRACE);
    killer.tick(shortage);
    assertThat(steps()).containsExactly(Step.KILLED, Step.REAPED);
  }

  /// Between the last look and the publication the host is asked nothing.
  @Test
  void nothingIsBetweenTheLastLookAndThePublication() {
    List<String> calls = new ArrayList<>();
    FakeHost writing =
        new FakeHost(CAPACITY, 0) {
          @Override
          public boolean isEnough(Shortage shortage) {
            calls.add("isEnough");
            return super.isEnough(shortage);
          }

          @Override
          public long helpfulByteSize(Shortage shortage, MemoryAccount account) {
            calls.add("helpfulByteSize");
            return super.helpfulByteSize(shortage, account);
          }

          @Override
          public void chosen(Set<MemoryAccount> members, Outcome.Fail failure) {
            calls.add("chosen");
          }
        };
    open(writing.root, "big", 950);
    killer =
        OomKiller.of(writing)
            .clock(writing.nanos::get)
            .policyLimit(Duration.ofSeconds(30))
            .policy(
                snapshot -> {
                  calls.add("policy");
                  return OomPolicy.kernel().decide(snapshot);
                })
            .build();
    killer.tick(of(Kind.PAGES, writing.root, writing.root, 100));
    assertThat(calls).endsWith("isEnough", "chosen");
    assertThat(calls.subList(0, calls.indexOf("policy"))).endsWith("isEnough");
  }
}
