package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.util.function.Predicate;

/// A policy that sees only the preferred candidates if there are any to choose from.
record PreferringPolicy(OomPolicy inner, Predicate<? super OomCandidate> isPreferred)
    implements OomPolicy {

  @Override
  public OomVerdict decide(OomSnapshot snapshot) {
    Preference first = firstBand(snapshot);
    OomSnapshot preferred =
        snapshot.only(
            candidate ->
                isOpen(snapshot, candidate)
                    && candidate.preference() == first
                    && isPreferred.test(candidate));
    return inner.decide(preferred.candidates().isEmpty() ? snapshot : preferred);
  }

  private Preference firstBand(OomSnapshot snapshot) {
    Preference first = Preference.NEVER;
    for (OomCandidate candidate : snapshot.candidates()) {
      if (candidate.preference().compareTo(first) < 0 && isOpen(snapshot, candidate)) {
        first = candidate.preference();
      }
    }
    return first;
  }

  private boolean isOpen(OomSnapshot snapshot, OomCandidate candidate) {
    return candidate.isEligible() && inner.mayChoose(snapshot, candidate);
  }

  @Override
  public boolean mayChoose(OomSnapshot snapshot, OomCandidate candidate) {
    return inner.mayChoose(snapshot, candidate);
  }
}
