package dev.octavo.allocator.model;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.PageState;
import dev.octavo.allocator.model.Placement.Way;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The allocator as its documentation describes it, in the simplest form that works: a set of free
/// pages and a map of allocations. It predicts the page of every allocation, so a test asks the
/// same of the allocator and of the model and compares.
///
/// Everything else is derived from these two each time: which blocks are free, which of them a
/// level owns, which run is the lowest. No call costs less than a walk over the pages; regions of
/// up to some ten thousand pages are practical.
///
/// ## The rule
///
/// A *free block* is an aligned run of 2^order free pages that is not part of a larger one, as
/// large as a word of the top level at most. Level k, k = 0..maxOrder/radixLog2, serves the orders
/// k·radixLog2 and up, radixLog2 of them, and owns the free blocks of these orders (the top level
/// owns all larger ones, too). A *unit* of level k is an aligned stretch of 2^(k·radixLog2) pages,
/// a *word* one of 2^radixLog2 units, a *chunk* one word, at level 0 2^(radixLog2/2) words.
///
/// - [#settle]: a slot whose home is not the region's start takes its first block at the start of
///   the unit that covers its home, if the unit is free as a whole and two levels or more above the
///   block's; its home is there from then on.
/// - [#blockFor]: the levels are searched from the one that serves the order of the block upward.
///   Each looks in the chunk where the slot last found something for this level, in the home's
///   chunk only from the word of the home on: first for a block that this level owns, then for a
///   unit that the level above owns; then from the word of the home upward for a block that this
///   level owns, then from the lowest page.
/// - Of the blocks that suffice, the lowest word that has one gives the smallest it has, the lowest
///   of those. Of the units in the chunk, that of the smallest free block, the lowest of those.
/// - A run of 2^k pages takes the first pages of a block of order k, or of the order of its
///   alignment if that is larger.
/// - A run of any other length takes the lowest place in its *window* ([#windowFor]), else the
///   first pages of a block of its length rounded up, or of its alignment if that is larger.
/// - If there is no such block, a run takes the lowest place of the region ([#firstFit]).
///
/// A slot remembers where a block was found, for each level that was searched; and where a run of
/// odd length was placed, whatever found it. It remembers nothing else.
///
/// Not thread-safe. Arguments must be in range; the model does not check them.
public final class ReferencePages {

  /// log2 of the smallest window in rounded run lengths.
  private static final int WINDOW_LENGTHS_LOG2 = 2;

  private final Geometry geometry;
  private final int topLevel;
  private final FreePages freePages;
  private final NavigableMap<Integer, Integer> allocations = new TreeMap<>();
  private final Set<Integer> held = new HashSet<>();
  private final List<ReferenceSlot> slots = new ArrayList<>();

  /// A region with all pages free.
  ///
  /// @param geometry its page count, largest order and radix
  /// @param slotCount how many slots work in it, 1 or more
  public ReferencePages(Geometry geometry, int slotCount) {
    this.geometry = geometry;
    topLevel = geometry.maxOrder() / geometry.radixLog2();
    freePages = new FreePages(geometry.pageCount());
    for (int slot = 0; slot < slotCount; slot++) {
      slots.add(new ReferenceSlot(home(slot)));
    }
  }

  /// Slots live at 0, 1/2, 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, 1/16 and so on of the region: the binary
  /// digits of the number in reverse, behind the point.
  private int home(int slot) {
    long numerator = 0;
    long denominator = 1;
    for (int digits = slot; digits > 0; digits /= 2) {
      numerator = 2 * numerator + digits % 2;
      denominator *= 2;
    }
    return (int) (numerator * geometry.pageCount() / denominator);
  }

  // ---- allocate

  /// Allocates a run whose first page is a multiple of 2^`alignOrder`.
  ///
  /// @param slot who allocates, 0-based
  /// @param pages the length, 1..pageCount
  /// @param alignOrder log2 of the alignment in pages, 0..62
  /// @return where, empty if there is no such run
  public Optional<Placement> allocate(int slot, int pages, int alignOrder) {
    return placeFor(slots.get(slot), pages, alignOrder).map(place -> record(place, pages));
  }

  /// Allocates the lowest run whose first page plus `phase` is a multiple of 2^`alignOrder`.
  ///
  /// @param pages the length, 1..pageCount
  /// @param alignOrder log2 of the alignment in pages, 0..62
  /// @param phase how far page 0 lies behind a multiple of the alignment, 0 or more
  /// @return where, empty if there is no such run
  public Optional<Placement> allocateInPhase(int pages, int alignOrder, long phase) {
    return firstFit(pages, alignOrder, phase).map(place -> record(place, pages));
  }

  /// Allocates runs of 2^`order` pages, one after the other, until there are `count` of them or no
  /// more is found.
  ///
  /// @return the first pages, in the order of allocation
  public List<Integer> allocateMany(int slot, int order, int count) {
    List<Integer> pages = new ArrayList<>();
    while (pages.size() < count) {
      Optional<Placement> place = allocate(slot, 1 << order, 0);
      if (place.isEmpty()) {
        break;
      }
      pages.add(place.get().page());
    }
    return pages;
  }

  private Placement record(Placement place, int pages) {
    freePages.remove(place.page(), pages);
    allocations.put(place.page(), pages);
    return place;
  }

  private Optional<Placement> placeFor(ReferenceSlot slot, int pages, int alignOrder) {
    int order = roundedOrder(pages);
    int blockOrder = Math.max(order, alignOrder);
    if (pages == 1 << order) {
      return blockFor(slot, blockOrder).or(() -> firstFit(pages, alignOrder, 0));
    }
    Optional<Placement> place =
        windowFor(slot, pages, alignOrder)
            .or(() -> blockFor(slot, blockOrder))
            .or(() -> firstFit(pages, alignOrder, 0));
    place.ifPresent(found -> slot.rememberRun(found.page()));
    return place;
  }

  /// The smallest order whose blocks have `pages` pages.
  private static int roundedOrder(int pages) {
    int order = 0;
    while (1 << order < pages) {
      order++;
    }
    return order;
  }

  // ---- place: blocks

  private Optional<Placement> blockFor(ReferenceSlot slot, int order) {
    if (order > geometry.maxOrder()) {
      return Optional.empty();
    }
    List<FreeBlock> blocks = freeBlocks();
    int firstLevel = levelOf(order);
    if (!slot.isSettled()) {
      Optional<Placement> place = settle(slot, firstLevel, blocks);
      if (place.isPresent()) {
        return place;
      }
    }
    for (int level = firstLevel; level <= topLevel; level++) {
      List<FreeBlock> above = ownedBy(level + 1, blocks);
      List<FreeBlock> fitting =
          ownedBy(level, blocks).stream()
              .filter(block -> block.order() >= order)
              .filter(block -> levelOf(block.order()) > 0 || !slot.passesOver(word(block, 0)))
              .toList();
      Optional<Placement> place = search(slot, level, fitting, above);
      if (place.isPresent()) {
        for (int searched = firstLevel; searched <= level; searched++) {
          slot.rememberBlock(searched, place.get().page());
        }
        return place;
      }
    }
    return Optional.empty();
  }

  private Optional<Placement> settle(ReferenceSlot slot, int firstLevel, List<FreeBlock> blocks) {
    int home = slot.home();
    slot.settle(home);
    return blocks.stream()
        .filter(block -> block.page() <= home && home < block.page() + block.pages())
        .filter(block -> levelOf(block.order()) > firstLevel + 1)
        .findAny()
        .map(
            block -> {
              int level = levelOf(block.order());
              int unit = home >> (level * geometry.radixLog2()) << (level * geometry.radixLog2());
              slot.settle(unit);
              return new Placement(unit, Way.SETTLE, level);
            });
  }

  private List<FreeBlock> ownedBy(int level, List<FreeBlock> blocks) {
    return blocks.stream().filter(block -> levelOf(block.order()) == level).toList();
  }

  /// Searches one level.
  ///
  /// @param fitting its free blocks that suffice
  /// @param above the free blocks of the level above, if there is one
  private Optional<Placement> search(
      ReferenceSlot slot, int level, List<FreeBlock> fitting, List<FreeBlock> above) {
    long chunkPages = chunkPages(level);
    long chunk = slot.lastBlock(level) / chunkPages;
    long home = slot.home() / chunkPages;
    return best(fitting, level, page -> page / chunkPages == chunk)
        .map(page -> new Placement(page, Way.CHUNK, level))
        .or(() -> bestUnit(above, chunk * chunkPages, chunkPages))
        .or(
            () ->
                best(fitting, level, page -> page / chunkPages >= home)
                    .map(page -> new Placement(page, Way.HOME, level)))
        .or(
            () ->
                best(fitting, level, page -> true)
                    .map(page -> new Placement(page, Way.LOWEST, level)));
  }

  /// The smallest block, the lowest of those, in the lowest word that has any where `place` allows.
  private Optional<Integer> best(List<FreeBlock> blocks, int level, IntPredicate place) {
    List<FreeBlock> allowed = blocks.stream().filter(block -> place.test(block.page())).toList();
    long lowestWord = allowed.stream().mapToLong(block -> word(block, level)).min().orElse(0);
    return allowed.stream()
        .filter(block -> word(block, level) == lowestWord)
        .min(Comparator.comparingInt(FreeBlock::order).thenComparingInt(FreeBlock::page))
        .map(FreeBlock::page);
  }

  /// The first unit of the smallest block that lies in a chunk, the lowest of those. Of a block
  /// that is larger than the chunk it is the first unit in the chunk.
  private Optional<Placement> bestUnit(List<FreeBlock> blocks, long chunkStart, long chunkPages) {
    return blocks.stream()
        .filter(block -> block.page() < chunkStart + chunkPages)
        .filter(block -> block.page() + block.pages() > chunkStart)
        .min(Comparator.comparingInt(FreeBlock::order).thenComparingInt(FreeBlock::page))
        .map(block -> placeOf(block, (int) Math.max(block.page(), chunkStart)));
  }

  private Placement placeOf(FreeBlock block, int page) {
    return new Placement(page, Way.CHUNK_UNIT, levelOf(block.order()));
  }

  private long word(FreeBlock block, int level) {
    return block.page() / wordPages(level);
  }

  /// The level that owns free blocks of this order.
  private int levelOf(int order) {
    return Math.min(order / geometry.radixLog2(), topLevel);
  }

  private long wordPages(int level) {
    return 1L << ((level + 1) * geometry.radixLog2());
  }

  private long chunkPages(int level) {
    return wordPages(level) << (level == 0 ? geometry.radixLog2() / 2 : 0);
  }

  // ---- place: runs

  /// The lowest place in the stretch around the slot's last odd run that is aligned and as long as
  /// a chunk of level 0 or four times the rounded length of this run, whichever is more.
  private Optional<Placement> windowFor(ReferenceSlot slot, int pages, int alignOrder) {
    long windowPages = Math.max(chunkPages(0), 1L << (roundedOrder(pages) + WINDOW_LENGTHS_LOG2));
    long from = slot.lastRun() / windowPages * windowPages;
    long to = Math.min(from + windowPages, geometry.pageCount());
    return freePages
        .lowestRun(from, to, pages, page -> isMultiple(page, alignOrder))
        .map(page -> new Placement(page, Way.WINDOW, 0));
  }

  private Optional<Placement> firstFit(int pages, int alignOrder, long phase) {
    IntPredicate aligned = page -> isMultiple(page + phase, alignOrder);
    return freePages
        .lowestRun(0, geometry.pageCount(), pages, aligned)
        .map(page -> new Placement(page, Way.FIRST_FIT, 0));
  }

  private static boolean isMultiple(long page, int alignOrder) {
    return page % (1L << alignOrder) == 0;
  }

  // ---- free, and change the length

  /// Frees an allocation.
  ///
  /// @return false if it is none, has another length, or is held
  public boolean free(int page, int pages) {
    if (!isAllocation(page, pages)) {
      return false;
    }
    freeHeld(page, pages);
    return true;
  }

  /// Frees the last pages of an allocation, so that `newPages` are left, 1..pages.
  ///
  /// @return false if it is none, has another length, or is held
  public boolean trim(int page, int pages, int newPages) {
    if (!isAllocation(page, pages)) {
      return false;
    }
    allocations.put(page, newPages);
    freePages.add(page + newPages, pages - newPages);
    return true;
  }

  /// Keeps an allocation from being freed, trimmed or held by others.
  ///
  /// @return false if it is none, has another length, or is held
  public boolean hold(int page, int pages) {
    return isAllocation(page, pages) && held.add(page);
  }

  /// Ends [#hold].
  public void release(int page) {
    held.remove(page);
  }

  /// Appends the pages behind a held allocation if all are free, which ends [#hold].
  ///
  /// @param newPages the length it shall have, more than `pages`
  /// @return false, and it is still held, if not all are free
  public boolean growHeld(int page, int pages, int newPages) {
    if (!freePages.containsAll(page + pages, newPages - pages)) {
      return false;
    }
    held.remove(page);
    allocations.put(page, newPages);
    freePages.remove(page + pages, newPages - pages);
    return true;
  }

  /// Frees a held allocation.
  public void freeHeld(int page, int pages) {
    held.remove(page);
    allocations.remove(page);
    freePages.add(page, pages);
  }

  /// Takes all pages for good.
  ///
  /// @return false if not all were free
  public boolean takeAll() {
    if (freePages.size() < geometry.pageCount()) {
      return false;
    }
    freePages.remove(0, geometry.pageCount());
    return true;
  }

  // ---- free pages that others keep

  /// Opens one more slot.
  ///
  /// @param number decides its home, as if it were the slot of this index
  /// @return its index
  public int openSlot(int number) {
    slots.add(new ReferenceSlot(home(number)));
    return slots.size() - 1;
  }

  /// Makes a slot pass over an opened word of pages, -1 for none.
  public void passOver(int slot, int word) {
    slots.get(slot).passOver(word);
  }

  /// Takes pages that are neither free nor allocated from then on, if all of them are free.
  public boolean takeFree(int page, int pages) {
    boolean taken = freePages.containsAll(page, pages);
    if (taken) {
      freePages.remove(page, pages);
    }
    return taken;
  }

  /// Makes pages free that are neither free nor allocated.
  public void putFree(int page, int pages) {
    freePages.add(page, pages);
  }

  /// Makes an allocation of pages that are neither free nor allocated.
  public void record(int page, int pages) {
    allocations.put(page, pages);
  }

  /// Ends an allocation; its pages are neither free nor allocated.
  ///
  /// @return false if it is none, has another length, or is held
  public boolean forget(int page, int pages) {
    if (!isAllocation(page, pages)) {
      return false;
    }
    allocations.remove(page);
    return true;
  }

  private boolean isAllocation(int page, int pages) {
    return allocations.getOrDefault(page, 0) == pages && !held.contains(page);
  }

  // ---- what is where

  /// The region's shape.
  public Geometry geometry() {
    return geometry;
  }

  /// The live allocations: length by first page, lowest first; a copy.
  public NavigableMap<Integer, Integer> allocations() {
    return new TreeMap<>(allocations);
  }

  /// What stands at a page.
  public PageState stateOf(int page) {
    if (freePages.contains(page)) {
      return PageState.FREE;
    }
    if (held.contains(page)) {
      return PageState.HELD;
    }
    return allocations.containsKey(page) ? PageState.HEAD : PageState.INTERIOR;
  }

  /// The free blocks, lowest first; at the top level they may be larger than the largest order.
  public List<FreeBlock> freeBlocks() {
    return freePages.blocks((topLevel + 1) * geometry.radixLog2());
  }

  /// The number of free blocks of each order, 0..maxOrder, none of them larger than the largest
  /// order.
  public long[] freeBlockCounts() {
    long[] counts = new long[geometry.maxOrder() + 1];
    freePages.blocks(geometry.maxOrder()).forEach(block -> counts[block.order()]++);
    return counts;
  }

  /// How many pages are free.
  public int freePageCount() {
    return freePages.size();
  }

  /// The length of the longest run of free pages.
  public int largestFreeRun() {
    return freePages.largestRun();
  }

  /// The level that owns each page: -1 for a page that is not free.
  public int[] levels() {
    int[] levels = IntStream.generate(() -> -1).limit(geometry.pageCount()).toArray();
    for (FreeBlock block : freeBlocks()) {
      for (int page = block.page(); page < block.page() + block.pages(); page++) {
        levels[page] = levelOf(block.order());
      }
    }
    return levels;
  }

  /// What a slot remembers, as chunk numbers from level 0 on, then that of the window, the home and
  /// whether it is settled: with equal states of the pages and equal hints of all slots all that
  /// follows is placed in the same way.
  public List<Long> hints(int slot) {
    List<Long> hints = new ArrayList<>();
    for (int level = 0; level <= topLevel; level++) {
      hints.add(slots.get(slot).lastBlock(level) / chunkPages(level));
    }
    hints.add(slots.get(slot).lastRun() / chunkPages(0));
    hints.add((long) slots.get(slot).home());
    hints.add(slots.get(slot).isSettled() ? 1L : 0L);
    return hints;
  }
}
