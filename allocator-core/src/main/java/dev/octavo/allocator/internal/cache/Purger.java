package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Slot;
import org.jspecify.annotations.Nullable;

/// Gives free memory back to the system.
///
/// A *step* takes free pages out of the tree, gives their memory back, and makes them free again.
/// It is announced as one move, so a call that finds nothing waits for the step's end and looks
/// again (L5); a step is short ([PageMemory#step]). Units that are wholly free go back as far as
/// they lie side by side, and are clean then; of others the free pages go back, in pieces that the
/// system takes, and the unit stays used.
///
/// Any number of threads may purge at once: each takes other pages.
final class Purger {

  private final BuddyPages buddy;
  private final UnitMarks marks;
  private final int pageCount;
  private final PageMemory memory;
  private final PageMemory.Back back;

  /// Where steps are announced, and nothing else.
  private final Slot slot;

  /// Set once, when the system refuses, or the pool is closed.
  private volatile boolean refused;

  private Purger(BuddyPages buddy, UnitMarks marks, PageMemory memory, PageMemory.Back back) {
    this.buddy = buddy;
    this.marks = marks;
    this.memory = memory;
    this.back = back;
    pageCount = buddy.geometry().pageCount();
    slot = buddy.openSharedSlot();
  }

  /// Null if memory cannot go back.
  static @Nullable Purger of(BuddyPages buddy, @Nullable UnitMarks marks, PageMemory memory) {
    PageMemory.Back back = memory.back();
    return marks == null || back == null ? null : new Purger(buddy, marks, memory, back);
  }

  /// Gives back all that is free and used.
  ///
  /// @return how many pages
  long purgeAll() {
    return new Pass(UnitMarks.USED, false).run();
  }

  /// Gives back what has been free for so many looks.
  ///
  /// @param collect makes units free that are due and that threads keep; between the two halves
  void look(Runnable collect) {
    if (!refused) {
      marks.age();
      collect.run();
      new Pass(UnitMarks.DUE, true).run();
    }
  }

  /// Gives nothing back any more but what a running step is giving.
  void stop() {
    refused = true;
  }

  /// Whether the free memory of a page's unit shall go back, and has not in part.
  boolean isDue(int page) {
    return marks.isAtLeast(page, UnitMarks.DUE) && !marks.isAtLeast(page, UnitMarks.PURGED_IN_PART);
  }

  /// Waits until no step is under way that began before the caller searched.
  void awaitStep(OtherThreads others) {
    for (int spins = 0; buddy.isMoving(slot); spins++) {
      others.await(spins);
    }
  }

  /// One way through all units.
  private final class Pass {

    private final byte state;
    private final boolean givesWay;
    private long pages;

    /// @param state units of at least this state are looked at
    /// @param givesWay whether it ends as soon as anybody searches
    Pass(byte state, boolean givesWay) {
      this.state = state;
      this.givesWay = givesWay;
    }

    /// @return how many pages went back
    long run() {
      int at = nextUnit(0);
      while (at < pageCount && !refused) {
        buddy.beginMove(slot);
        int next = pageCount;
        try {
          // In this order: who searches either is seen here, or waits for the end of the move.
          if (!givesWay || !buddy.isSearched()) {
            next = step(at);
          }
        } finally {
          buddy.endMove(slot);
        }
        at = nextUnit(next);
      }
      return pages;
    }

    /// The first unit from a unit's first page on that has the state and a free page.
    private int nextUnit(int page) {
      int at = marks.next(page, state);
      while (at < pageCount) {
        int free = marks.unitStart(buddy.nextFree(slot, at, pageCount));
        if (free <= at) {
          return at;
        }
        at = marks.next(free, state);
      }
      return pageCount;
    }

    /// @return where to go on
    private int step(int unit) {
      int end = wholeUnitsEnd(unit);
      if (end > unit) {
        if (giveBack(unit, end - unit, true)) {
          pages += end - unit;
        }
        return end;
      }
      int next = marks.nextUnit(unit);
      if (marks.beginParts(unit)) {
        giveParts(unit, next);
      }
      return next;
    }

    /// The end of the units from this one on that are wholly free and have the state.
    private int wholeUnitsEnd(int unit) {
      int most = Math.max(memory.step(), marks.nextUnit(unit) - unit);
      int freeEnd = buddy.freeEnd(unit, Math.min(pageCount - unit, most) + unit);
      int end = unit;
      while (end < freeEnd && marks.isAtLeast(end, state)) {
        int next = marks.nextUnit(end);
        if (next > freeEnd || next % memory.granule() != 0) {
          return end;
        }
        end = next;
      }
      return end;
    }

    private void giveParts(int from, int to) {
      int granule = memory.granule();
      int at = buddy.nextFree(slot, from, to);
      while (at < to) {
        int end = buddy.freeEnd(at, to);
        int first = (at + granule - 1) & -granule;
        int last = end & -granule;
        if (first < last && giveBack(first, last - first, false)) {
          pages += last - first;
        }
        at = buddy.nextFree(slot, Math.max(end, at + 1), to);
      }
    }
  }

  /// @return false if the pages were not free, or if the system refuses
  private boolean giveBack(int page, int pages, boolean areWholeUnits) {
    if (refused || !buddy.takeAt(slot, page, pages)) {
      return false;
    }
    boolean given = false;
    try {
      given = back.give(page, pages);
      if (given && areWholeUnits) {
        marks.markClean(page, pages);
      }
    } finally {
      if (!given) {
        refused = true;
      }
      buddy.put(slot, page, pages);
    }
    return given;
  }
}
