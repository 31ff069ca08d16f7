package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.VarHandle;
import java.util.function.IntFunction;

/// The free pages: a radix-64 buddy tree in words, without lists and without locks.
///
/// ## Shape
///
/// [Level] k has a bit for each unit of 64^k pages; it is one if the unit is wholly free and owned
/// at this level. 64 free units in one word are one free unit of the level above, so a word of ones
/// does not stay: it becomes zero and its bit above is set.
///
/// ```
///   level 1   0 1 1 . . .          unit 0 is opened, units 1 and 2 are free
///   level 0   00110111...  0  0    what is free of unit 0; the words of units 1 and 2 are zero
/// ```
///
/// A block of any order is an aligned run of ones in *one* word: taking it is one CAS, whatever its
/// size. *Split*: take one unit from the level above, then store the rest of it one level down.
/// *Merge*: the CAS that would make a word all ones makes it zero instead, and the unit is put into
/// the level above. An *exact run* of n pages takes as many whole units as it needs and opens the
/// last one, so that what it does not need is free at once (L4).
///
/// ## Placement
///
/// If the page where a slot's home shall be lies in a free unit two or more levels above the slot's
/// first block, the block is the unit's first, and the home is there for good. Each level looks for
/// a block in the chunk (eight words at level 0, one above) that the slot last used at this level:
/// first in its opened words, lowest fitting word first, then it opens a unit of that chunk which
/// the level above owns; if the chunk has neither, in the lowest fitting word at or after the
/// slot's home chunk, then in the lowest of all; if none fits, it asks the level above for one unit
/// by the same rule, and the block is the unit's first. In a word the smallest free block that
/// suffices is taken, the lowest of those; so is the unit to open, among those of the chunk. A run
/// of 2^k pages takes the first pages of a block of order k, or of its alignment's order if that is
/// larger. A run whose length is no power of two is first looked for in the window where the slot
/// last placed one, an aligned stretch of a chunk of level 0 or of four times the run's rounded
/// size, whichever is more: the lowest place where it fits. Otherwise it is placed as if its length
/// were rounded up to a power of two, and takes the first of those pages. If there is no such
/// block, any run takes the lowest place in the region where it fits. A block moves the chunks of
/// the levels from its order's own up to the one that found it, and a run whose length is no power
/// of two moves the window, to where the pages were found; nothing else moves them.
///
/// The rule keeps large blocks whole: a slot fills one chunk before it touches the next, and opens
/// no unit elsewhere while any opened one has a hole (docs/decisions/0002-placement.md).
///
/// All methods are safe for any number of threads and none waits for another.
final class BuddyTree {

  private static final int NONE = -1;

  /// log2 of how many times a run's rounded size a window holds.
  private static final int WINDOW_BLOCKS_LOG2 = 2;

  private final Geometry geometry;
  private final Level[] levels;
  private final Transit transit;
  private final FreeRuns runs;

  /// Where calls work that have no slot of their own.
  private final Slot common;

  BuddyTree(Geometry geometry, IntFunction<Words> storage) {
    this.geometry = geometry;
    transit = new Transit();
    levels = new Level[geometry.topLevel() + 1];
    for (int l = 0; l < levels.length; l++) {
      levels[l] = new Level(geometry, l, transit, storage);
    }
    runs = new FreeRuns(geometry, levels);
    common = openSlot(0, true);
    put(common, 0, geometry.pageCount());
  }

  /// A new slot.
  ///
  /// @param homePage where it looks first
  /// @param shared whether more than one thread will use it
  Slot openSlot(int homePage, boolean shared) {
    return new Slot(geometry, transit.open(shared), homePage);
  }

  Geometry geometry() {
    return geometry;
  }

  Slot common() {
    return common;
  }

  Transit transit() {
    return transit;
  }

  FreeRuns runs() {
    return runs;
  }

  Level level(int level) {
    return levels[level];
  }

  int levelCount() {
    return levels.length;
  }

  // ---- take

  /// Takes `pages` pages that follow each other, the first a multiple of 2^`alignOrder`.
  ///
  /// @return the first page, or -1 if no such run was seen; [Transit] tells whether that is exact
  int take(Slot slot, int pages, int alignOrder) {
    if (!Geometry.isPowerOfTwo(pages)) {
      return takeOddRun(slot, pages, alignOrder);
    }
    int order = Geometry.orderFor(pages);
    int page = takeBlock(slot, Math.max(order, alignOrder), pages);
    boolean onlyBlocksFit = order == alignOrder && order <= geometry.maxOrder();
    return page != NONE || onlyBlocksFit ? page : takeInPhase(slot, pages, alignOrder, 0);
  }

  private int takeOddRun(Slot slot, int pages, int alignOrder) {
    int page = takeInWindow(slot, pages, alignOrder);
    if (page == NONE) {
      page = takeBlock(slot, Math.max(Geometry.orderFor(pages), alignOrder), pages);
    }
    if (page == NONE) {
      page = takeInPhase(slot, pages, alignOrder, 0);
    }
    if (page != NONE) {
      slot.rememberWindow(page);
    }
    return page;
  }

  /// Takes the lowest run of which the first page plus `phase` is a multiple of 2^`alignOrder`.
  int takeInPhase(Slot slot, int pages, int alignOrder, long phase) {
    return takeFirst(slot, 0, geometry.pageCount(), pages, alignOrder, phase);
  }

  /// Takes the first `pages` pages of a block; the block's other pages stay free or become free.
  private int takeBlock(Slot slot, int order, int pages) {
    if (order > geometry.maxOrder()) {
      return NONE;
    }
    int lowest = order / geometry.radixLog2();
    int s = order % geometry.radixLog2();
    if (!slot.isSettled() && settle(slot, lowest, pages)) {
      return slot.homePage();
    }
    for (int l = lowest; l < levels.length; l++) {
      int page = takeAtLevel(slot, l, l == lowest ? s : 0, pages);
      if (page != NONE) {
        for (int below = l; below >= lowest; below--) {
          slot.remember(below, page);
        }
        return page;
      }
    }
    return NONE;
  }

  /// Settles a slot in the free unit where its home shall be, if that is too large to be opened for
  /// its chunk, and takes the unit's first pages.
  ///
  /// @return false if there is no such unit; the home stays where it was
  private boolean settle(Slot slot, int lowest, int pages) {
    int home = slot.homePage();
    int l = runs.levelOf(home);
    if (l > lowest + 1) {
      int first = home & -levels[l].unitPages();
      if (takeAt(slot, first, pages)) {
        slot.settle(first);
        return true;
      }
    }
    slot.settle(home);
    return false;
  }

  /// Tries the words of a level in the order of the placement rule.
  private int takeAtLevel(Slot slot, int l, int s, int pages) {
    int chunkLog2 = geometry.chunkWordsLog2(l);
    int words = levels[l].wordCount();
    int chunk = slot.chunk(l);
    int start = chunk << chunkLog2;
    int end = Math.min(start + (1 << chunkLog2), words);
    int page = takeWithin(slot, l, s, pages, start, end);
    if (page == NONE && l + 1 < levels.length) {
      page = takeUnitIn(slot, l + 1, start, end, pages);
    }
    int home = slot.homeChunk(l) << chunkLog2;
    if (page == NONE) {
      page = takeWithin(slot, l, s, pages, home == start ? end : home, words);
    }
    return page == NONE && home > 0 ? takeWithin(slot, l, s, pages, 0, home) : page;
  }

  /// Opens one of the units `from..to-1`, which are in one word.
  private int takeUnitIn(Slot slot, int l, int from, int to, int pages) {
    Level level = levels[l];
    int word = wordOf(from);
    long chunk = WordRuns.lowBits(to - from) << bitOf(from);
    if ((level.word(word) & chunk) == 0) {
      return NONE;
    }
    transit.begin(slot.stripe());
    int bit = level.takeOne(word, chunk);
    if (bit != NONE) {
      open(slot, l, unit(word, bit), pages);
    }
    transit.end(slot.stripe());
    return bit == NONE ? NONE : unit(word, bit) << level.unitShift();
  }

  /// Tries the words of `from..to-1`. The first one that holds less than its summary promised is
  /// passed over, as it is likely to be filled again soon (a page freed and allocated in turn
  /// merges and splits its word each time); what else promised too much is corrected.
  private int takeWithin(Slot slot, int l, int s, int pages, int from, int to) {
    Level level = levels[l];
    boolean correct = false;
    int word = level.next(from, to, s, slot.stripe());
    while (word != NONE) {
      int page = slot.passesOver(l, word) ? NONE : takeFrom(slot, l, s, pages, word);
      if (page != NONE) {
        return page;
      }
      if (correct) {
        level.settle(word, slot.stripe());
      }
      correct = true;
      word = level.next(word + 1, to, s, slot.stripe());
    }
    return NONE;
  }

  /// Takes as many units as `pages` needs, from the first of the best fitting block of order `s` in
  /// a word on, and gives back what the last of them has too much.
  private int takeFrom(Slot slot, int l, int s, int pages, int word) {
    Level level = levels[l];
    int units = unitsFor(l, pages);
    int pagesInLast = pages - ((units - 1) << level.unitShift());
    if (pagesInLast == level.unitPages()) {
      int bit = level.takeBest(word, s, units, slot.stripe());
      if (bit == NONE) {
        return NONE;
      }
      transit.changed(slot.stripe());
      return unit(word, bit) << level.unitShift();
    }
    if (!level.has(word, s)) {
      // Nothing is announced for nothing: a search that finds nothing must not disturb itself.
      return NONE;
    }
    transit.begin(slot.stripe());
    int bit = level.takeBest(word, s, units, slot.stripe());
    if (bit != NONE) {
      open(slot, l, unit(word, bit) + units - 1, pagesInLast);
    }
    transit.end(slot.stripe());
    return bit == NONE ? NONE : unit(word, bit) << level.unitShift();
  }

  /// Keeps the first `pages` pages of a unit that the caller owns; stores the rest in the levels
  /// below, then makes it findable. One fence for all stores: who lowers a summary must either be
  /// seen here or see the word ([Summary]).
  private void open(Slot slot, int level, int unit, int pages) {
    int end = (unit << levels[level].unitShift()) + pages;
    int lowest = Integer.numberOfTrailingZeros(end) / geometry.radixLog2();
    for (int l = level - 1; l >= lowest; l--) {
      int last = (end - 1) >>> levels[l].unitShift();
      levels[l].open(wordOf(last), unitsAfter(last));
    }
    VarHandle.fullFence();
    for (int l = level - 1; l >= lowest; l--) {
      int last = (end - 1) >>> levels[l].unitShift();
      levels[l].raise(wordOf(last), unitsAfter(last), slot.stripe());
    }
  }

  /// The units behind this one in its word.
  private long unitsAfter(int unit) {
    return fullWord() & ~WordRuns.lowBits(bitOf(unit) + 1);
  }

  /// Takes more blocks of one order from the word that owned the block at `page`, with one CAS: the
  /// blocks that as many calls of [#take] would find there, in the same order.
  ///
  /// @param pages where their first pages are put, from index `at` to its end
  /// @return how many
  int takeMore(Slot slot, int page, int order, long[] pages, int at) {
    Level level = levels[order / geometry.radixLog2()];
    int word = wordOf(page >>> level.unitShift());
    int count = level.takeMany(word, order % geometry.radixLog2(), pages, at);
    if (count > 0) {
      transit.changed(slot.stripe());
    }
    for (int i = at; i < at + count; i++) {
      pages[i] = (long) unit(word, (int) pages[i]) << level.unitShift();
    }
    return count;
  }

  // ---- runs at a given place

  private int takeInWindow(Slot slot, int pages, int alignOrder) {
    int order = Math.max(geometry.chunkOrder(), Geometry.orderFor(pages) + WINDOW_BLOCKS_LOG2);
    long from = (long) slot.windowPage() >>> order << order;
    int to = (int) Math.min(from + (1L << order), geometry.pageCount());
    return takeFirst(slot, (int) from, to, pages, alignOrder, 0);
  }

  /// Takes the lowest run that lies in `from..to-1` and of which the first page plus `phase` is a
  /// multiple of 2^`alignOrder`.
  int takeFirst(Slot slot, int from, int to, int pages, int alignOrder, long phase) {
    while (true) {
      int page = runs.find(from, to, pages, alignOrder, phase, slot.stripe());
      if (page == NONE || takeAt(slot, page, pages)) {
        return page;
      }
    }
  }

  /// Takes exactly these pages, wherever in the tree they are owned.
  ///
  /// @return false, and nothing has changed, if not all of them were free
  boolean takeAt(Slot slot, int page, int pages) {
    if (takeFromOneWord(page, pages)) {
      transit.changed(slot.stripe());
      return true;
    }
    return takePiecewise(slot, page, pages);
  }

  /// One CAS, and nothing to announce, if all of the pages are units in one word.
  private boolean takeFromOneWord(int page, int pages) {
    int l = runs.levelOf(page);
    if (l == NONE) {
      return false;
    }
    Level level = levels[l];
    int unit = page >>> level.unitShift();
    int units = pages >>> level.unitShift();
    boolean wholeUnits = ((page | pages) & (level.unitPages() - 1)) == 0;
    return wholeUnits
        && bitOf(unit) + units <= geometry.unitsInWord()
        && level.takeExactly(wordOf(unit), WordRuns.lowBits(units) << bitOf(unit));
  }

  /// Several words may have to change, lowest page first; if a page turns out not to be free, those
  /// taken go back.
  private boolean takePiecewise(Slot slot, int page, int pages) {
    int end = page + pages;
    transit.begin(slot.stripe());
    int at = page;
    for (int next; at < end && (next = takeNext(slot, at, end)) != at; ) {
      at = next;
    }
    if (at < end) {
      put(slot, page, at - page);
    }
    transit.end(slot.stripe());
    return at == end;
  }

  /// Takes free pages from `at` on, as many as one word gives; returns the page after them.
  private int takeNext(Slot slot, int at, int end) {
    while (true) {
      int l = runs.levelOf(at);
      if (l == NONE) {
        return at;
      }
      Level level = levels[l];
      int unit = at >>> level.unitShift();
      int word = wordOf(unit);
      int first = unit << level.unitShift();
      int last = first + level.unitPages();
      if (first == at && last <= end) {
        int ones = WordRuns.onesFrom(level.word(word), bitOf(unit));
        int units = Math.min(ones, (end - at) >>> level.unitShift());
        if (units > 0 && level.takeExactly(word, WordRuns.lowBits(units) << bitOf(unit))) {
          return at + (units << level.unitShift());
        }
      } else if (level.takeExactly(word, 1L << bitOf(unit))) {
        int stop = Math.min(end, last);
        put(slot, first, at - first);
        put(slot, stop, last - stop);
        return stop;
      }
    }
  }

  // ---- put

  /// Makes units of one word free that the caller owns.
  ///
  /// @param mask the units, at least one
  void putUnits(Slot slot, int l, int word, long mask) {
    putMerged(slot, l, word, mask);
    transit.changed(slot.stripe());
  }

  /// Makes pages free that the caller owns: the fewest aligned pieces, lowest address first, each
  /// one CAS, merged upward as far as they go. To a failing search several pieces are one event, so
  /// they are announced.
  void put(Slot slot, int page, int pages) {
    if (pages == 0) {
      return;
    }
    int end = page + pages;
    int l = pieceLevel(page, end);
    int at = pieceEnd(l, page, end);
    if (at == end) {
      putPiece(slot, l, page, end);
      transit.changed(slot.stripe());
      return;
    }
    transit.begin(slot.stripe());
    putPiece(slot, l, page, at);
    while (at < end) {
      l = pieceLevel(at, end);
      int next = pieceEnd(l, at, end);
      putPiece(slot, l, at, next);
      at = next;
    }
    transit.end(slot.stripe());
  }

  /// The highest level of which a unit starts at `at` and ends by `end`.
  private int pieceLevel(int at, int end) {
    int l = Math.min(levels.length - 1, Integer.numberOfTrailingZeros(at) / geometry.radixLog2());
    while (levels[l].unitPages() > end - at) {
      l--;
    }
    return l;
  }

  /// The end of the piece at `at`: as many units of the level as one word holds.
  private int pieceEnd(int l, int at, int end) {
    int shift = levels[l].unitShift();
    int room = geometry.unitsInWord() - bitOf(at >>> shift);
    return at + (Math.min(room, (end - at) >>> shift) << shift);
  }

  private void putPiece(Slot slot, int l, int at, int end) {
    int unit = at >>> levels[l].unitShift();
    int units = (end - at) >>> levels[l].unitShift();
    putMerged(slot, l, wordOf(unit), WordRuns.lowBits(units) << bitOf(unit));
  }

  private void putMerged(Slot slot, int lowest, int firstWord, long firstMask) {
    int l = lowest;
    int word = firstWord;
    long mask = firstMask;
    boolean moving = false;
    while (true) {
      Level level = levels[l];
      long old = level.word(word);
      long update = old | mask;
      if (update != fullWord() || l == levels.length - 1) {
        if (level.replace(word, old, update)) {
          level.raise(word, update, slot.stripe());
          break;
        }
      } else {
        if (!moving) {
          transit.begin(slot.stripe());
          moving = true;
        }
        if (level.replace(word, old, 0)) {
          mask = 1L << bitOf(word);
          word = wordOf(word);
          l++;
        }
      }
    }
    if (moving) {
      transit.end(slot.stripe());
    }
  }

  // ---- arithmetic

  /// The units of `level` that `pages` pages need.
  private int unitsFor(int level, int pages) {
    return ((pages - 1) >>> levels[level].unitShift()) + 1;
  }

  private int unit(int word, int bit) {
    return word << geometry.radixLog2() | bit;
  }

  private int wordOf(int unit) {
    return unit >>> geometry.radixLog2();
  }

  private int bitOf(int unit) {
    return unit & (geometry.unitsInWord() - 1);
  }

  private long fullWord() {
    return WordRuns.lowBits(geometry.unitsInWord());
  }
}
