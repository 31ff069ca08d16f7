package dev.octavo.allocator.internal.reclaim;

import java.util.concurrent.atomic.AtomicInteger;

/// A toy memory: so many permits, and requests that wait for some of them.
class Permits {

  private final AtomicInteger free = new AtomicInteger();

  int free() {
    return free.get();
  }

  void put(int count) {
    free.addAndGet(count);
  }

  boolean take(int count) {
    int now = free.get();
    while (now >= count) {
      if (free.compareAndSet(now, now - count)) {
        return true;
      }
      now = free.get();
    }
    return false;
  }

  /// Makes free, as an allocator does.
  void release(int count, WaitingRoom room) {
    put(count);
    if (!room.isEmpty()) {
      room.offer();
    }
  }

  Wanted wanted(int count) {
    return new Wanted(count);
  }

  /// A request for so many permits, which is also what it takes.
  class Wanted implements WaitingRoom.Request {

    private final int count;

    Wanted(int count) {
      this.count = count;
    }

    int count() {
      return count;
    }

    @Override
    public long tryTake() {
      return take(count) ? count : WaitingRoom.NONE;
    }

    @Override
    public void giveBack(long result) {
      put((int) result);
    }

    @Override
    public String describe() {
      return "permits=" + count;
    }
  }
}
