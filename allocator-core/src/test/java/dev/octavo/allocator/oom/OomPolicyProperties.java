package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;

/// Policies on generated snapshots: each built-in one beside a naive model with numbers of any
/// size, and what holds for all of them.
class OomPolicyProperties {

  private static final int TRIES = 4000;

  private static final List<OomPolicy> CHOOSING =
      List.of(
          OomPolicy.kernel(),
          OomPolicy.largest(),
          OomPolicy.bestFit(),
          OomPolicy.leastWastedWork());

  private static BigInteger big(long value) {
    return BigInteger.valueOf(value);
  }

  // ---- the naive model

  private static BigInteger counted(OomSnapshot snapshot, OomCandidate candidate) {
    BigInteger above =
        big(candidate.usageByteSize()).subtract(big(candidate.lowByteSize())).max(BigInteger.ZERO);
    boolean asks = candidate.id() == snapshot.request().candidateId();
    return asks ? above.add(big(snapshot.request().byteSize())).min(big(Long.MAX_VALUE)) : above;
  }

  private static BigInteger key(OomSnapshot snapshot, OomCandidate candidate) {
    return counted(snapshot, candidate)
        .multiply(big(1000))
        .add(big(candidate.scoreAdj()).multiply(big(snapshot.totalByteSize())));
  }

  private static Optional<OomCandidate> first(
      OomSnapshot snapshot, Comparator<OomCandidate> mostHungryLast) {
    return snapshot.candidates().stream()
        .filter(candidate -> candidate.usageByteSize() > 0)
        .filter(candidate -> candidate.scoreAdj() != -1000)
        .filter(candidate -> candidate.preference() != Preference.NEVER)
        .filter(candidate -> !candidate.isSkipped() && !candidate.isUseless())
        .min(
            Comparator.comparing(OomCandidate::preference)
                .thenComparing(mostHungryLast.reversed())
                .thenComparingLong(OomCandidate::ageNanos)
                .thenComparing(OomCandidate::name)
                .thenComparingLong(OomCandidate::id));
  }

  private static void check(OomPolicy policy, OomSnapshot snapshot, Optional<OomCandidate> model) {
    assertThat(policy.decide(snapshot).victim()).isEqualTo(model);
    Statistics.label(policy.toString()).collect(model.isPresent());
  }

  @Property(tries = TRIES)
  void kernelIsExactAtAnySize(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    Function<OomCandidate, BigInteger> key = candidate -> key(snapshot, candidate);
    check(OomPolicy.kernel(), snapshot, first(snapshot, Comparator.comparing(key)));
  }

  @Property(tries = TRIES)
  void largestTakesWhoUsesMost(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    check(
        OomPolicy.largest(),
        snapshot,
        first(snapshot, Comparator.comparingLong(OomCandidate::usageByteSize)));
  }

  @Property(tries = TRIES)
  void bestFitTakesTheSmallestOtherThatSuffices(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    long request = snapshot.request().byteSize();
    long free = snapshot.freeByteSize();
    long needed = request > free ? request - free : request;
    ToIntFunction<OomCandidate> rank =
        candidate -> {
          if (candidate.usageByteSize() < needed) {
            return 0;
          }
          return candidate.id() == snapshot.request().candidateId() ? 1 : 2;
        };
    Comparator<OomCandidate> hungry =
        Comparator.comparingInt(rank)
            .thenComparingLong(
                candidate ->
                    rank.applyAsInt(candidate) == 0
                        ? candidate.usageByteSize()
                        : -candidate.usageByteSize());
    check(OomPolicy.bestFit(), snapshot, first(snapshot, hungry));
  }

  @Property(tries = TRIES)
  void leastWastedWorkTakesMostMemoryForItsAge(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    long young = TimeUnit.SECONDS.toNanos(30);
    Comparator<OomCandidate> ratio =
        (a, b) ->
            big(a.usageByteSize())
                .multiply(big(Math.max(young, b.ageNanos())))
                .compareTo(big(b.usageByteSize()).multiply(big(Math.max(young, a.ageNanos()))));
    check(OomPolicy.leastWastedWork(), snapshot, first(snapshot, ratio));
  }

  @Property(tries = TRIES)
  void scoresAreThousandthsClamped(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    for (OomCandidate candidate : snapshot.candidates()) {
      BigInteger[] parts =
          key(snapshot, candidate).divideAndRemainder(big(snapshot.totalByteSize()));
      int expected =
          candidate.isEligible() ? parts[0].max(BigInteger.ONE).min(big(1000)).intValueExact() : 0;
      assertThat(snapshot.score(candidate)).isEqualTo(expected);
    }
  }

  // ---- what holds for all

  @Property(tries = TRIES)
  void neverAProtectedOne(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    Predicate<OomCandidate> isProtected = candidate -> candidate.id() % 3 == 0;
    for (OomPolicy policy : CHOOSING) {
      for (OomPolicy combined :
          List.of(
              policy,
              policy.protecting(isProtected),
              policy.protecting(isProtected).preferring(OomCandidate::isReapable),
              policy.preferring(isProtected).protecting(isProtected).amongSiblings())) {
        combined
            .decide(snapshot)
            .victim()
            .ifPresent(
                victim -> {
                  assertThat(victim.scoreAdj()).isNotEqualTo(-1000);
                  assertThat(victim.preference()).isNotEqualTo(Preference.NEVER);
                  assertThat(victim.isSkipped() || victim.isUseless()).isFalse();
                  assertThat(victim.usageByteSize()).isPositive();
                  assertThat(combined.mayChoose(snapshot, victim)).isTrue();
                  assertThat(!combined.equals(policy) && isProtected.test(victim)).isFalse();
                });
      }
    }
  }

  @Property(tries = TRIES)
  void permutationKeepsTheVictim(@ForAll long seed) {
    Snapshots snapshots = new Snapshots(seed);
    OomSnapshot snapshot = snapshots.next();
    OomSnapshot shuffled = snapshots.shuffled(snapshot);
    for (OomPolicy policy : CHOOSING) {
      assertThat(policy.decide(shuffled)).isEqualTo(policy.decide(snapshot));
      OomPolicy combined = policy.preferring(OomCandidate::isReapable).amongSiblings();
      assertThat(combined.decide(shuffled)).isEqualTo(combined.decide(snapshot));
    }
    assertThat(shuffled.top(5)).isEqualTo(snapshot.top(5));
  }

  @Property(tries = TRIES)
  void moreUsageNeverLowersAScoreAndNeverSavesTheVictim(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    for (int i = 0; i < snapshot.candidates().size(); i++) {
      OomCandidate candidate = snapshot.candidates().get(i);
      long more = candidate.usageByteSize() + (Long.MAX_VALUE - candidate.usageByteSize()) / 2;
      OomCandidate grown = Snapshots.withUsage(candidate, more);
      List<OomCandidate> candidates = new ArrayList<>(snapshot.candidates());
      candidates.set(i, grown);
      OomSnapshot after = Snapshots.with(snapshot, candidates);
      assertThat(after.score(grown)).isGreaterThanOrEqualTo(snapshot.score(candidate));
      boolean wasVictim =
          OomPolicy.kernel().decide(snapshot).victim().equals(Optional.of(candidate));
      if (wasVictim) {
        assertThat(OomPolicy.kernel().decide(after).victim()).contains(grown);
      }
    }
  }

  @Property(tries = TRIES)
  void thePreferredGiveFirstWithinTheirBand(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    Optional<OomCandidate> without = OomPolicy.largest().decide(snapshot).victim();
    Optional<OomCandidate> with =
        OomPolicy.largest().preferring(OomCandidate::isReapable).decide(snapshot).victim();
    assertThat(with.isPresent()).isEqualTo(without.isPresent());
    if (with.isPresent()) {
      Preference band = without.orElseThrow().preference();
      boolean isThere =
          snapshot.candidates().stream()
              .anyMatch(c -> c.isEligible() && c.preference() == band && c.isReapable());
      assertThat(with.get().preference()).isEqualTo(band);
      assertThat(with.get().isReapable()).isEqualTo(isThere);
    }
  }
}
