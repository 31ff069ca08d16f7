package dev.octavo.allocator.oom;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/// An account or group that was chosen: who they are, what they held then and hold now. Written by
/// one thread at a time; members never change.
final class Victim {

  private final OomKiller.Shortage shortage;
  private final OomSnapshot snapshot;
  private final OomCandidate candidate;
  private final MemoryAccount account;
  private final Set<MemoryAccount> members;
  private final long heldAtFirst;

  private long episode;
  private int tries;
  private long nextTryNanos;

  /// @param firstTryNanos the end of the grace period
  Victim(
      OomKiller.Shortage shortage,
      OomSnapshot snapshot,
      OomCandidate candidate,
      MemoryAccount account,
      long firstTryNanos) {
    this.shortage = shortage;
    this.snapshot = snapshot;
    this.candidate = candidate;
    this.account = account;
    nextTryNanos = firstTryNanos;
    members = new LinkedHashSet<>(account.victims());
    heldAtFirst = held(members);
  }

  /// What accounts use themselves, bytes.
  static long held(Collection<MemoryAccount> accounts) {
    return accounts.stream().mapToLong(MemoryAccount::ownUsage).sum();
  }

  Victim of(long number) {
    episode = number;
    return this;
  }

  long episode() {
    return episode;
  }

  OomKiller.Shortage shortage() {
    return shortage;
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
    return held(members);
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

  // ---- who is told

  /// For the owners of all members.
  List<MemoryAccount.Notice> notices() {
    return members.stream()
        .map(member -> new MemoryAccount.Notice(member, episode, snapshot.neededByteSize()))
        .toList();
  }

  /// For a member that asks for memory: it would wait for itself.
  OomKiller.Outcome failure(OomKiller.Shortage asked) {
    return OomKiller.Outcome.Fail.of(
        asked,
        snapshot,
        OomVerdict.kill(candidate),
        "out of memory, requester is the victim of episode " + episode);
  }
}
