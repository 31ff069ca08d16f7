package dev.octavo.allocator.oom;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// Everything that an [OomPolicy] decides by: the request, the memory, and the candidates.
///
/// @param domain the path of the account that has run out
/// @param totalByteSize the memory of the domain, bytes, at least 1
/// @param freeByteSize how much of it is free, bytes, at least 0
/// @param request the request for memory
/// @param victimId the candidate that was chosen before and still holds memory, or [#NO_VICTIM]
/// @param candidates each account once
public record OomSnapshot(
    String domain,
    long totalByteSize,
    long freeByteSize,
    Request request,
    long victimId,
    List<OomCandidate> candidates) {

  /// No victim is in flight.
  public static final long NO_VICTIM = 0;

  private static final long SCORE_MAX = 1000;
  private static final int LONG_PAGE_SIZE = 1 << 30;

  /// A request for memory.
  ///
  /// @param who for the log, for example the name of a thread
  /// @param mode the allocation mode, for the log
  /// @param byteSize what it needs, bytes, at least 0
  /// @param pageByteSize what the log counts in, bytes, at least 1
  /// @param candidateId the candidate that it belongs to, 0 if none
  /// @param parentId the account above that one, 0 if none
  public record Request(
      String who, String mode, long byteSize, int pageByteSize, long candidateId, long parentId) {

    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException if one is out of its range
    public Request {
      if (byteSize < 0 || pageByteSize < 1 || pageByteSize > LONG_PAGE_SIZE) {
        throw new IllegalArgumentException(
            "byteSize is negative or pageByteSize not in 1..2^30: byteSize=%d, pageByteSize=%d"
                .formatted(byteSize, pageByteSize));
      }
    }

    /// A request without a candidate.
    ///
    /// @param who for the log
    /// @param mode for the log, for example `BLOCKING`
    /// @param byteSize bytes, at least 0
    /// @param pageByteSize bytes, 1 to 2^30
    /// @return the request
    public static Request of(String who, String mode, long byteSize, int pageByteSize) {
      return new Request(who, mode, byteSize, pageByteSize, 0, 0);
    }

    Request by(long candidate, long parent) {
      return new Request(who, mode, byteSize, pageByteSize, candidate, parent);
    }

    /// Returns pages, rounded up.
    long pages(long bytes) {
      return bytes / pageByteSize + (bytes % pageByteSize == 0 ? 0 : 1);
    }
  }

  /// Copies the candidates.
  ///
  /// @throws IllegalArgumentException if a number is out of its range
  public OomSnapshot {
    if (totalByteSize < 1 || freeByteSize < 0) {
      throw new IllegalArgumentException(
          "total is not positive or free negative: totalByteSize=%d, freeByteSize=%d"
              .formatted(totalByteSize, freeByteSize));
    }
    candidates = List.copyOf(candidates);
  }

  /// The same, with fewer candidates.
  ///
  /// @param isKept which stay
  /// @return a snapshot with the same candidate objects
  public OomSnapshot only(Predicate<? super OomCandidate> isKept) {
    List<OomCandidate> kept = new ArrayList<>();
    for (OomCandidate candidate : candidates) {
      if (isKept.test(candidate)) {
        kept.add(candidate);
      }
    }
    return new OomSnapshot(domain, totalByteSize, freeByteSize, request, victimId, kept);
  }

  /// The same while a victim still holds memory.
  ///
  /// @param id its number
  /// @return a copy
  public OomSnapshot withVictim(long id) {
    return new OomSnapshot(domain, totalByteSize, freeByteSize, request, id, candidates);
  }

  /// Whether a victim still holds memory.
  ///
  /// @return true if one does
  public boolean isVictimInFlight() {
    return victimId != NO_VICTIM;
  }

  /// What is missing: the request less what is free, or, if enough is free but not side by side,
  /// the request.
  ///
  /// @return bytes, at least 0
  public long neededByteSize() {
    return request.byteSize > freeByteSize ? request.byteSize - freeByteSize : request.byteSize;
  }

  /// What of a candidate's memory counts: the usage above its low mark, and for the requester what
  /// it asks for.
  ///
  /// @param candidate one of the candidates
  /// @return bytes, at least 0, at most `Long.MAX_VALUE`
  public long countedByteSize(OomCandidate candidate) {
    long above = Math.max(0, candidate.usageByteSize() - candidate.lowByteSize());
    if (!isRequester(candidate)) {
      return above;
    }
    long sum = above + request.byteSize;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  /// Whether the request belongs to a candidate.
  ///
  /// @param candidate one of the candidates
  /// @return true for at most one candidate
  public boolean isRequester(OomCandidate candidate) {
    return request.candidateId != 0 && candidate.id() == request.candidateId;
  }

  /// Whether any candidate but the requester holds memory that helps, chosen or not: protected and
  /// skipped candidates count.
  boolean hasHelpfulOthers() {
    for (OomCandidate candidate : candidates) {
      if (!isRequester(candidate) && candidate.usageByteSize() > 0 && !candidate.isUseless()) {
        return true;
      }
    }
    return false;
  }

  /// The OOM score, as in `/proc/<pid>/oom_score`: thousandths of the total, plus the adj.
  ///
  /// @param candidate one of the candidates
  /// @return 0 for a candidate that cannot be chosen; else 1 (uses nearly nothing) to 1000 (uses
  ///   all)
  public int score(OomCandidate candidate) {
    if (!candidate.isEligible()) {
      return 0;
    }
    long score = thousandths(countedByteSize(candidate)) + candidate.scoreAdj();
    return (int) Math.clamp(score, 1, SCORE_MAX);
  }

  /// Rounded down; at most 2000, which no adj brings below 1000.
  private long thousandths(long byteSize) {
    if (byteSize / 2 >= totalByteSize) {
      return 2 * SCORE_MAX;
    }
    if (byteSize <= Long.MAX_VALUE / SCORE_MAX) {
      return byteSize * SCORE_MAX / totalByteSize;
    }
    return BigInteger.valueOf(byteSize)
        .multiply(BigInteger.valueOf(SCORE_MAX))
        .divide(BigInteger.valueOf(totalByteSize))
        .longValueExact();
  }

  /// The candidate of a number. Looks at each.
  ///
  /// @param id a number
  /// @return empty if there is none
  public Optional<OomCandidate> find(long id) {
    for (OomCandidate candidate : candidates) {
      if (candidate.id() == id) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  /// The candidates that would be chosen first, in the order of the default policy.
  ///
  /// @param count how many at most
  /// @return those that cannot be chosen come last
  public List<OomCandidate> top(int count) {
    return candidates.stream().sorted(OomOrder.kernel(this)).limit(count).toList();
  }
}
