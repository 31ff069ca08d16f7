package dev.octavo.allocator.oom;

import java.util.function.BiPredicate;

/// A policy that sees only some candidates.
///
/// @param isOpen which
record ScopedPolicy(OomPolicy inner, BiPredicate<OomSnapshot, OomCandidate> isOpen)
    implements OomPolicy {

  @Override
  public OomVerdict decide(OomSnapshot snapshot) {
    return inner.decide(snapshot.only(candidate -> isOpen.test(snapshot, candidate)));
  }

  @Override
  public boolean mayChoose(OomSnapshot snapshot, OomCandidate candidate) {
    return isOpen.test(snapshot, candidate) && inner.mayChoose(snapshot, candidate);
  }
}
