package dev.octavo.allocator.internal.buddy;

/// Reads the tree as one sequence of pages: which are free, how far a free run goes, where the
/// first run of some length lies. Changes nothing but stale summaries; what it says may be outdated
/// when it returns, so whoever acts on it must claim the pages and be ready to fail.
final class FreeRuns {

  private static final int NOT_FREE = -1;

  private final Geometry geometry;
  private final Level[] levels;

  FreeRuns(Geometry geometry, Level[] levels) {
    this.geometry = geometry;
    this.levels = levels;
  }

  /// The level that owns a free page, or -1 if the page is not free.
  int levelOf(int page) {
    for (int l = levels.length - 1; l >= 0; l--) {
      int unit = page >>> levels[l].unitShift();
      if ((levels[l].word(wordOf(unit)) >>> bitOf(unit) & 1) != 0) {
        return l;
      }
    }
    return NOT_FREE;
  }

  /// The first page from `page` upward that is not free, at most `stop`.
  int freeEnd(int page, int stop) {
    int end = page;
    while (end < stop) {
      int l = levelOf(end);
      if (l == NOT_FREE) {
        return end;
      }
      int unit = end >>> levels[l].unitShift();
      int ones = WordRuns.onesFrom(levels[l].word(wordOf(unit)), bitOf(unit));
      end = Math.max(end, (unit + ones) << levels[l].unitShift());
    }
    return stop;
  }

  /// The lowest page, at least `stop`, from which all pages up to the free page `page` are free.
  int freeStart(int page, int stop) {
    int start = page;
    while (start > stop) {
      int l = levelOf(start - 1);
      if (l == NOT_FREE) {
        return start;
      }
      int unit = (start - 1) >>> levels[l].unitShift();
      int ones = WordRuns.onesUpTo(levels[l].word(wordOf(unit)), bitOf(unit));
      start = Math.min(start, (unit + 1 - ones) << levels[l].unitShift());
    }
    return stop;
  }

  /// The lowest run of `pages` free pages within `from..to-1` whose first page plus `phase` is a
  /// multiple of 2^`alignOrder`.
  ///
  /// A run of n pages holds a block of order floor(log2(n+1))-1, so only such blocks are looked at:
  /// small holes cost nothing.
  ///
  /// @return its first page, or -1
  int find(int from, int to, int pages, int alignOrder, long phase, Stripe stripe) {
    int order = Math.min(Geometry.largestOrder(pages + 1) - 1, geometry.maxOrder());
    int at = from;
    while (at < to) {
      int block = nextBlock(at, to, order, stripe);
      if (block == to) {
        return NOT_FREE;
      }
      long start = alignUp(freeStart(block, at) + phase, alignOrder) - phase;
      int stop = (int) Math.min(to, start + pages);
      int end = freeEnd(block, stop);
      if (end - start >= pages) {
        return (int) start;
      }
      at = Math.max(end, at + 1);
    }
    return NOT_FREE;
  }

  /// The longest run of free pages.
  int largest(Stripe stripe) {
    int pageCount = geometry.pageCount();
    int largest = 0;
    int start = nextBlock(0, pageCount, 0, stripe);
    while (start < pageCount) {
      int end = freeEnd(start, pageCount);
      largest = Math.max(largest, end - start);
      start = nextBlock(Math.max(end, start + 1), pageCount, 0, stripe);
    }
    return largest;
  }

  /// The first page in `page..to-1` that lies in a free block of this order or more, or `to`.
  int nextBlock(int page, int to, int order, Stripe stripe) {
    int next = to;
    int s = order % geometry.radixLog2();
    for (int l = order / geometry.radixLog2(); l < levels.length && page < next; l++) {
      next = Math.min(next, Math.max(page, nextBlockAt(l, s, page, next, stripe)));
      s = 0;
    }
    return next;
  }

  /// The first page of the first free block of order `s` in a word that ends after `page`, or `to`.
  private int nextBlockAt(int l, int s, int page, int to, Stripe stripe) {
    Level level = levels[l];
    int unit = page >>> level.unitShift();
    int word = wordOf(unit);
    int words = wordOf((to - 1) >>> level.unitShift()) + 1;
    long reachable = -1L << (bitOf(unit) & -(1 << s));
    long starts = WordRuns.blockStarts(level.word(word), s) & reachable;
    while (starts == 0) {
      word = level.next(word + 1, words, s, stripe);
      if (word == NOT_FREE) {
        return to;
      }
      starts = WordRuns.blockStarts(level.word(word), s);
      if (starts == 0) {
        level.settle(word, stripe);
      }
    }
    int first = word << geometry.radixLog2() | Long.numberOfTrailingZeros(starts);
    return first << level.unitShift();
  }

  private static long alignUp(long page, int alignOrder) {
    long mask = (1L << alignOrder) - 1;
    return (page + mask) & ~mask;
  }

  private int wordOf(int unit) {
    return unit >>> geometry.radixLog2();
  }

  private int bitOf(int unit) {
    return unit & (geometry.unitsInWord() - 1);
  }
}
