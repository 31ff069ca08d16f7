package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BrokenLaw;
import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.PageState;
import dev.octavo.allocator.internal.buddy.Slot;
import java.util.List;

/// The pages of one region as threads see them: chooses the slot of the calling thread, and makes
/// failure exact.
///
/// The place where threads get pages of their own: whatever a thread keeps to itself is kept here,
/// above a tree that knows no threads.
///
/// *Exact failure* (L5): a search that found nothing is believed only if no free page was on the
/// move while it lasted; otherwise it starts over. So a call that fails may have to wait for
/// another thread that stands between two stores of a split or merge; a call that succeeds never
/// waits.
public final class PagePool {

  /// No such pages.
  public static final int NONE = BuddyPages.NONE;

  private static final int PAGES_PER_SLOT_LOG2 = 12;
  private static final int MAX_SLOTS = 64;
  private static final int SPINS_BEFORE_YIELD = 64;

  private final BuddyPages buddy;
  private final SlotTable table;

  /// Written once, by `close`; read by calls that found nothing.
  private volatile boolean closed;

  /// @param geometry the region's shape
  /// @param processors how many threads may run at once
  public PagePool(Geometry geometry, int processors) {
    this(new BuddyPages(geometry, slotsFor(geometry.pageCount(), processors)));
  }

  PagePool(BuddyPages buddy) {
    this.buddy = buddy;
    table = new SlotTable(buddy.slotCount());
  }

  /// Two slots a processor, but no more than the region has room to keep apart.
  private static int slotsFor(int pageCount, int processors) {
    int wanted = Math.min(2 * processors, MAX_SLOTS);
    return Math.clamp(wanted, 1, Math.max(1, pageCount >>> PAGES_PER_SLOT_LOG2));
  }

  private Slot slot() {
    return buddy.slot(table.slotOf(Thread.currentThread().threadId()));
  }

  public Geometry geometry() {
    return buddy.geometry();
  }

  /// Allocates a run of `pages` pages, 1..pageCount, whose first plus `phase` is a multiple of
  /// 2^`alignOrder`.
  ///
  /// @return the first page, or [#NONE] if the region had no such run at some moment of this call
  public int allocate(int pages, int alignOrder, long phase) {
    Slot slot = slot();
    int page = attempt(slot, pages, alignOrder, phase);
    return page != NONE ? page : allocateOrProve(slot, pages, alignOrder, phase);
  }

  private int attempt(Slot slot, int pages, int alignOrder, long phase) {
    return phase == 0
        ? buddy.allocate(slot, pages, alignOrder)
        : buddy.allocateInPhase(slot, pages, alignOrder, phase);
  }

  private int allocateOrProve(Slot slot, int pages, int alignOrder, long phase) {
    buddy.enterSearch();
    try {
      for (int spins = 0; ; spins++) {
        long stamp = buddy.stamp();
        int page = attempt(slot, pages, alignOrder, phase);
        if (page != NONE || isQuietSince(stamp)) {
          return page;
        }
        pause(spins);
      }
    } finally {
      buddy.exitSearch();
    }
  }

  private boolean isQuietSince(long stamp) {
    return stamp >= 0 && buddy.stamp() == stamp;
  }

  @SuppressWarnings("ThreadPriorityCheck") // nothing is right only because the scheduler is kind
  private static void pause(int spins) {
    if (spins < SPINS_BEFORE_YIELD) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  /// Allocates runs of `pages` pages, 1..pageCount, until `into` is full or nothing is left.
  ///
  /// @return how many; their first pages stand in `into` from index 0
  public int allocateMany(int pages, long[] into) {
    int count = 0;
    if (Geometry.isPowerOfTwo(pages)) {
      count = buddy.allocateMany(slot(), Geometry.orderFor(pages), into);
    }
    for (; count < into.length; count++) {
      int page = allocate(pages, 0, 0);
      if (page == NONE) {
        break;
      }
      into[count] = page;
    }
    return count;
  }

  /// Frees the allocation of `pages` pages at `page`; false, and nothing has changed, if there is
  /// none.
  public boolean free(int page, int pages) {
    return buddy.free(slot(), page, pages);
  }

  /// Shortens an allocation in place; false, and nothing has changed, if there is none.
  public boolean trim(int page, int pages, int newPages) {
    return buddy.trim(slot(), page, pages, newPages);
  }

  /// Keeps every other call away from an allocation until it is grown, freed or released; false,
  /// and nothing has changed, if there is none.
  public boolean hold(int page, int pages) {
    return buddy.hold(page, pages);
  }

  public void release(int page, int pages) {
    buddy.release(page, pages);
  }

  /// Grows a held allocation in place, which ends the hold; false, and it is still held, if the
  /// pages behind it were not all free at some moment of this call.
  public boolean growHeld(int page, int pages, int newPages) {
    if (!buddy.isInside(page, newPages)) {
      return false;
    }
    Slot slot = slot();
    buddy.enterSearch();
    try {
      for (int spins = 0; ; spins++) {
        long stamp = buddy.stamp();
        if (buddy.growHeld(slot, page, pages, newPages)) {
          return true;
        }
        if (isQuietSince(stamp)) {
          return false;
        }
        pause(spins);
      }
    } finally {
      buddy.exitSearch();
    }
  }

  public void freeHeld(int page, int pages) {
    buddy.freeHeld(slot(), page, pages);
  }

  /// Takes every page for good, if all are free; from then on nothing is found free. One call at a
  /// time.
  ///
  /// @return false, and nothing has changed, if something is allocated
  public boolean close() {
    for (int spins = 0; !closed; spins++) {
      boolean taken = buddy.takeAll(slot(), () -> closed = true);
      if (!taken && buddy.nextHead(0) < geometry().pageCount()) {
        return false;
      }
      pause(spins);
    }
    return true;
  }

  public boolean isClosed() {
    return closed;
  }

  public PageState stateOf(int page) {
    return buddy.stateOf(page);
  }

  /// The length of the allocation at a head, 0 if there is none.
  public int pagesAt(int page) {
    return buddy.pagesAt(page);
  }

  /// The first allocation's page at or after `page`, or the page count.
  public int nextHead(int page) {
    return buddy.nextHead(page);
  }

  public FreeAreas freeAreas() {
    return buddy.freeAreas();
  }

  public List<BrokenLaw> audit() {
    return closed ? List.of() : buddy.audit();
  }

  public long metadataBytes() {
    return buddy.metadataBytes();
  }
}
