package dev.octavo.allocator.internal.buddy;

/// A search for the place of a run with the most free pages, the lowest of those.
///
/// While a window slides upward, its number of free pages can stop growing only where its first
/// page passes the start of a free run, or its end passes the end of one. So the lowest of the best
/// places is next to such a point: the last aligned page up to it, or the first one from it on; or
/// it is the lowest or highest place of the stretch that is searched. No other place is looked at.
///
/// Not thread-safe.
final class WindowSearch {

  private static final int NONE = -1;

  private final FreeMap map;
  private final int pages;
  private final long phase;
  private final long alignMask;
  private int best = NONE;
  private long bestFree = -1;

  /// @param pages 1 or more
  /// @param alignOrder 0..62
  WindowSearch(FreeMap map, int pages, int alignOrder, long phase) {
    this.map = map;
    this.pages = pages;
    this.phase = phase;
    alignMask = (1L << alignOrder) - 1;
  }

  int pages() {
    return pages;
  }

  /// The first page of the best place so far, or -1 if there is none.
  int firstPage() {
    return best;
  }

  /// The number of free pages of the best place so far, or -1 if there is none.
  long freePages() {
    return bestFree;
  }

  /// Whether `from..to-1` has room for the run, free or not.
  boolean fits(int from, int to) {
    return alignedUp(from) <= (long) to - pages;
  }

  /// Looks at the places in `from..to-1`, all of which are above those looked at before.
  void lookWithin(int from, int to) {
    if (!fits(from, to)) {
      return;
    }
    long last = (long) to - pages;
    consider(alignedUp(from), from, last);
    consider(alignedDown(last), from, last);
    int run = map.firstRunEndingBehind(from);
    for (; run < map.runCount() && map.start(run) < to; run++) {
      considerAround(map.start(run), from, last);
      considerAround((long) map.end(run) - pages, from, last);
    }
  }

  private void considerAround(long page, int from, long last) {
    consider(alignedDown(page), from, last);
    consider(alignedUp(page), from, last);
  }

  private void consider(long page, int from, long last) {
    if (page < from || page > last) {
      return;
    }
    long free = map.freePages((int) page, (int) page + pages);
    if (free > bestFree || (free == bestFree && page < best)) {
      best = (int) page;
      bestFree = free;
    }
  }

  // Sums may overflow here, and the differences are right all the same.

  private long alignedDown(long page) {
    return page - ((page + phase) & alignMask);
  }

  private long alignedUp(long page) {
    return page + (-(page + phase) & alignMask);
  }
}
