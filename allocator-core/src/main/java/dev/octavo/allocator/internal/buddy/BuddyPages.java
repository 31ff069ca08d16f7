package dev.octavo.allocator.internal.buddy;

import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// The buddy system on page numbers: free pages in a [BuddyTree], allocated ones in [Heads].
///
/// A page travels so: `allocate` takes it from the tree, which makes it the caller's, and records
/// the head; `free` clears the head by CAS, which makes the page the caller's again, and puts it
/// into the tree, where it merges. Whatever is wrong with a free shows when the head is looked at,
/// before anything changes.
///
/// Knows no bytes, no threads and no policy. All methods are safe for any number of threads, take
/// no lock, and create no object on their usual path.
public final class BuddyPages {

  /// No such pages.
  public static final int NONE = -1;

  private final Geometry geometry;
  private final BuddyTree tree;
  private final Heads heads;
  private final FreePages freePages;

  /// A number for each allocation, at its first page, or null; 0 where there is no allocation.
  /// Written by who owns the page; plain, as pages change hands by atomic operations.
  private final char @Nullable [] tags;

  private final Slot[] slots;

  /// @param geometry the region's shape
  /// @param slotCount how many slots share the region, at least 1
  public BuddyPages(Geometry geometry, int slotCount) {
    this(geometry, slotCount, false, false);
  }

  /// @param geometry the region's shape
  /// @param slotCount how many slots share the region, at least 1
  /// @param trusting whether callers never free or resize one allocation twice at the same time
  /// @param tagged whether allocations have tags, which take two bytes a page
  public BuddyPages(Geometry geometry, int slotCount, boolean trusting, boolean tagged) {
    this(
        geometry,
        slotCount,
        Words::new,
        heads(geometry.pageCount(), trusting),
        tagged ? new char[geometry.pageCount()] : null);
  }

  private static Heads heads(int pageCount, boolean trusting) {
    return trusting ? TrustingHeads.of(pageCount) : new Heads(pageCount);
  }

  BuddyPages(Geometry geometry, int slotCount, IntFunction<Words> storage, Heads heads) {
    this(geometry, slotCount, storage, heads, null);
  }

  private BuddyPages(
      Geometry geometry,
      int slotCount,
      IntFunction<Words> storage,
      Heads heads,
      char @Nullable [] tags) {
    this.geometry = geometry;
    this.heads = heads;
    this.tags = tags;
    tree = new BuddyTree(geometry, storage);
    freePages = new FreePages(tree.transit(), geometry.pageCount());
    slots = new Slot[slotCount];
    for (int i = 0; i < slotCount; i++) {
      slots[i] = tree.openSlot(home(i), true);
    }
  }

  /// Homes halve the largest gaps in turn: 0, 1/2, 1/4, 3/4, 1/8 of the region and so on.
  private int home(int number) {
    long fraction = Integer.toUnsignedLong(Integer.reverse(number));
    return (int) ((fraction * geometry.pageCount()) >>> Integer.SIZE);
  }

  public Geometry geometry() {
    return geometry;
  }

  /// One of the slots that any thread may use.
  public Slot slot(int index) {
    return slots[index];
  }

  /// A new slot for one thread.
  ///
  /// @param number decides its home, as if it were the slot of this index
  public Slot openSlot(int number) {
    return tree.openSlot(home(number), false);
  }

  /// A new slot that any thread may use, for work that is not a call's.
  public Slot openSharedSlot() {
    return tree.openSlot(0, true);
  }

  /// Forgets a slot that no thread uses any more.
  public void retire(Slot slot) {
    freePages.passOn(slot.stripe());
    tree.transit().retire(slot.stripe());
  }

  public int slotCount() {
    return slots.length;
  }

  BuddyTree tree() {
    return tree;
  }

  Heads heads() {
    return heads;
  }

  /// Allocates a run of `pages` pages whose first is a multiple of 2^`alignOrder`.
  ///
  /// @return the first page, or [#NONE] if no such run was seen
  public int allocate(Slot slot, int pages, int alignOrder) {
    int page = tree.take(slot, pages, alignOrder);
    if (page != NONE) {
      count(slot, -pages);
      record(page, pages);
    }
    return page;
  }

  /// Allocates the lowest run of `pages` pages whose first, plus `phase`, is a multiple of
  /// 2^`alignOrder`: for alignments finer than the region itself is aligned in memory.
  ///
  /// @return the first page, or [#NONE] if no such run was seen
  public int allocateInPhase(Slot slot, int pages, int alignOrder, long phase) {
    int page = tree.takeInPhase(slot, pages, alignOrder, phase);
    if (page != NONE) {
      count(slot, -pages);
      record(page, pages);
    }
    return page;
  }

  /// Allocates the lowest run that lies in the stretch `from..to-1`; see [#allocateInPhase].
  ///
  /// @return the first page, or [#NONE] if no such run was seen
  public int allocateWithin(Slot slot, int from, int to, int pages, int alignOrder, long phase) {
    int page = tree.takeFirst(slot, from, to, pages, alignOrder, phase);
    if (page != NONE) {
      count(slot, -pages);
      record(page, pages);
    }
    return page;
  }

  /// Allocates runs of 2^`order` pages: the same ones, in the same order, as single calls would,
  /// but those from one word with one CAS.
  ///
  /// @param pages where their first pages are put; all of it is to be filled
  /// @return how many were found
  public int allocateMany(Slot slot, int order, long[] pages) {
    int at = 0;
    while (at < pages.length) {
      int page = tree.take(slot, 1 << order, 0);
      if (page == NONE) {
        break;
      }
      pages[at++] = page;
      if (order <= geometry.maxOrder()) {
        at += tree.takeMore(slot, page, order, pages, at);
      }
    }
    count(slot, -((long) at << order));
    recordAll(pages, 0, at, 1 << order);
    return at;
  }

  /// Frees the allocation of `pages` pages at `page`.
  ///
  /// @param page 0..pageCount-1, here and in all calls below
  /// @param pages 1..pageCount, here and in all calls below
  /// @return false, and nothing has changed, if there is no such allocation (see [#stateOf])
  public boolean free(Slot slot, int page, int pages) {
    if (!forget(page, pages)) {
      return false;
    }
    put(slot, page, pages);
    return true;
  }

  // ---- for those who keep free pages themselves

  /// Records an allocation of pages that the caller owns.
  public void record(int page, int pages) {
    heads.set(page, pages);
  }

  /// Records allocations of one length, whose pages the caller owns.
  ///
  /// @param firsts their first pages, from index `from` to `to` - 1
  public void recordAll(long[] firsts, int from, int to, int pages) {
    heads.setAll(firsts, from, to, pages);
  }

  /// Ends an allocation; its pages are the caller's.
  ///
  /// @return false, and nothing has changed, if there is no such allocation
  public boolean forget(int page, int pages) {
    boolean forgotten = heads.clear(page, pages);
    if (forgotten) {
      clearTag(page);
    }
    return forgotten;
  }

  // Before the page is free: who has it next finds no tag.
  private void clearTag(int page) {
    char[] all = tags;
    if (all != null) {
      all[page] = 0;
    }
  }

  /// Tags an allocation that the caller has just made, or holds.
  ///
  /// @param tag 1..65535; 0 to have none
  public void setTag(int page, int tag) {
    char[] all = tags;
    if (all != null) {
      all[page] = (char) tag;
    }
  }

  /// The tag of an allocation, 0 if it has none.
  public int tagAt(int page) {
    char[] all = tags;
    return all == null ? 0 : all[page];
  }

  /// Ends an allocation whose head the caller holds; its pages are the caller's.
  public void forgetHeld(int page) {
    clearTag(page);
    heads.clearHeld(page);
  }

  /// Makes pages free that the caller owns.
  public void put(Slot slot, int page, int pages) {
    tree.put(slot, page, pages);
    count(slot, pages);
  }

  /// Takes all free units of a word. Announce it, if they are to stay free.
  ///
  /// @return which they are
  public long takeWord(Slot slot, int level, int word) {
    long units = tree.level(level).takeAll(word, slot.stripe());
    count(slot, -((long) Long.bitCount(units) << geometry.unitShift(level)));
    return units;
  }

  /// Makes units of a word free that the caller owns.
  ///
  /// @param units which, at least one
  public void putWord(Slot slot, int level, int word, long units) {
    tree.putUnits(slot, level, word, units);
    count(slot, (long) Long.bitCount(units) << geometry.unitShift(level));
  }

  /// Takes exactly these pages.
  ///
  /// @return false, and nothing has changed, if not all of them were free
  public boolean takeAt(Slot slot, int page, int pages) {
    boolean taken = tree.takeAt(slot, page, pages);
    if (taken) {
      count(slot, -pages);
    }
    return taken;
  }

  /// The free pages in the tree; exact if no call runs.
  public long freePages() {
    return freePages.sum();
  }

  /// Whether at least so many pages are free in the tree; as exact as [#freePages], and cheaper if
  /// far more are.
  public boolean hasFree(long pages) {
    return freePages.isAtLeast(pages);
  }

  private void count(Slot slot, long delta) {
    freePages.add(slot.stripe(), delta);
  }

  /// The first free page in `page..to-1`, or `to`; others may take it at once.
  public int nextFree(Slot slot, int page, int to) {
    return page < to ? tree.runs().nextBlock(page, to, 0, slot.stripe()) : to;
  }

  /// The first page in `page..to-1` that is not free, or `to`; others may change it at once.
  public int freeEnd(int page, int to) {
    return tree.runs().freeEnd(page, to);
  }

  /// Announces that free pages are invisible until [#endMove].
  public void beginMove(Slot slot) {
    tree.transit().begin(slot.stripe());
  }

  public void endMove(Slot slot) {
    tree.transit().end(slot.stripe());
  }

  /// Whether a move of this slot is under way.
  public boolean isMoving(Slot slot) {
    return slot.stripe().isMoving();
  }

  /// Whether anybody is about to fail; then nobody may start to keep free pages.
  public boolean isSearched() {
    return tree.transit().isSearched();
  }

  // ---- lengths

  /// Frees the pages of an allocation from the `newPages`-th on.
  ///
  /// @param newPages 1..pages
  /// @return false, and nothing has changed, if there is no such allocation
  public boolean trim(Slot slot, int page, int pages, int newPages) {
    if (!heads.hold(page, pages)) {
      return false;
    }
    heads.set(page, newPages);
    put(slot, page + newPages, pages - newPages);
    return true;
  }

  /// Keeps every other call away from an allocation, until [#release] or [#growHeld].
  ///
  /// @return false, and nothing has changed, if there is no such allocation
  public boolean hold(int page, int pages) {
    return heads.hold(page, pages);
  }

  /// Ends [#hold] and leaves the allocation as it was.
  public void release(int page, int pages) {
    heads.set(page, pages);
  }

  /// Appends the pages behind a held allocation, if all of them are free; that ends [#hold].
  ///
  /// @param newPages more than `pages`
  /// @return false, and the allocation is still held, if they are not
  public boolean growHeld(Slot slot, int page, int pages, int newPages) {
    int end = page + newPages;
    boolean seenFree = isInside(page, newPages) && tree.runs().freeEnd(page + pages, end) == end;
    if (!seenFree || !takeAt(slot, page + pages, newPages - pages)) {
      return false;
    }
    heads.set(page, newPages);
    return true;
  }

  /// Whether a run ends inside of the region.
  public boolean isInside(int page, int pages) {
    return pages <= geometry.pageCount() - page;
  }

  /// Frees a held allocation.
  public void freeHeld(Slot slot, int page, int pages) {
    forgetHeld(page);
    put(slot, page, pages);
  }

  /// Takes every page of the region. Nothing is recorded as allocated.
  ///
  /// @return false, and nothing has changed, unless all pages were free
  public boolean takeAll(Slot slot) {
    tree.transit().begin(slot.stripe());
    boolean taken = takeAt(slot, 0, geometry.pageCount());
    tree.transit().end(slot.stripe());
    return taken;
  }

  /// Counts a pin: somebody needs the region's memory.
  ///
  /// @param delta 1, or -1 to take one off
  public void addPin(Slot slot, int delta) {
    slot.stripe().addPins(delta);
  }

  /// The pins that are set; exact if nobody sets or takes off any.
  public long pins() {
    return tree.transit().pins();
  }

  /// What stands at a page, for messages; exact if no other call runs. A page on the move counts as
  /// free. May look at all heads below.
  public PageState stateOf(int page) {
    int pages = heads.pages(page);
    if (pages == Heads.HELD) {
      return PageState.HELD;
    }
    if (pages != Heads.NOT_A_HEAD) {
      return PageState.HEAD;
    }
    int head = heads.previous(page);
    boolean covered = head != NONE && (pagesAt(head) == 0 || head + pagesAt(head) > page);
    return covered ? PageState.INTERIOR : PageState.FREE;
  }

  /// The length of the allocation at a head, 0 if there is none.
  public int pagesAt(int page) {
    return Math.max(0, heads.pages(page));
  }

  /// The first allocation's page at or after `page`, or the page count.
  public int nextHead(int page) {
    return heads.next(page);
  }

  /// The runs of free pages in the tree; exact if no other call runs.
  public FreeMap freeMap() {
    return FreeMap.of(tree);
  }

  /// Which owners' release would form a run; exact if no other call runs.
  ///
  /// @param pages 1 or more
  /// @param alignOrder 0..62: the first page plus `phase` is a multiple of 2^`alignOrder`
  /// @param ownerOfTag the owner of allocations with each tag, negative if they cannot be released,
  ///   as are those whose tag is not in it; it is not changed
  public Formers formers(int pages, int alignOrder, long phase, int[] ownerOfTag) {
    FreeMap map = freeMap();
    WindowSearch window = new WindowSearch(map, pages, alignOrder, phase);
    return new FormerSearch(this, map, window, ownerOfTag).run();
  }

  public FreeAreas freeAreas() {
    return FreeAreas.of(tree);
  }

  /// Bytes of metadata that grow with the region: without the headers of arrays, the padding behind
  /// them, and what slots and threads have (L12).
  public long metadataBytes() {
    long longs = 0;
    for (int l = 0; l < tree.levelCount(); l++) {
      longs += tree.level(l).length();
    }
    return longs * Long.BYTES + heads.length();
  }

  /// Starts a search whose failure must be exact; see [Transit].
  public void enterSearch() {
    tree.transit().enterSearch();
  }

  public void exitSearch() {
    tree.transit().exitSearch();
  }

  /// The number of moves finished so far, or negative while one is under way.
  public long stamp() {
    return tree.transit().stamp();
  }

  /// Every law that is broken, with the place; empty if all hold. Call it while no other call runs.
  public List<BrokenLaw> audit() {
    return new Audit(this).run();
  }
}
