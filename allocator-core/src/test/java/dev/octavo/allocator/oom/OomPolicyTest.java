package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// Policies by example, and what becomes of their mistakes.
class OomPolicyTest {

  private static final OomCandidate SMALL = OomCandidate.of(1, "d/small", 100);
  private static final OomCandidate LARGE = OomCandidate.of(2, "d/large", 900);
  private static final OomCandidate SAFE = OomCandidate.of(3, "d/safe", 5000).withScoreAdj(-1000);
  private static final OomSnapshot SNAPSHOT = snapshot(1000, SMALL, LARGE, SAFE);

  private final List<String> mistakes = new ArrayList<>();

  private static OomSnapshot snapshot(long total, OomCandidate... candidates) {
    return new OomSnapshot(
        "d",
        total,
        0,
        OomSnapshot.Request.of("test", "BLOCKING", 50, 1),
        OomSnapshot.NO_VICTIM,
        List.of(candidates));
  }

  // ---- scores

  @Test
  void theScoreIsThousandthsOfTheTotalAndTheAdj() {
    assertThat(SNAPSHOT.score(SMALL)).isEqualTo(100);
    assertThat(SNAPSHOT.score(SMALL.withScoreAdj(500))).isEqualTo(600);
    assertThat(SNAPSHOT.score(LARGE.withScoreAdj(500))).isEqualTo(1000);
    assertThat(SNAPSHOT.score(SMALL.withScoreAdj(-500))).isEqualTo(1);
    assertThat(SNAPSHOT.score(SAFE)).isZero();
    assertThat(SNAPSHOT.score(SMALL.withPreference(Preference.NEVER))).isZero();
    assertThat(SNAPSHOT.score(OomCandidate.of(4, "idle", 0))).isZero();
  }

  /// Linux divides the total by 1000 first, so that below 1000 pages no adj does anything.
  @Test
  void anAdjCountsOnTheSmallestMachine() {
    OomCandidate a = OomCandidate.of(1, "a", 3);
    OomCandidate b = OomCandidate.of(2, "b", 4).withScoreAdj(-200);
    assertThat(OomPolicy.kernel().decide(snapshot(10, a, b)).victim()).contains(a);
  }

  @Test
  void theRequestCountsForWhoAsks() {
    OomSnapshot asked =
        new OomSnapshot(
            "d",
            1000,
            0,
            OomSnapshot.Request.of("test", "BLOCKING", 850, 1).by(1, 0),
            OomSnapshot.NO_VICTIM,
            List.of(SMALL, LARGE));
    assertThat(asked.score(SMALL)).isEqualTo(950);
    assertThat(OomPolicy.kernel().decide(asked).victim()).contains(SMALL);
  }

  @Test
  void badNumbersAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OomCandidate.of(1, "a", -1))
        .withMessage("negative: usageByteSize=-1, lowByteSize=0, ageNanos=0");
    assertThatIllegalArgumentException().isThrownBy(() -> SMALL.withScoreAdj(-1001));
    assertThatIllegalArgumentException().isThrownBy(() -> snapshot(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OomSnapshot.Request.of("a", "b", 5, 0))
        .withMessageStartingWith("byteSize is negative or pageByteSize not in 1..2^30");
  }

  // ---- built in

  @Test
  void builtInPoliciesDoWhatTheirNamesSay() {
    OomCandidate old =
        new OomCandidate(
            9, "d/old", 0, 950, 0, -300, Preference.NORMAL, 1L << 40, true, false, false);
    OomSnapshot all = snapshot(1000, SMALL, LARGE, SAFE, old);
    assertThat(OomPolicy.kernel().decide(all)).isEqualTo(new OomVerdict.Kill(LARGE));
    assertThat(OomPolicy.largest().decide(all)).isEqualTo(new OomVerdict.KillGroup(old));
    assertThat(OomPolicy.bestFit().decide(all)).isEqualTo(new OomVerdict.Kill(SMALL));
    assertThat(OomPolicy.leastWastedWork().decide(all)).isEqualTo(new OomVerdict.Kill(LARGE));
    assertThat(OomPolicy.failRequester().decide(all)).isInstanceOf(OomVerdict.FailRequester.class);
    assertThat(OomPolicy.none().decide(all)).isEqualTo(new OomVerdict.Nothing());
  }

  private static OomSnapshot askedBy(OomCandidate requester, OomCandidate... candidates) {
    return new OomSnapshot(
        "d",
        1000,
        0,
        OomSnapshot.Request.of("test", "BLOCKING", 50, 1).by(requester.id(), 0),
        OomSnapshot.NO_VICTIM,
        List.of(candidates));
  }

  @Test
  void bestFitSparesTheRequesterWhileAnotherSuffices() {
    OomCandidate tiny = OomCandidate.of(5, "d/tiny", 49);
    OomCandidate tinier = OomCandidate.of(6, "d/tinier", 48);
    assertThat(OomPolicy.bestFit().decide(askedBy(SMALL, SMALL, LARGE, tiny)).victim())
        .as("the smallest other that suffices")
        .contains(LARGE);
    assertThat(OomPolicy.bestFit().decide(askedBy(SMALL, SMALL, SAFE, tiny)).victim())
        .as("the requester if only it suffices")
        .contains(SMALL);
    assertThat(OomPolicy.bestFit().decide(askedBy(tiny, tiny, tinier)).victim())
        .as("the largest if none suffices")
        .contains(tiny);
    OomCandidate avoided = LARGE.withPreference(Preference.AVOID);
    assertThat(OomPolicy.bestFit().decide(askedBy(SMALL, SMALL, avoided)).victim())
        .as("within a preference")
        .contains(SMALL);
  }

  @Test
  void aUselessCandidateIsNeverChosen() {
    for (OomPolicy policy :
        List.of(
            OomPolicy.kernel(),
            OomPolicy.largest(),
            OomPolicy.bestFit(),
            OomPolicy.leastWastedWork())) {
      assertThat(policy.decide(snapshot(1000, SMALL, LARGE.asUseless())).victim()).contains(SMALL);
      assertThat(policy.decide(snapshot(1000, LARGE.asUseless())))
          .isEqualTo(new OomVerdict.FailRequester("no killable account"));
    }
    assertThat(contained(s -> OomVerdict.kill(LARGE), snapshot(1000, SMALL, LARGE.asUseless())))
        .isEqualTo(new OomVerdict.Kill(SMALL));
  }

  @Test
  void nobodyIsChosenWhileAVictimIsInFlight() {
    assertThat(OomPolicy.kernel().decide(SNAPSHOT.withVictim(7)))
        .isEqualTo(new OomVerdict.WaitForVictim(7));
  }

  @Test
  void withoutAnybodyToChooseTheRequesterFails() {
    assertThat(OomPolicy.bestFit().decide(snapshot(1000, SAFE)))
        .isEqualTo(new OomVerdict.FailRequester("no killable account"));
  }

  @Test
  void siblingsAreTheChildrenOfTheSameAccount() {
    OomCandidate sibling =
        new OomCandidate(5, "d/s", 44, 10, 0, 0, Preference.NORMAL, 0, false, false, false);
    OomSnapshot all =
        new OomSnapshot(
            "d",
            1000,
            0,
            OomSnapshot.Request.of("test", "BLOCKING", 850, 1).by(0, 44),
            OomSnapshot.NO_VICTIM,
            List.of(SMALL, LARGE, sibling));
    assertThat(OomPolicy.kernel().amongSiblings().decide(all).victim()).contains(sibling);
  }

  // ---- mistakes

  private OomVerdict contained(OomPolicy policy, OomSnapshot snapshot) {
    return policy.contained(Duration.ofSeconds(60), mistakes::add).decide(snapshot);
  }

  private void assertDefaultDecides(OomPolicy policy, String mistake) {
    assertThat(contained(policy, SNAPSHOT)).isEqualTo(new OomVerdict.Kill(LARGE));
    assertThat(mistakes).containsExactly(mistake);
  }

  @Test
  void aPolicyThatBehavesDecides() {
    assertThat(contained(s -> OomVerdict.kill(SMALL), SNAPSHOT))
        .isEqualTo(new OomVerdict.Kill(SMALL));
    assertThat(contained(s -> new OomVerdict.Nothing(), SNAPSHOT))
        .isEqualTo(new OomVerdict.Nothing());
    assertThat(contained(s -> new OomVerdict.FailRequester("so"), SNAPSHOT))
        .isEqualTo(new OomVerdict.FailRequester("so"));
    assertThat(contained(s -> new OomVerdict.WaitForVictim(7), SNAPSHOT.withVictim(7)))
        .isEqualTo(new OomVerdict.WaitForVictim(7));
    assertThat(contained(OomPolicy.largest(), SNAPSHOT)).isEqualTo(new OomVerdict.Kill(LARGE));
    assertThat(mistakes).isEmpty();
  }

  @Test
  void aPolicyThatThrows() {
    assertDefaultDecides(
        s -> {
          throw new IllegalStateException("oops");
        },
        "policy threw: exception=java.lang.IllegalStateException: oops");
  }

  @Test
  void aPolicyThatOverflowsItsStack() {
    OomPolicy endless =
        new OomPolicy() {
          @Override
          @SuppressWarnings("InfiniteRecursion")
          public OomVerdict decide(OomSnapshot snapshot) {
            return decide(snapshot);
          }
        };
    assertDefaultDecides(endless, "policy threw: exception=java.lang.StackOverflowError");
  }

  @Test
  @SuppressWarnings("NullAway") // that is the mistake
  void aPolicyThatReturnsNull() {
    assertDefaultDecides(s -> null, "policy returned null");
  }

  @Test
  @SuppressWarnings("NullAway") // that is the mistake
  void aPolicyThatNamesNobody() {
    assertDefaultDecides(s -> new OomVerdict.Kill(null), "policy named nobody");
  }

  @Test
  void aPolicyThatNamesAProtectedAccount() {
    assertDefaultDecides(
        s -> OomVerdict.kill(SAFE),
        "policy named an unknown or protected account: id=3, name=d/safe");
  }

  /// Its own record says that it may be chosen.
  @Test
  void aPolicyThatForges() {
    assertDefaultDecides(
        s -> OomVerdict.kill(SAFE.withScoreAdj(0)),
        "policy named an unknown or protected account: id=3, name=d/safe");
  }

  @Test
  void aPolicyThatNamesAnUnknownAccount() {
    assertDefaultDecides(
        s -> OomVerdict.kill(OomCandidate.of(99, "x", 5)),
        "policy named an unknown or protected account: id=99, name=x");
  }

  @Test
  void aPolicyThatWaitsForNobody() {
    assertDefaultDecides(s -> new OomVerdict.WaitForVictim(1), "policy waits for no victim: id=1");
  }

  @Test
  void aPolicyThatWantsASecondVictim() {
    assertThat(contained(s -> OomVerdict.kill(SMALL), SNAPSHOT.withVictim(2)))
        .isEqualTo(new OomVerdict.WaitForVictim(2));
    assertThat(mistakes).containsExactly("policy wants a second victim: name=d/small");
  }

  @Test
  void whatAPolicyProtectsTheDefaultProtects() {
    OomPolicy throwing =
        s -> {
          throw new IllegalStateException("oops");
        };
    assertThat(contained(throwing.protecting(LARGE::equals), SNAPSHOT))
        .isEqualTo(new OomVerdict.Kill(SMALL));
    assertThat(contained(throwing.protecting(LARGE::equals).preferring(c -> true), SNAPSHOT))
        .isEqualTo(new OomVerdict.Kill(SMALL));
  }

  @Test
  void whoMakesAPredicateThrowIsProtected() {
    OomPolicy policy =
        OomPolicy.kernel()
            .protecting(
                candidate -> {
                  if (candidate.equals(LARGE)) {
                    throw new IllegalStateException("oops");
                  }
                  return false;
                });
    assertThat(contained(policy, SNAPSHOT)).isEqualTo(new OomVerdict.Kill(SMALL));
    assertThat(mistakes)
        .containsExactly("policy threw: exception=java.lang.IllegalStateException: oops");
  }

  @Test
  void aReportThatThrowsDoesNoHarm() {
    OomPolicy policy =
        ((OomPolicy) s -> OomVerdict.kill(SAFE))
            .contained(
                Duration.ofSeconds(60),
                mistake -> {
                  throw new IllegalStateException("oops");
                });
    assertThat(policy.decide(SNAPSHOT)).isEqualTo(new OomVerdict.Kill(LARGE));
  }

  private static <T> T hang(CountDownLatch end, T result) {
    boolean isOver = false;
    while (!isOver) {
      try {
        end.await();
        isOver = true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    return result;
  }

  @Test
  void aPolicyThatHangsIsLeftBehindAndNotMoreThanFourTimes() {
    CountDownLatch end = new CountDownLatch(1);
    OomPolicy hanging = s -> hang(end, OomVerdict.kill(SMALL));
    OomPolicy policy = hanging.contained(Duration.ofMillis(500), mistakes::add);
    for (int i = 0; i < 4; i++) {
      assertThat(policy.decide(SNAPSHOT)).isEqualTo(new OomVerdict.Kill(LARGE));
    }
    assertThat(mistakes).hasSize(4).containsOnly("policy overran its time: limit=PT0.5S");
    assertThat(policy.decide(SNAPSHOT))
        .isEqualTo(new OomVerdict.FailRequester("policy hangs: threads=4"));
    end.countDown();
  }

  @Test
  void ifAPredicateHangsNobodyIsChosen() {
    CountDownLatch end = new CountDownLatch(1);
    OomPolicy policy =
        OomPolicy.kernel()
            .protecting(candidate -> hang(end, false))
            .contained(Duration.ofMillis(5), mistakes::add);
    assertThat(policy.decide(SNAPSHOT)).isInstanceOf(OomVerdict.FailRequester.class);
    assertThat(mistakes)
        .containsExactly("policy overran its time before it said whom to protect: limit=PT0.005S");
    end.countDown();
  }

  @Test
  void aLimitIsPositive() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OomPolicy.kernel().contained(Duration.ZERO, mistakes::add))
        .withMessage("limit is not positive: limit=PT0S");
  }
}
