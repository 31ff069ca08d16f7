package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.Slot;

/// Allocation for threads that wait, from outside a window that is kept for one of them.
///
/// The window is a stretch of pages, `from..to-1`; an empty one keeps nothing. All methods make one
/// attempt, whose failure proves nothing, and are safe for any number of threads. None waits.
final class Serving {

  private static final int NONE = BuddyPages.NONE;

  private final BuddyPages buddy;

  Serving(BuddyPages buddy) {
    this.buddy = buddy;
  }

  /// Allocates the lowest run that lies wholly outside the window.
  ///
  /// @return the first page, or -1 if none was seen
  int outside(Slot slot, int pages, int alignOrder, long phase, int from, int to) {
    int page = buddy.allocateWithin(slot, 0, from, pages, alignOrder, phase);
    int end = buddy.geometry().pageCount();
    return page != NONE ? page : buddy.allocateWithin(slot, to, end, pages, alignOrder, phase);
  }

  /// Allocates runs until `into` is full, outside the window, or none. To a failing search all of
  /// it is one event (L5): runs that were taken and put back are never missed.
  ///
  /// @return whether it did
  boolean many(Slot slot, int pages, long[] into, int from, int to) {
    buddy.beginMove(slot);
    try {
      int count = from == to ? anywhere(slot, pages, into) : outside(slot, pages, into, from, to);
      if (count < into.length) {
        putBack(slot, pages, into, count);
        count = from == to ? packed(slot, pages, into) : 0;
      }
      return count == into.length;
    } finally {
      buddy.endMove(slot);
    }
  }

  /// Side by side from the lowest free page on, so that as many fit as there is room for.
  private int packed(Slot slot, int pages, long[] into) {
    int count = within(slot, pages, into, 0, 0, buddy.geometry().pageCount());
    if (count < into.length) {
      putBack(slot, pages, into, count);
    }
    return count;
  }

  private void putBack(Slot slot, int pages, long[] into, int count) {
    for (int i = 0; i < count; i++) {
      buddy.free(slot, (int) into[i], pages); // refused if the pool was closed meanwhile
    }
  }

  private int anywhere(Slot slot, int pages, long[] into) {
    if (Geometry.isPowerOfTwo(pages)) {
      return buddy.allocateMany(slot, Geometry.orderFor(pages), into);
    }
    int count = 0;
    for (int page; count < into.length && (page = buddy.allocate(slot, pages, 0)) != NONE; ) {
      into[count++] = page;
    }
    return count;
  }

  private int outside(Slot slot, int pages, long[] into, int from, int to) {
    int count = within(slot, pages, into, 0, 0, from);
    return within(slot, pages, into, count, to, buddy.geometry().pageCount());
  }

  /// Allocates the lowest runs of a stretch, each behind the one before, until `into` is full.
  ///
  /// @param count how many stand in `into` already
  /// @return how many stand there then
  private int within(Slot slot, int pages, long[] into, int count, int from, int to) {
    int filled = count;
    int at = from;
    while (filled < into.length) {
      int page = buddy.allocateWithin(slot, at, to, pages, 0, 0);
      if (page == NONE) {
        return filled;
      }
      into[filled++] = page;
      at = page + pages;
    }
    return filled;
  }

  /// Whether so many pages are free outside the window.
  boolean hasFreeOutside(long pages, int from, int to) {
    if (from == to || buddy.hasFree(pages + to - from)) {
      return buddy.hasFree(pages + to - from);
    }
    return buddy.hasFree(pages) && buddy.hasFree(pages + freeWithin(from, to));
  }

  /// The number of free pages in the window, as a guess.
  long freeWithin(int from, int to) {
    Slot slot = buddy.slot(0);
    long free = 0;
    int page = buddy.nextFree(slot, from, to);
    while (page < to) {
      int end = buddy.freeEnd(page, to);
      free += end - page;
      page = buddy.nextFree(slot, Math.max(end, page + 1), to);
    }
    return free;
  }
}
