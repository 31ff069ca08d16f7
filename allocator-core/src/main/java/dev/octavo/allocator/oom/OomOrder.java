package dev.octavo.allocator.oom;

import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Total orders of candidates, the best victim first; and the first candidate of a list.
///
/// Of each order the first criterion is whether a candidate may be chosen, the second its
/// preference, the last ones are: younger first, name, number. So the order of a list never
/// matters. Comparing makes no garbage.
final class OomOrder {

  private static final long SCORE_MAX = 1000;

  private static final Comparator<OomCandidate> BAND =
      (a, b) ->
          a.isEligible() != b.isEligible()
              ? (a.isEligible() ? -1 : 1)
              : a.preference().compareTo(b.preference());

  private static final Comparator<OomCandidate> TIE =
      (a, b) -> {
        if (a.ageNanos() != b.ageNanos()) {
          return Long.compare(a.ageNanos(), b.ageNanos());
        }
        int byName = a.name().compareTo(b.name());
        return byName != 0 ? byName : Long.compare(a.id(), b.id());
      };

  private OomOrder() {}

  /// Largest `counted * 1000 + adj * total` first, computed with 128 bits.
  static Comparator<OomCandidate> kernel(OomSnapshot snapshot) {
    long total = snapshot.totalByteSize();
    return order(
        (a, b) ->
            -signOfSum(
                snapshot.countedByteSize(a) - snapshot.countedByteSize(b),
                SCORE_MAX,
                a.scoreAdj() - b.scoreAdj(),
                total));
  }

  /// Most memory first.
  static Comparator<OomCandidate> largest() {
    return order((a, b) -> Long.compare(b.usageByteSize(), a.usageByteSize()));
  }

  /// Least memory that suffices first, the requester after all others that suffice; then those that
  /// do not suffice, most memory first, where the requester is one of all.
  static Comparator<OomCandidate> bestFit(OomSnapshot snapshot) {
    long needed = snapshot.neededByteSize();
    return order(
        (a, b) -> {
          boolean aSuffices = a.usageByteSize() >= needed;
          boolean bSuffices = b.usageByteSize() >= needed;
          if (aSuffices != bSuffices) {
            return aSuffices ? -1 : 1;
          }
          if (!aSuffices) {
            return Long.compare(b.usageByteSize(), a.usageByteSize());
          }
          int othersFirst = Boolean.compare(snapshot.isRequester(a), snapshot.isRequester(b));
          return othersFirst != 0
              ? othersFirst
              : Long.compare(a.usageByteSize(), b.usageByteSize());
        });
  }

  /// Most memory for its age first. An age below `leastNanos` counts as that.
  static Comparator<OomCandidate> leastWork(long leastNanos) {
    return order(
        (a, b) ->
            -signOfSum(
                a.usageByteSize(),
                Math.max(leastNanos, b.ageNanos()),
                -b.usageByteSize(),
                Math.max(leastNanos, a.ageNanos())));
  }

  private static Comparator<OomCandidate> order(Comparator<OomCandidate> main) {
    return (a, b) -> {
      int band = BAND.compare(a, b);
      if (band != 0) {
        return band;
      }
      int byMain = main.compare(a, b);
      return byMain != 0 ? byMain : TIE.compare(a, b);
    };
  }

  /// The first that may be chosen. One pass.
  static @Nullable OomCandidate first(OomSnapshot snapshot, Comparator<OomCandidate> order) {
    List<OomCandidate> candidates = snapshot.candidates();
    OomCandidate first = null;
    for (int i = 0; i < candidates.size(); i++) {
      OomCandidate candidate = candidates.get(i);
      if (candidate.isEligible() && (first == null || order.compare(candidate, first) < 0)) {
        first = candidate;
      }
    }
    return first;
  }

  /// The sign of `a * b + c * d`, exact as long as the sum has 127 bits.
  static int signOfSum(long a, long b, long c, long d) {
    long low = a * b + c * d;
    long carry = Long.compareUnsigned(low, a * b) < 0 ? 1 : 0;
    long high = Math.multiplyHigh(a, b) + Math.multiplyHigh(c, d) + carry;
    return high != 0 ? Long.signum(high) : low != 0 ? 1 : 0;
  }
}
