package dev.octavo.allocator.internal.buddy;

import java.util.Arrays;

/// The runs of free pages of a tree, as read at one time. Immutable.
///
/// Exact if no other call ran while it was read; otherwise a guess, in which each run was free at
/// some moment. Takes 12 bytes for each run.
public final class FreeMap {

  private static final int FIRST_LENGTH = 16;

  private final int pageCount;
  private final int runCount;

  /// First pages of the runs, ascending, from index 0 to `runCount` - 1; no two runs touch.
  private final int[] starts;

  /// The pages behind the runs.
  private final int[] ends;

  /// How many pages are free before each run.
  private final int[] before;

  private FreeMap(int pageCount, int runCount, int[] starts, int[] ends) {
    this.pageCount = pageCount;
    this.runCount = runCount;
    this.starts = starts;
    this.ends = ends;
    before = new int[runCount];
    for (int i = 1; i < runCount; i++) {
      before[i] = before[i - 1] + ends[i - 1] - starts[i - 1];
    }
  }

  /// Reads all free runs of a tree. Costs time in proportion to their number.
  static FreeMap of(BuddyTree tree) {
    int pageCount = tree.geometry().pageCount();
    FreeRuns runs = tree.runs();
    Stripe stripe = tree.common().stripe();
    int[] starts = new int[FIRST_LENGTH];
    int[] ends = new int[FIRST_LENGTH];
    int count = 0;
    int page = runs.nextBlock(0, pageCount, 0, stripe);
    while (page < pageCount) {
      int end = runs.freeEnd(page, pageCount);
      if (count > 0 && ends[count - 1] == page) {
        ends[count - 1] = end; // what lies before was freed a moment ago
      } else if (end > page) {
        if (count == starts.length) {
          starts = Arrays.copyOf(starts, 2 * count);
          ends = Arrays.copyOf(ends, 2 * count);
        }
        starts[count] = page;
        ends[count++] = end;
      }
      page = end < pageCount ? runs.nextBlock(Math.max(end, page + 1), pageCount, 0, stripe) : end;
    }
    return new FreeMap(pageCount, count, starts, ends);
  }

  int pageCount() {
    return pageCount;
  }

  int runCount() {
    return runCount;
  }

  int start(int run) {
    return starts[run];
  }

  int end(int run) {
    return ends[run];
  }

  /// The first run that ends behind `page`, or the number of runs.
  int firstRunEndingBehind(int page) {
    int found = Arrays.binarySearch(ends, 0, runCount, page);
    return found < 0 ? -found - 1 : found + 1;
  }

  /// The number of free pages in `from..to-1`. Costs time in proportion to the logarithm of the
  /// number of runs.
  ///
  /// @param from 0..`to`
  /// @param to at most pageCount
  public long freePages(int from, int to) {
    return (long) freeBefore(to) - freeBefore(from);
  }

  /// Whether a run of this length and alignment is free; arguments as of [#bestWindow].
  public boolean hasRun(int pages, int alignOrder, long phase) {
    long mask = (1L << alignOrder) - 1;
    for (int run = 0; run < runCount; run++) {
      long first = ((starts[run] + phase + mask) & ~mask) - phase;
      if (ends[run] - first >= pages) {
        return true;
      }
    }
    return false;
  }

  /// How many runs of `pages` pages are free at the same time.
  public long countRuns(int pages) {
    long count = 0;
    for (int run = 0; run < runCount; run++) {
      count += (ends[run] - starts[run]) / pages;
    }
    return count;
  }

  private int freeBefore(int page) {
    int run = firstRunEndingBehind(page);
    if (run < runCount) {
      return before[run] + Math.max(0, page - starts[run]);
    }
    return run == 0 ? 0 : before[run - 1] + ends[run - 1] - starts[run - 1];
  }

  /// The stretches in `from..to-1` that are not free, ascending: the first page of each, and the
  /// page behind it, in turn.
  ///
  /// @param from 0..`to`
  /// @param to at most pageCount
  /// @param most how many stretches are returned at most, 0 or more
  public int[] usedIn(int from, int to, int most) {
    int[] used = new int[2 * Math.min(most, runCount + 1)];
    int count = 0;
    int page = from;
    for (int run = firstRunEndingBehind(from); page < to && count < used.length; run++) {
      int start = run < runCount ? Math.min(starts[run], to) : to;
      if (page < start) {
        used[count++] = page;
        used[count++] = start;
      }
      page = run < runCount ? ends[run] : to;
    }
    return Arrays.copyOf(used, count);
  }

  /// The place for a run of `pages` pages with the fewest pages that are not free, the lowest of
  /// those. Costs time in proportion to r log r, where r is the number of free runs and avoided
  /// pages.
  ///
  /// @param pages 1 or more
  /// @param alignOrder 0..62: the first page plus `phase` is a multiple of 2^`alignOrder`
  /// @param avoided stretches that the run must not meet, ascending, as [#usedIn] returns them;
  ///   they may overlap
  /// @return the first page, or -1 if there is no such place
  public int bestWindow(int pages, int alignOrder, long phase, int[] avoided) {
    WindowSearch search = new WindowSearch(this, pages, alignOrder, phase);
    int from = 0;
    for (int i = 0; i < avoided.length; i += 2) {
      if (avoided[i] > from) {
        search.lookWithin(from, avoided[i]);
      }
      from = Math.max(from, avoided[i + 1]);
    }
    search.lookWithin(from, pageCount);
    return search.firstPage();
  }
}
