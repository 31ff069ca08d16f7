package dev.octavo.allocator.oom;

import java.util.ArrayList;
import java.util.List;

/// The accounts of a domain as plain data.
final class Ranking {

  private final MemoryAccount domain;
  private final MemoryAccount requester;

  /// @param requester the domain or an account below
  Ranking(MemoryAccount domain, MemoryAccount requester) {
    this.domain = domain;
    this.requester = unitOf(domain, requester);
  }

  OomSnapshot snapshot(OomSnapshot.Request request, long capacityByteSize, long freeByteSize) {
    List<OomCandidate> candidates = new ArrayList<>();
    domain.forEachUnit(
        account -> {
          OomCandidate candidate = candidate(account);
          if (candidate.usageByteSize() > 0 || account.equals(requester)) {
            candidates.add(candidate);
          }
        });
    long max = domain.limits().maxByteSize();
    boolean isLimited = max < capacityByteSize;
    return new OomSnapshot(
        domain.path(),
        isLimited ? Math.max(1, max) : capacityByteSize,
        isLimited ? Math.max(0, max - domain.usage()) : freeByteSize,
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

  private static OomCandidate candidate(MemoryAccount account) {
    long usage = 0;
    for (MemoryAccount member : account.victims()) {
      usage += member.ownUsage();
    }
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
        account.isSkipped());
  }

  private static long parentId(MemoryAccount account) {
    return account.parent().map(MemoryAccount::id).orElse(0L);
  }
}
