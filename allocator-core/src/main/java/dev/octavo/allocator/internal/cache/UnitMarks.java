package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/// Which memory was used, and how long ago anything was last freed there: one byte for each unit of
/// 64 pages, or more if the system only takes larger pieces back.
///
/// | byte | meaning |
/// |---|---|
/// | UNKNOWN | nothing was ever freed here, and what it holds is not known |
/// | CLEAN | every page that is free, or was just allocated, is zero |
/// | USED | something was freed since the last look |
/// | USED+1 .. DUE-1 | so many looks ago |
/// | DUE | [#LOOKS] looks ago or more: its free memory shall go back |
/// | PURGED_IN_PART | the free pages went back one by one, and nothing was freed since |
///
/// *Why CLEAN can be believed.* Memory is written only while it is allocated. A free marks the unit
/// before its pages become free, and only who has taken all pages of a unit makes it clean: then no
/// free can stand between its mark and its pages. Whoever is handed pages sees the marks of all who
/// had them before, as those were stored before the pages were.
///
/// | byte | writers | order | without it |
/// |---|---|---|---|
/// | to USED | who frees | plain, before the pages become free, which is a release; only if it is not USED, so that frees share the line | `KnownZeroTest` |
/// | to CLEAN | who has taken all pages of the unit, after their memory went back | plain, before the pages become free again | `KnownZeroTest` |
/// | one USED state to another | who looks | CAS, so that no USED gets lost | memory goes back too early |
final class UnitMarks {

  /// So many looks after the last free a unit is due.
  static final int LOOKS = 3;

  static final byte UNKNOWN = -1;
  static final byte CLEAN = 0;
  static final byte USED = 1;
  static final byte DUE = USED + LOOKS;
  static final byte PURGED_IN_PART = DUE + 1;

  private static final int SMALLEST_UNIT_LOG2 = Geometry.RADIX_LOG2;

  private static final VarHandle MARK = MethodHandles.arrayElementVarHandle(byte[].class);

  private final byte[] marks;
  private final int unitShift;
  private final int pageCount;

  /// @param granule a unit has at least so many pages, a power of two
  /// @param zeroFrom from this page on all memory is zero, 0..pageCount
  UnitMarks(int pageCount, int granule, int zeroFrom) {
    this.pageCount = pageCount;
    unitShift = Math.max(SMALLEST_UNIT_LOG2, Integer.numberOfTrailingZeros(granule));
    marks = new byte[((pageCount - 1) >>> unitShift) + 1];
    int known = zeroFrom == 0 ? 0 : ((zeroFrom - 1) >>> unitShift) + 1;
    Arrays.fill(marks, 0, known, UNKNOWN);
  }

  int length() {
    return marks.length;
  }

  /// Records that pages come back from a user.
  void markUsed(int page, int pages) {
    int first = page >>> unitShift;
    int last = (page + pages - 1) >>> unitShift;
    if (first != last) {
      Arrays.fill(marks, first, last + 1, USED);
    } else if (marks[first] != USED) {
      marks[first] = USED;
    }
  }

  /// Whether all units of a run are clean.
  boolean isClean(int page, int pages) {
    int last = (page + pages - 1) >>> unitShift;
    for (int unit = page >>> unitShift; unit <= last; unit++) {
      if (marks[unit] != CLEAN) {
        return false;
      }
    }
    return true;
  }

  /// Records that whole units are zero, of which the caller has taken all pages.
  void markClean(int page, int pages) {
    Arrays.fill(marks, page >>> unitShift, ((page + pages - 1) >>> unitShift) + 1, CLEAN);
  }

  /// Whether the unit of a page is at least in this state.
  boolean isAtLeast(int page, byte state) {
    return marks[page >>> unitShift] >= state;
  }

  /// Records that the free pages of a unit are about to go back one by one.
  ///
  /// @return false if they did before, and nothing was freed since
  boolean beginParts(int page) {
    int unit = page >>> unitShift;
    byte old = marks[unit];
    return old != PURGED_IN_PART && MARK.compareAndSet(marks, unit, old, PURGED_IN_PART);
  }

  /// The first page of the unit after this page's, or the page count.
  int nextUnit(int page) {
    return Math.min(((page >>> unitShift) + 1) << unitShift, pageCount);
  }

  /// The first page of this page's unit.
  int unitStart(int page) {
    return page >>> unitShift << unitShift;
  }

  /// The first page of the first unit that is at least in this state, or the page count.
  ///
  /// @param page where to begin: a unit's first page, or the page count
  int next(int page, byte state) {
    int unit = page == pageCount ? marks.length : page >>> unitShift;
    while (unit < marks.length && marks[unit] < state) {
      unit++;
    }
    return unit == marks.length ? pageCount : unit << unitShift;
  }

  /// Another look: what was used becomes older.
  void age() {
    for (int unit = 0; unit < marks.length; unit++) {
      byte old = marks[unit];
      if (old >= USED && old < DUE) {
        MARK.compareAndSet(marks, unit, old, (byte) (old + 1));
      }
    }
  }
}
