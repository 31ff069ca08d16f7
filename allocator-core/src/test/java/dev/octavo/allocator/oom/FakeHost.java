package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.util.ArrayList;
import java.util.List;
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
    return Math.max(0, capacity - root.reserved());
  }

  @Override
  public int pageByteSize() {
    return PAGE;
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
