package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// Memory that is nothing but counters: free is what the accounts of a root leave.
class FakeHost implements OomKiller.Host {

  static final int PAGE = 4096;

  final AtomicLong nanos = new AtomicLong();
  final MemoryAccount root;
  final Set<MemoryAccount> refused = ConcurrentHashMap.newKeySet();
  final List<MemoryAccount> reaped = new ArrayList<>();
  final Set<String> labels = ConcurrentHashMap.newKeySet();

  /// Bytes in use that no account pays for.
  long elsewhere;

  /// Requesters that have given up.
  final Set<MemoryAccount> gone = ConcurrentHashMap.newKeySet();

  /// Accounts whose pages cannot form a run.
  final Set<MemoryAccount> useless = ConcurrentHashMap.newKeySet();

  /// Bytes of accounts that are not pages.
  final Map<MemoryAccount, Long> byHand = new ConcurrentHashMap<>();

  /// The kills, as published.
  final List<Outcome.Fail> published = new ArrayList<>();

  /// Run at each look, before its answer.
  Runnable atLook = () -> {};

  private final long capacity;

  FakeHost(long capacity, long batch) {
    this.capacity = capacity;
    root = MemoryAccount.root("engine").clock(nanos::get).batch(batch).open();
  }

  @Override
  public long capacityByteSize() {
    return capacity;
  }

  @Override
  public long freeByteSize() {
    return Math.max(0, capacity - root.reserved() - elsewhere);
  }

  @Override
  public int pageByteSize() {
    return PAGE;
  }

  @Override
  public boolean isWaiting(Shortage shortage) {
    atLook.run();
    return !gone.contains(shortage.requester());
  }

  @Override
  public long helpfulByteSize(Shortage shortage, MemoryAccount account) {
    long notPages = shortage.kind() == Shortage.Kind.PAGES ? byHand.getOrDefault(account, 0L) : 0;
    return Math.max(0, account.ownUsage() - notPages);
  }

  @Override
  public Set<MemoryAccount> helpful(Shortage shortage, Collection<MemoryAccount> units) {
    Set<MemoryAccount> helpful = new HashSet<>(units);
    if (shortage.kind() == Shortage.Kind.PAGES) {
      helpful.removeAll(useless);
    }
    return helpful;
  }

  @Override
  public void chosen(Set<MemoryAccount> members, Outcome.Fail failure) {
    published.add(failure);
  }

  @Override
  public boolean isEnough(Shortage shortage) {
    return freeByteSize() >= shortage.byteSize();
  }

  @Override
  public boolean reap(MemoryAccount account) {
    reaped.add(account);
    if (refused.contains(account)) {
      return false;
    }
    account.uncharge(account.ownUsage());
    return true;
  }

  @Override
  public void call(String label, Runnable callback) {
    labels.add(label);
    callback.run();
  }
}
