package dev.octavo.allocator;

import dev.octavo.allocator.reclaim.Shrinker;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Shrinker of a cache of single pages, which counts its calls.
final class ShrinkingCache implements Shrinker {

  private static final int PAGE = 4096;

  private final PageAllocator pages;
  private final ConcurrentLinkedDeque<MemorySegment> entries = new ConcurrentLinkedDeque<>();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicLong calls = new AtomicLong();
  private final AtomicLong scans = new AtomicLong();
  private volatile Runnable duringScan = () -> {};

  ShrinkingCache(PageAllocator pages) {
    this.pages = pages;
  }

  /// Fills the cache in the name of an account.
  void fill(AccountAllocator owner, int count) {
    for (int i = 0; i < count; i++) {
      add(owner.allocate(PAGE, AllocationMode.NOWAIT));
    }
  }

  /// Fills the cache in the name of the allocator.
  void fill(int count) {
    for (int i = 0; i < count; i++) {
      add(pages.allocate(PAGE, AllocationMode.NOWAIT));
    }
  }

  private void add(MemorySegment entry) {
    entries.add(entry);
    size.incrementAndGet();
  }

  /// Makes each scan run this first.
  void duringScan(Runnable action) {
    duringScan = action;
  }

  int size() {
    return size.get();
  }

  long calls() {
    return calls.get();
  }

  long scans() {
    return scans.get();
  }

  @Override
  public long count() {
    calls.incrementAndGet();
    return (long) size.get() * PAGE;
  }

  @Override
  public long scan(long byteSize) {
    calls.incrementAndGet();
    scans.incrementAndGet();
    duringScan.run();
    return drop((int) Math.min(Integer.MAX_VALUE, (byteSize + PAGE - 1) / PAGE)) * (long) PAGE;
  }

  /// Frees all entries.
  void clear() {
    drop(Integer.MAX_VALUE);
  }

  private int drop(int most) {
    int count = 0;
    while (count < most) {
      MemorySegment entry = entries.poll();
      if (entry == null) {
        break;
      }
      size.decrementAndGet();
      pages.free(entry);
      count++;
    }
    return count;
  }
}
