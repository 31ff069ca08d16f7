package dev.octavo.allocator.oom;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The accounts of a domain as plain data. A *unit* is an account or a whole group.
final class Ranking {

  private final MemoryAccount domain;
  private final MemoryAccount requester;
  private final Measure measure;

  /// @param requester the domain or an account below it
  /// @param measure how much the release of each account helps
  Ranking(MemoryAccount domain, MemoryAccount requester, Measure measure) {
    this.domain = domain;
    this.requester = unitOf(domain, requester);
    this.measure = measure;
  }

  /// Each unit that uses memory is a candidate; so is the requester's.
  OomSnapshot snapshot(OomSnapshot.Request request, long totalByteSize, long freeByteSize) {
    Map<MemoryAccount, Long> releases = new LinkedHashMap<>();
    List<MemoryAccount> units = new ArrayList<>();
    domain.forEachUnit(
        unit -> {
          units.add(unit);
          long release = measure.byteSize(unit.victims());
          if (release > 0) {
            releases.put(unit, release);
          }
        });
    Set<MemoryAccount> helpful = measure.helpful(releases.keySet());
    List<OomCandidate> candidates = new ArrayList<>();
    for (MemoryAccount unit : units) {
      boolean isHelpful = helpful.contains(unit);
      long usage =
          isHelpful ? releases.getOrDefault(unit, 0L) : Measure.OWN_USAGE.byteSize(unit.victims());
      if (usage > 0 || unit.equals(requester)) {
        candidates.add(candidate(unit, usage, usage > 0 && !isHelpful));
      }
    }
    return new OomSnapshot(
        domain.path(),
        Math.max(1, totalByteSize),
        Math.max(0, freeByteSize),
        request.by(requester.id(), parentId(requester)),
        OomSnapshot.NO_VICTIM,
        candidates);
  }

  /// The highest group from an account up to the domain, or the account itself.
  private static MemoryAccount unitOf(MemoryAccount domain, MemoryAccount account) {
    MemoryAccount unit = account;
    MemoryAccount above = account;
    while (above != null) {
      if (above.isGroup()) {
        unit = above;
      }
      if (above.equals(domain)) {
        return unit;
      }
      above = above.parent().orElse(null);
    }
    throw new IllegalArgumentException(
        "not an account of this domain: account=%s, domain=%s"
            .formatted(account.path(), domain.path()));
  }

  private static OomCandidate candidate(MemoryAccount account, long usage, boolean isUseless) {
    return new OomCandidate(
        account.id(),
        account.path(),
        parentId(account),
        usage,
        account.limits().lowByteSize(),
        account.scoreAdj(),
        account.preference(),
        Math.max(0, account.tree().nanoTime() - account.createdNanos()),
        account.isGroup(),
        account.isReapable(),
        account.isSkipped(),
        isUseless);
  }

  private static long parentId(MemoryAccount account) {
    return account.parent().map(MemoryAccount::id).orElse(0L);
  }
}
