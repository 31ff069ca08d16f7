package dev.octavo.allocator.oom;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Chooses the victim when memory has run out: a pure function from a snapshot to a verdict.
///
/// It looks at nothing but the snapshot, changes nothing and does not wait, so it can be tested
/// with plain data. Policies are combined:
///
/// ```java
/// OomPolicy.bestFit()
///     .protecting(candidate -> candidate.name().startsWith("engine/system"))
///     .preferring(OomCandidate::isReapable)
/// ```
///
/// All built-in policies choose only eligible candidates, wait while a victim is in flight, obey
/// [MemoryAccount.Preference] first, and break ties by age (the younger gives), name and number:
/// the order of the candidates never matters. They take one pass.
@FunctionalInterface
public interface OomPolicy {

  /// Decides.
  ///
  /// @param snapshot what there is
  /// @return the verdict
  OomVerdict decide(OomSnapshot snapshot);

  /// Whether the policy leaves open that a candidate is chosen. Asked of each candidate before the
  /// policy decides, and again if another must decide instead: what is protected stays protected.
  ///
  /// @param snapshot what there is
  /// @param candidate one of its candidates
  /// @return true, unless the policy protects it
  default boolean mayChoose(OomSnapshot snapshot, OomCandidate candidate) {
    return true;
  }

  // ---- built in

  /// Linux's rule: the largest `counted * 1000 + scoreAdj * total`, computed exactly. The default.
  ///
  /// @return the policy
  static OomPolicy kernel() {
    return BuiltInPolicy.KERNEL;
  }

  /// The candidate that uses most, whatever its adj; the requester is one like all others.
  ///
  /// @return the policy
  static OomPolicy largest() {
    return BuiltInPolicy.LARGEST;
  }

  /// The smallest other candidate that suffices; else the requester if it suffices; else the
  /// largest candidate.
  ///
  /// @return the policy
  static OomPolicy bestFit() {
    return BuiltInPolicy.BEST_FIT;
  }

  /// The candidate with the most memory for its age, where 30 s and less are the same age: what is
  /// thrown away was quickly made.
  ///
  /// @return the policy
  static OomPolicy leastWastedWork() {
    return BuiltInPolicy.LEAST_WASTED_WORK;
  }

  /// No victim: the request fails.
  ///
  /// @return the policy
  static OomPolicy failRequester() {
    return BuiltInPolicy.FAIL_REQUESTER;
  }

  /// No victim: the request waits until its deadline.
  ///
  /// @return the policy
  static OomPolicy none() {
    return BuiltInPolicy.NONE;
  }

  // ---- combined

  /// This policy, for which some candidates are not there.
  ///
  /// @param isProtected true for a candidate that is never chosen
  /// @return the policy
  default OomPolicy protecting(Predicate<? super OomCandidate> isProtected) {
    return new ScopedPolicy(this, (_, candidate) -> !isProtected.test(candidate));
  }

  /// This policy, which sees only the requester and the other children of the account above it.
  ///
  /// @return the policy
  default OomPolicy amongSiblings() {
    return new ScopedPolicy(
        this, (snapshot, candidate) -> candidate.parentId() == snapshot.request().parentId());
  }

  /// This policy, which sees only some candidates as long as one of these may be chosen and no
  /// other comes before them by [MemoryAccount.Preference].
  ///
  /// @param isPreferred true for a candidate that comes first
  /// @return the policy
  default OomPolicy preferring(Predicate<? super OomCandidate> isPreferred) {
    return new PreferringPolicy(this, isPreferred);
  }

  /// This policy, such that its mistakes do no harm. If it throws, returns null, takes too long,
  /// names a candidate that is not there or must not be chosen, waits for a victim that is not
  /// there or wants another while there is one, then this is reported and [#kernel] decides, among
  /// those that this policy leaves open. If it does not say in time whom it leaves open, the
  /// requester fails.
  ///
  /// A policy that is not built in runs on a thread of its own. Not more than four that hang are
  /// ever left behind; from then on the requester fails at once.
  ///
  /// @param limit how long it may take
  /// @param report is given what it did wrong; called on the thread that asks
  /// @return a policy that never throws
  /// @throws IllegalArgumentException if the limit is not positive
  default OomPolicy contained(Duration limit, Consumer<String> report) {
    return new ContainedPolicy(this, limit, report);
  }
}
