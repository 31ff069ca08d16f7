package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Slot;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// The threads that have words of their own.
///
/// A table by thread id, so that a thread finds its [Owner] with two loads and a comparison, and no
/// thread is kept alive or keeps anything. Virtual threads are never in it. Threads that find no
/// room, because very many are alive or their ids collide, work like virtual ones: safe, and
/// slower.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | entry, from null | the thread that it is of | CAS | two threads with one entry |
/// | entry, to null | whoever finds the thread dead | CAS, after all it held went back | a slot retired twice; a search misses what it held |
/// | leasablePages | who enters or removes an owner | atomic add | the limit is not kept |
/// | numbers | who enters or removes an owner | atomic update | threads that arrive together share a home: `OwnersTest` |
class Owners {

  private static final int ENTRIES = 1 << 8;
  private static final int MASK = ENTRIES - 1;
  private static final int PROBES = 8;

  private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(Owner[].class);

  private final @Nullable Owner[] entries = new Owner[ENTRIES];
  private final AtomicLong leasablePages = new AtomicLong();
  private final AtomicLongArray numbers = new AtomicLongArray(ENTRIES / Long.SIZE);
  private final BuddyPages buddy;
  private final CacheLimits limits;

  private final OtherThreads others;

  Owners(BuddyPages buddy, CacheLimits limits, OtherThreads others) {
    this.buddy = buddy;
    this.limits = limits;
    this.others = others;
  }

  Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
    return new Owner(thread, number, buddy, kinds);
  }

  /// The calling thread's owner, or null if it has none yet. Creates nothing.
  @Nullable Owner find(Thread thread) {
    Owner owner = first(entries, thread.threadId());
    return owner != null ? owner : findFurther(thread);
  }

  /// The owner at the first place where that of a thread may be, if it is that thread's. Read
  /// plainly: a thread looks for what itself has stored, and sees what is somebody else's.
  static @Nullable Owner first(@Nullable Owner[] entries, long threadId) {
    Owner owner = entries[(int) threadId & MASK];
    return owner != null && owner.isOf(threadId) ? owner : null;
  }

  /// The table, for [#first].
  @Nullable Owner[] entries() {
    return entries;
  }

  private @Nullable Owner findFurther(Thread thread) {
    if (thread.isVirtual()) {
      return null;
    }
    long id = thread.threadId();
    for (int probe = 1; probe < PROBES; probe++) {
      Owner owner = entries[(int) id + probe & MASK];
      if (owner != null && owner.isOf(id)) {
        return owner;
      }
    }
    return null;
  }

  /// Makes the calling thread an owner.
  ///
  /// @return null if it cannot be one
  @Nullable Owner enter(Thread thread) {
    if (thread.isVirtual()) {
      return null;
    }
    removeDead(buddy.slot(0));
    for (int probe = 0; probe < PROBES; probe++) {
      int index = (int) thread.threadId() + probe & MASK;
      if (entry(index) == null) {
        Owner owner = create(thread);
        if (ENTRY.compareAndSet(entries, index, null, owner)) {
          return owner;
        }
        discard(owner);
      }
    }
    return null;
  }

  private Owner create(Thread thread) {
    LeaseKinds kinds;
    long others;
    do {
      others = leasablePages.get();
      kinds = LeaseKinds.within(buddy.geometry(), limits.left(others));
    } while (!leasablePages.compareAndSet(others, others + kinds.mostPages()));
    return newOwner(thread, takeNumber(), kinds);
  }

  private void discard(Owner owner) {
    leasablePages.addAndGet(-owner.kinds().mostPages());
    giveNumberBack(owner.number());
    buddy.retire(owner.slot());
  }

  /// The lowest number that nobody has: threads that come and go use the same homes again, and
  /// threads that arrive together have different ones.
  private int takeNumber() {
    for (int i = 0; i < numbers.length(); i++) {
      long taken = numbers.getAndUpdate(i, old -> old | old + 1);
      if (taken != -1) {
        return i * Long.SIZE + Long.numberOfTrailingZeros(~taken);
      }
    }
    // More threads arrive at once than there are entries: most of them will find no place.
    return ENTRIES;
  }

  private void giveNumberBack(int number) {
    if (number < ENTRIES) {
      numbers.getAndUpdate(number / Long.SIZE, taken -> taken & ~(1L << number));
    }
  }

  private @Nullable Owner entry(int index) {
    return (Owner) ENTRY.getVolatile(entries, index);
  }

  /// Gives back what dead threads hold.
  private void removeDead(Slot announcer) {
    for (int i = 0; i < ENTRIES; i++) {
      Owner owner = entry(i);
      if (owner != null && !owner.isAlive()) {
        if (owner.revoke()) {
          owner.takeBackRevoked(announcer, others);
        }
        if (ENTRY.compareAndSet(entries, i, owner, null)) {
          discard(owner);
        }
      }
    }
  }

  /// Gives back to the tree whatever threads hold. To be called inside a search, so that nothing is
  /// leased anew.
  ///
  /// @param mine the calling thread's owner, or null
  /// @param announcer the calling thread's slot
  void drain(@Nullable Owner mine, Slot announcer) {
    removeDead(announcer);
    if (mine != null) {
      mine.letGoAll();
    }
    List<Owner> revoked = new ArrayList<>();
    for (int i = 0; i < ENTRIES; i++) {
      Owner owner = entry(i);
      if (owner != null && !owner.equals(mine) && owner.revoke()) {
        revoked.add(owner);
      }
    }
    if (!revoked.isEmpty()) {
      others.handshake();
      revoked.forEach(owner -> owner.takeBackRevoked(announcer, others));
    }
  }

  /// Ends all leases without waiting for any thread: the caller's at once, the others' before their
  /// owners take more; see [Owner#revokeLater].
  ///
  /// @param mine the calling thread's owner, or null
  void endLeases(@Nullable Owner mine) {
    endLeasesOf(mine);
    for (int i = 0; i < ENTRIES; i++) {
      Owner owner = entry(i);
      if (owner != null && !owner.equals(mine)) {
        owner.revokeLater();
      }
    }
  }

  /// Ends the leases of the calling thread.
  static void endLeasesOf(@Nullable Owner mine) {
    if (mine != null && mine.pages() > 0) {
      mine.letGoAll();
    }
  }

  /// Whether a thread holds a free page of a unit of 64 pages that is wanted; see
  /// [Owner#holdsUnit].
  boolean holdUnit(IntPredicate wanted) {
    for (int i = 0; i < ENTRIES; i++) {
      Owner owner = entry(i);
      if (owner != null && owner.holdsUnit(wanted)) {
        return true;
      }
    }
    return false;
  }

  /// The pages that threads hold; exact if they are at rest.
  long pages() {
    long pages = 0;
    for (int i = 0; i < ENTRIES; i++) {
      Owner owner = entry(i);
      pages += owner == null ? 0 : owner.pages();
    }
    return pages;
  }
}
