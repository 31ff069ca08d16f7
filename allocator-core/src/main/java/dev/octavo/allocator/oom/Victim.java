package dev.octavo.allocator.oom;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// An account or group that was chosen: its members, what they held then and hold now. Written by
/// one thread at a time; members never change. What counts is memory whose release helps the
/// shortage for which it was chosen.
final class Victim {

  private final OomSnapshot snapshot;
  private final OomCandidate candidate;
  private final MemoryAccount account;
  private final Measure measure;
  private final Set<MemoryAccount> members;
  private final long heldAtFirst;

  private OomKiller.Shortage shortage;
  private long episode;
  private int tries;
  private long nextTryNanos;

  Victim(
      OomKiller.Shortage shortage,
      OomSnapshot snapshot,
      OomCandidate candidate,
      MemoryAccount account,
      Measure measure) {
    this.shortage = shortage;
    this.snapshot = snapshot;
    this.candidate = candidate;
    this.account = account;
    this.measure = measure;
    members = new LinkedHashSet<>(account.victims());
    heldAtFirst = heldByteSize();
  }

  /// @param firstTryNanos the end of the grace period
  Victim begin(long number, long firstTryNanos) {
    episode = number;
    nextTryNanos = firstTryNanos;
    return this;
  }

  long episode() {
    return episode;
  }

  OomKiller.Shortage shortage() {
    return shortage;
  }

  /// Replaces the shortage by another one of the same kind and domain.
  void serve(OomKiller.Shortage other) {
    shortage = other;
  }

  OomSnapshot snapshot() {
    return snapshot;
  }

  OomCandidate candidate() {
    return candidate;
  }

  MemoryAccount account() {
    return account;
  }

  Measure measure() {
    return measure;
  }

  Set<MemoryAccount> members() {
    return members;
  }

  boolean isMember(MemoryAccount other) {
    return members.contains(other);
  }

  boolean hasReapable() {
    return members.stream().anyMatch(MemoryAccount::isReapable);
  }

  long heldByteSize() {
    return measure.byteSize(members);
  }

  boolean isHelpful() {
    return heldAtFirst > 0 && measure.helpful(List.of(account)).contains(account);
  }

  long freedByteSize() {
    return Math.max(0, heldAtFirst - heldByteSize());
  }

  // ---- tries

  boolean isDue(long now) {
    return now - nextTryNanos >= 0;
  }

  int tries() {
    return tries;
  }

  void countTry(long nextNanos) {
    tries++;
    nextTryNanos = nextNanos;
  }

  // ---- texts

  /// Notices for the owners of all members.
  List<MemoryAccount.Notice> notices() {
    return members.stream()
        .map(member -> new MemoryAccount.Notice(member, episode, snapshot.neededByteSize()))
        .toList();
  }

  /// The failure of a request of a member, which would wait for itself.
  OomKiller.Outcome.Fail failure(OomKiller.Shortage asked) {
    return new OomKiller.Outcome.Fail(
        "out of memory, requester is the victim of episode " + episode,
        asked,
        snapshot,
        OomVerdict.kill(candidate));
  }
}
