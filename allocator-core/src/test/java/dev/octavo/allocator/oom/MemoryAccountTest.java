package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.MemoryAccountException.Reason;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class MemoryAccountTest {

  private static final long KIB = 1 << 10;
  private static final long BATCH = 64 * KIB;

  private final AtomicLong clock = new AtomicLong(100);
  private final MemoryAccount root =
      MemoryAccount.root("engine").batch(BATCH).clock(clock::get).max(64 * BATCH).open();

  private static MemoryAccountException refusal(ThrowingCallable call) {
    return catchThrowableOfType(MemoryAccountException.class, call);
  }

  // ---- charging

  @Test
  void aChargeCountsForAllAbove() {
    MemoryAccount queries = root.child("queries").open();
    MemoryAccount one = queries.child("q1").open();
    one.charge(10 * KIB);
    queries.charge(KIB);
    assertThat(one.usage()).isEqualTo(10 * KIB);
    assertThat(queries.usage()).isEqualTo(11 * KIB);
    assertThat(queries.ownUsage()).isEqualTo(KIB);
    assertThat(root.usage()).isEqualTo(11 * KIB);
    assertThat(root.ownUsage()).isZero();
    one.uncharge(4 * KIB);
    assertThat(root.usage()).isEqualTo(7 * KIB);
  }

  @Test
  void theLowestAccountWithoutRoomIsTheDomain() {
    MemoryAccount tight = root.child("tight").max(3 * KIB).open();
    MemoryAccount leaf = tight.child("leaf").max(100 * KIB).open();
    assertThat(leaf.tryCharge(4 * KIB)).containsSame(tight);
    assertThat(leaf.tryCharge(101 * KIB)).containsSame(leaf);
    assertThat(leaf.tryCharge(3 * KIB)).isEmpty();
    assertThat(root.tryCharge(64 * BATCH)).containsSame(root);
    MemoryAccountException refused = refusal(() -> leaf.charge(1));
    assertThat(refused.reason()).isEqualTo(Reason.LIMIT);
    assertThat(refused.account()).isEqualTo("engine/tight");
    assertThat(refused)
        .hasMessage(
            "account has reached its max: account=engine/tight, byteSize=1,"
                + " requester=engine/tight/leaf, usage=3072, max=3072");
  }

  @Test
  void aRefusedChargeIsRolledBackOnEveryLevel() {
    MemoryAccount tight = root.child("tight").max(3 * KIB).strict().open();
    MemoryAccount leaf = tight.child("leaf").open().child("deeper").open();
    assertThat(leaf.tryCharge(4 * KIB)).containsSame(tight);
    assertThat(leaf.reserved()).isZero();
    assertThat(leaf.peak()).isZero();
    assertThat(leaf.parent().orElseThrow().reserved()).isZero();
    assertThat(tight.reserved()).isZero();
    assertThat(root.reserved()).isZero();
  }

  @Test
  void aThreadChargesInAdvanceAndTheUsageDoesNotShowIt() {
    MemoryAccount cache = root.child("cache").open();
    cache.charge(KIB);
    assertThat(cache.reserved()).isEqualTo(BATCH + KIB);
    assertThat(cache.usage()).isEqualTo(KIB);
    long reserved = root.reserved();
    cache.charge(KIB);
    assertThat(root.reserved()).isEqualTo(reserved);
    assertThat(cache.usage()).isEqualTo(2 * KIB);
    assertThat(root.drain()).isEqualTo(BATCH - KIB);
    assertThat(cache.reserved()).isEqualTo(2 * KIB);
    assertThat(root.reserved()).isEqualTo(2 * KIB);
  }

  @Test
  void aThreadHasAStockAgainAfterADrain() {
    for (int i = 1; i <= 3; i++) {
      root.charge(1);
      assertThat(root.reserved()).isEqualTo(BATCH + i);
      assertThat(root.drain()).isEqualTo(BATCH);
    }
  }

  @Test
  void aStockIsBoundedByTwoBatches() {
    MemoryAccount cache = root.child("cache").open();
    for (int i = 0; i < 10; i++) {
      cache.charge(BATCH);
    }
    for (int i = 0; i < 10; i++) {
      cache.uncharge(BATCH);
      assertThat(cache.reserved() - cache.usage()).isLessThanOrEqualTo(2 * BATCH);
    }
    assertThat(cache.usage()).isZero();
  }

  @Test
  void stocksGoBackBeforeAChargeIsRefused() {
    MemoryAccount idle = root.child("idle").open();
    idle.charge(1);
    assertThat(idle.reserved()).isEqualTo(BATCH + 1);
    MemoryAccount greedy = root.child("greedy").open();
    assertThat(greedy.tryCharge(64 * BATCH)).containsSame(root);
    assertThat(greedy.tryCharge(64 * BATCH - 1)).isEmpty();
    assertThat(root.reserved()).isEqualTo(64 * BATCH);
    assertThat(idle.usage()).isEqualTo(1);
  }

  @Test
  void stocksOfEachDomainOnTheWayGoBack() {
    MemoryAccount outer = root.child("outer").max(20 * BATCH).open();
    MemoryAccount inner = outer.child("inner").max(15 * BATCH).open();
    MemoryAccount besides = outer.child("besides").open();
    inner.charge(1);
    besides.charge(5 * BATCH);
    besides.charge(1);
    besides.uncharge(2);
    assertThat(inner.tryCharge(15 * BATCH - 1)).isEmpty();
    assertThat(outer.usage()).isEqualTo(20 * BATCH - 1);
  }

  @Test
  void aStrictAccountHasNoStockAndNeitherHaveThoseBelow() {
    MemoryAccount strict = root.child("strict").strict().open();
    MemoryAccount below = strict.child("below").open();
    below.charge(5);
    strict.charge(7);
    assertThat(below.isStrict()).isTrue();
    assertThat(strict.reserved()).isEqualTo(12);
    assertThat(strict.peak()).isEqualTo(12);
    below.uncharge(5);
    assertThat(strict.reserved()).isEqualTo(7);
    assertThat(strict.peak()).isEqualTo(12);
  }

  @Test
  void virtualThreadsHaveNoStock() throws InterruptedException {
    MemoryAccount cache = root.child("cache").open();
    Thread.ofVirtual().start(() -> cache.charge(5)).join();
    assertThat(cache.reserved()).isEqualTo(5);
  }

  @Test
  void stocksOfDeadThreadsAreFoundAndTheirPlacesUsedAgain() throws InterruptedException {
    MemoryAccount cache = root.child("cache").open();
    for (int i = 0; i < 100; i++) {
      Thread.ofPlatform().start(() -> cache.charge(1)).join();
      assertThat(cache.reserved()).isLessThanOrEqualTo(32 * BATCH + 100);
    }
    assertThat(cache.usage()).isEqualTo(100);
    cache.drain();
    assertThat(cache.reserved()).isEqualTo(100);
  }

  @Test
  void noLimitIsEverExceededByOverflow() {
    MemoryAccount endless = MemoryAccount.root("endless").open();
    endless.charge(Long.MAX_VALUE - 1);
    assertThat(endless.tryCharge(2)).containsSame(endless);
    endless.charge(1);
    assertThat(endless.usage()).isEqualTo(Long.MAX_VALUE);
    endless.uncharge(Long.MAX_VALUE);
    assertThat(endless.usage()).isZero();
  }

  // ---- marks

  @Test
  void overHighIsJudgedWithoutStocks() {
    root.limits(new Limits(0, 0, 10, 64 * BATCH));
    root.charge(10);
    assertThat(root.reserved()).isGreaterThan(10);
    assertThat(root.isOverHigh()).isFalse();
    root.charge(1);
    assertThat(root.isOverHigh()).isTrue();
  }

  @Test
  void aMaxBelowTheUsageRefusesWhatComes() {
    MemoryAccount strict = root.child("strict").strict().open();
    for (MemoryAccount account : new MemoryAccount[] {strict, root}) {
      account.charge(100);
      account.limits(Limits.ofMax(50));
      assertThat(account.tryCharge(1)).containsSame(account);
      account.uncharge(60);
      assertThat(account.tryCharge(10)).isEmpty();
      account.drain();
      assertThat(account.tryCharge(1)).containsSame(account);
      account.uncharge(50);
    }
  }

  // ---- transfer

  @Test
  void aTransferMovesBytesAndLeavesThoseAboveBoth() {
    MemoryAccount a = root.child("a").open();
    MemoryAccount b = root.child("b").open().child("c").open();
    root.limits(Limits.ofMax(100));
    a.charge(90);
    a.transferTo(b, 60);
    assertThat(a.usage()).isEqualTo(30);
    assertThat(b.usage()).isEqualTo(60);
    assertThat(root.usage()).isEqualTo(90);
    assertThat(root.peak()).isEqualTo(90);
    b.transferTo(root, 60);
    assertThat(b.parent().orElseThrow().usage()).isZero();
    assertThat(root.ownUsage()).isEqualTo(60);
    root.transferTo(b, 10);
    a.transferTo(a, 30);
    assertThat(root.usage()).isEqualTo(90);
    MemoryAccount other = MemoryAccount.root("other").open();
    a.transferTo(other, 30);
    assertThat(root.usage()).isEqualTo(60);
    assertThat(other.usage()).isEqualTo(30);
  }

  @Test
  void aRefusedTransferChangesNothing() {
    MemoryAccount a = root.child("a").open();
    MemoryAccount b = root.child("b").max(5).open();
    a.charge(10);
    assertThat(refusal(() -> a.transferTo(b, 6)).account()).isEqualTo("engine/b");
    assertThat(refusal(() -> a.transferTo(b, 11)).reason()).isEqualTo(Reason.UNDERFLOW);
    b.close();
    assertThat(refusal(() -> a.transferTo(b, 1)).reason()).isEqualTo(Reason.CLOSED);
    assertThat(a.usage()).isEqualTo(10);
    assertThat(root.usage()).isEqualTo(10);
    a.uncharge(10);
    a.close();
    assertThat(refusal(() -> a.transferTo(root, 0)).reason()).isEqualTo(Reason.CLOSED);
  }

  // ---- mistakes

  @Test
  void moreThanWasChargedIsRefused() {
    MemoryAccount below = root.child("below").open();
    below.charge(50);
    root.charge(10);
    assertThat(refusal(() -> root.uncharge(11)))
        .hasMessage("more than was charged: account=engine, byteSize=11, charged=10");
    assertThat(refusal(() -> below.uncharge(51)).reason()).isEqualTo(Reason.UNDERFLOW);
    assertThat(refusal(() -> below.uncharge(Long.MAX_VALUE)).reason()).isEqualTo(Reason.UNDERFLOW);
    assertThat(root.usage()).isEqualTo(60);
    below.uncharge(50);
    assertThat(refusal(() -> below.uncharge(1)).reason()).isEqualTo(Reason.UNDERFLOW);
    assertThat(root.usage()).isEqualTo(10);
  }

  @Test
  void negativeSizesAreRefused() {
    root.charge(10);
    for (ThrowingCallable call :
        new ThrowingCallable[] {
          () -> root.charge(-1),
          () -> root.tryCharge(-1),
          () -> root.uncharge(-1),
          () -> root.transferTo(root.child("x").open(), -1)
        }) {
      assertThatIllegalArgumentException()
          .isThrownBy(call)
          .withMessage("negative size: byteSize=-1");
    }
    assertThat(root.usage()).isEqualTo(10);
  }

  @Test
  void marksOutOfOrderAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Limits(1, 0, 2, 3))
        .withMessage(
            "not in the order 0 <= min <= low <= high <= max: min=1, low=0, high=2, max=3");
    assertThatIllegalArgumentException().isThrownBy(() -> Limits.ofMax(-1));
  }

  @Test
  void badSettingsAreRefused() {
    for (String name : new String[] {"", "a b", "a/b", "a,b", "a\n", "x".repeat(101)}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MemoryAccount.root(name))
          .withMessageStartingWith("name is not 1 to 100 characters");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> root.child("a").scoreAdj(-1001))
        .withMessage("scoreAdj is not in -1000..1000: scoreAdj=-1001");
    assertThatIllegalArgumentException().isThrownBy(() -> root.scoreAdj(1001));
    assertThatIllegalArgumentException().isThrownBy(() -> root.child("a").batch(5));
    assertThatIllegalArgumentException().isThrownBy(() -> MemoryAccount.root("a").batch(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> root.child("a").clock(() -> 0));
  }

  // ---- life

  @Test
  void anAccountInUseOrWithChildrenStaysOpen() {
    MemoryAccount a = root.child("a").open();
    a.charge(1);
    assertThat(refusal(root::close))
        .hasMessage("account has open children: account=engine, children=1");
    assertThat(refusal(a::close)).hasMessage("account is in use: account=engine/a, usage=1");
    a.charge(1);
    a.uncharge(2);
    a.close();
    a.close();
    assertThat(a.isClosed()).isTrue();
    assertThat(root.children()).isEmpty();
    root.close();
    assertThat(root.isClosed()).isTrue();
  }

  @Test
  void aClosedAccountRefusesCharges() {
    MemoryAccount a = root.child("a").open();
    a.charge(1);
    a.uncharge(1);
    a.close();
    assertThat(refusal(() -> a.charge(1))).hasMessage("account is closed: account=engine/a");
    assertThat(refusal(() -> a.tryCharge(BATCH * 2)).reason()).isEqualTo(Reason.CLOSED);
    assertThat(refusal(() -> a.uncharge(1)).reason()).isEqualTo(Reason.UNDERFLOW);
    assertThat(refusal(() -> a.child("b").open()).reason()).isEqualTo(Reason.CLOSED);
    assertThat(a.usage()).isZero();
    assertThat(root.usage()).isZero();
  }

  @Test
  void namesOfOpenSiblingsDiffer() {
    MemoryAccount a = root.child("a").open();
    assertThat(refusal(() -> root.child("a").open()))
        .hasMessage("child of this name is open: account=engine, name=a");
    a.close();
    MemoryAccount again = root.child("a").open();
    assertThat(again.id()).isGreaterThan(a.id());
    assertThat(again.path()).isEqualTo("engine/a");
    assertThat(root.find(again.id())).containsSame(again);
    assertThat(root.find(a.id())).isEmpty();
  }

  @Test
  void childrenInheritWhatAProcessInherits() {
    MemoryAccount a = root.child("a").scoreAdj(-1000).preference(Preference.AVOID).open();
    MemoryAccount b = a.child("b").open();
    assertThat(b.scoreAdj()).isEqualTo(-1000);
    assertThat(b.preference()).isEqualTo(Preference.AVOID);
    assertThat(b.isGroup()).isFalse();
    a.scoreAdj(7);
    assertThat(b.scoreAdj()).isEqualTo(-1000);
  }

  // ---- as data

  private static OomSnapshot.Request request(long byteSize) {
    return OomSnapshot.Request.of("test", "BLOCKING", byteSize, 4096);
  }

  @Test
  void theSnapshotHasWhoUsesMemoryAndTheRequester() {
    MemoryAccount a = root.child("a").limits(new Limits(1, 2, 3, BATCH)).reapable().open();
    MemoryAccount idle = root.child("idle").open();
    MemoryAccount asks = root.child("asks").open();
    a.charge(1000);
    a.child("below").open().charge(50);
    clock.set(175);
    OomSnapshot snapshot = root.snapshot(asks, request(77), Long.MAX_VALUE, 5);
    assertThat(snapshot.candidates())
        .extracting(OomCandidate::name)
        .containsExactlyInAnyOrder("engine/a", "engine/a/below", "engine/asks");
    assertThat(snapshot.find(a.id()).orElseThrow())
        .isEqualTo(
            new OomCandidate(
                a.id(),
                "engine/a",
                root.id(),
                1000,
                2,
                0,
                Preference.NORMAL,
                75,
                false,
                true,
                false));
    assertThat(snapshot.find(idle.id())).isEmpty();
    assertThat(snapshot.totalByteSize()).isEqualTo(64 * BATCH);
    assertThat(snapshot.freeByteSize()).isEqualTo(64 * BATCH - 1050);
    assertThat(snapshot.request().candidateId()).isEqualTo(asks.id());
    assertThat(root.reserved()).isEqualTo(1050);
    assertThat(root.snapshot(asks, request(1), 500, 5).totalByteSize()).isEqualTo(500);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> asks.snapshot(root, request(1), 500, 5))
        .withMessage("not an account of this domain: account=engine, domain=engine/asks");
  }

  @Test
  void aGroupIsOneCandidateAndDiesWholeButForThoseSpared() {
    MemoryAccount group = root.child("group").group().open();
    MemoryAccount one = group.child("one").open();
    MemoryAccount inner = group.child("inner").group().open();
    MemoryAccount two = inner.child("two").open();
    MemoryAccount spared = group.child("spared").scoreAdj(-1000).open();
    MemoryAccount never = group.child("never").preference(Preference.NEVER).open();
    one.charge(1);
    two.charge(10);
    spared.charge(100);
    never.charge(1000);
    OomSnapshot snapshot = root.snapshot(two, request(5), 1 << 20, 0);
    assertThat(snapshot.candidates())
        .singleElement()
        .satisfies(
            candidate -> {
              assertThat(candidate.id()).isEqualTo(group.id());
              assertThat(candidate.usageByteSize()).isEqualTo(11);
              assertThat(candidate.isGroup()).isTrue();
            });
    assertThat(snapshot.request().candidateId()).isEqualTo(group.id());
    assertThat(group.victims()).containsExactlyInAnyOrder(group, one, inner, two);
    assertThat(one.victims()).containsExactly(one);
    assertThat(OomPolicy.kernel().decide(snapshot)).isInstanceOf(OomVerdict.KillGroup.class);
    assertThat(inner.snapshot(two, request(5), 1 << 20, 0).request().candidateId())
        .isEqualTo(inner.id());
  }

  @Test
  void aSkippedAccountIsNotChosen() {
    MemoryAccount a = root.child("a").open();
    a.charge(5);
    a.skip(true);
    assertThat(OomPolicy.kernel().decide(root.snapshot(a, request(5), 1 << 20, 0)))
        .isEqualTo(new OomVerdict.FailRequester("no killable account"));
    a.skip(false);
    assertThat(OomPolicy.kernel().decide(root.snapshot(a, request(5), 1 << 20, 0)).victim())
        .isPresent();
  }

  @Test
  void handlersAreKept() {
    assertThat(root.handler()).isEmpty();
    MemoryAccount.OomHandler handler = notice -> notice.account().uncharge(5);
    MemoryAccount a = root.child("a").handler(handler).open();
    a.charge(5);
    a.handler().orElseThrow().onOutOfMemory(new MemoryAccount.Notice(a, 1, 5));
    assertThat(a.usage()).isZero();
    assertThatExceptionOfType(MemoryAccountException.class).isThrownBy(() -> a.uncharge(1));
  }
}
