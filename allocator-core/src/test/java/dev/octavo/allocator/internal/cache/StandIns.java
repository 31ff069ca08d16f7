package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Owners on threads that are not there: whatever thread a test runs in, it says in whose name it
/// makes the next call. So one thread can be several owners, and a virtual one, too.
class StandIns extends Owners {

  /// Who never owns anything, like a virtual thread.
  static final int VISITOR = -1;

  /// How many stand-ins there are, numbered from 0.
  static final int MOST = 8;

  /// The same ones in all tests, as their ids decide the order in which they are revoked.
  private static final List<Thread> THREADS =
      Stream.generate(() -> Thread.ofPlatform().unstarted(() -> {})).limit(MOST).toList();

  private final BuddyPages buddy;
  private final Map<Thread, Thread> actors = new ConcurrentHashMap<>();
  private final Set<Thread> dead = ConcurrentHashMap.newKeySet();

  StandIns(BuddyPages buddy, CacheLimits limits, OtherThreads others) {
    super(buddy, limits, others);
    this.buddy = buddy;
  }

  /// From now on the calling thread's calls are those of a stand-in, or of a [#VISITOR].
  void actAs(int number) {
    if (number == VISITOR) {
      actors.remove(Thread.currentThread());
    } else {
      actors.put(Thread.currentThread(), THREADS.get(number));
    }
  }

  /// A stand-in has died; nobody may act as it any more.
  void die(int number) {
    dead.add(THREADS.get(number));
  }

  boolean isDead(int number) {
    return dead.contains(THREADS.get(number));
  }

  @Nullable Owner ownerOf(int number) {
    return super.find(THREADS.get(number));
  }

  @Override
  @Nullable Owner find(Thread thread) {
    Thread actor = actors.get(thread);
    return actor == null ? null : super.find(actor);
  }

  @Override
  @Nullable Owner enter(Thread thread) {
    Thread actor = actors.get(thread);
    return actor == null ? null : super.enter(actor);
  }

  @Override
  Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
    return new StandIn(thread, number, kinds);
  }

  class StandIn extends Owner {

    private final Thread self;

    StandIn(Thread thread, int number, LeaseKinds kinds) {
      super(thread, number, buddy, kinds);
      self = thread;
    }

    @Override
    boolean isAlive() {
      return !dead.contains(self);
    }
  }
}
