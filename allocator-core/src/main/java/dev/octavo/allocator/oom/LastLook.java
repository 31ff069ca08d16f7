package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.OomKiller.Host;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.util.Collection;
import java.util.Set;

/// What a shortage lacks, read afresh from a host and from the accounts of its domain.
///
/// @param host the owner of the memory
record LastLook(Host host) {

  /// Whether no account has to release memory for a shortage: its request does not wait any more,
  /// or what it needs exists now. For a limit, stocks go back before the answer is no.
  boolean isOver(Shortage shortage) {
    if (!host.isWaiting(shortage)) {
      return true;
    }
    return switch (shortage.kind()) {
      case PAGES -> host.isEnough(shortage);
      case LIMIT -> {
        if (!shortage.isRoomBelowMax()) {
          shortage.domain().drain();
        }
        yield shortage.isRoomBelowMax();
      }
    };
  }

  /// Returns how much is free of what a shortage lacks, bytes, at least 0.
  long freeByteSize(Shortage shortage) {
    MemoryAccount domain = shortage.domain();
    return switch (shortage.kind()) {
      case PAGES -> host.freeByteSize();
      case LIMIT -> Math.max(0, domain.limits().maxByteSize() - domain.usage());
    };
  }

  /// Returns all units of the domain.
  ///
  /// @param leastByteSize the size that a smaller request is shown with
  OomSnapshot snapshot(Shortage shortage, Measure measure, long leastByteSize) {
    MemoryAccount domain = shortage.domain();
    domain.drain();
    OomSnapshot.Request request =
        OomSnapshot.Request.of(
            shortage.who(),
            shortage.mode(),
            Math.max(shortage.byteSize(), leastByteSize),
            host.pageByteSize());
    return new Ranking(domain, shortage.requester(), measure)
        .snapshot(
            request,
            Math.min(domain.limits().maxByteSize(), host.capacityByteSize()),
            freeByteSize(shortage));
  }

  /// Returns the answers of the host for one shortage.
  Measure measureOf(Shortage shortage) {
    return new Measure() {
      @Override
      public long byteSize(MemoryAccount account) {
        return host.helpfulByteSize(shortage, account);
      }

      @Override
      public Set<MemoryAccount> helpful(Collection<MemoryAccount> units) {
        return host.helpful(shortage, units);
      }
    };
  }
}
