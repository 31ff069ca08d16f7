package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BrokenLaw;
import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Formers;
import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.internal.buddy.FreeMap;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.PageState;
import dev.octavo.allocator.internal.buddy.Slot;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

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
///
/// *Reserve*. A word that a thread holds serves requests without a look at their mark. So words are
/// held only while at least [CacheLimits#low] pages are free in the tree, which is no less than any
/// mark. A call that takes pages from the tree looks afterwards; if it left fewer, it gives back
/// what its own thread holds, and asks all other threads to do so before they take more. No call
/// waits for that: besides the marks, threads can take from their words only what one operation
/// takes that was under way in each when it was asked. What idle threads hold stays there until a
/// request is about to fail.
///
/// A subclass may check more; with none loaded the calls are static to the compiler.
public class PagePool {

  /// No such pages.
  public static final int NONE = BuddyPages.NONE;

  /// No longer run is ever held: a word of words.
  public static final int MOST_HELD = 1 << (2 * Geometry.RADIX_LOG2);

  /// At so many calls of [#look] after a free its pages go back to the system.
  public static final int LOOKS_UNTIL_PURGE = UnitMarks.LOOKS;

  /// So long close waits for an allocation that somebody is making.
  private static final long PATIENCE_NANOS = 1_000_000_000;

  private static final int PAGES_PER_SLOT_LOG2 = 12;
  private static final int MAX_SLOTS = 64;

  private final BuddyPages buddy;
  private final Owners owners;

  /// Those of `owners`, one load nearer.
  private final @Nullable Owner[] entries;

  private final SlotTable table;
  private final OtherThreads others;
  private final Serving serving;

  /// With fewer free pages in the tree no thread holds any, and the watch is told.
  private final long low;

  private final PoolWatch watch;

  private final boolean isTagged;

  /// Which units were used, or null if that is of no interest.
  private final @Nullable UnitMarks marks;

  private final @Nullable Purger purger;

  /// Written once, by [#shut]; read by calls that go to the tree.
  private volatile boolean closed;

  /// Written once, by [#release].
  private volatile boolean released;

  /// @param geometry the region's shape
  public PagePool(Geometry geometry, PoolOptions options) {
    this(
        new BuddyPages(
            geometry,
            slotsFor(geometry.pageCount(), options.processors()),
            options.trusting(),
            options.tagged()),
        options,
        new OtherThreads());
  }

  private PagePool(BuddyPages buddy, PoolOptions options, OtherThreads others) {
    this(buddy, new Owners(buddy, options.limits(), others), others, options);
  }

  PagePool(BuddyPages buddy, Owners owners, OtherThreads others, PoolOptions options) {
    this.buddy = buddy;
    this.owners = owners;
    entries = owners.entries();
    this.others = others;
    serving = new Serving(buddy);
    low = options.limits().low();
    watch = options.watch();
    isTagged = options.tagged();
    table = new SlotTable(buddy.slotCount());
    marks = options.memory().marksFor(buddy.geometry().pageCount());
    purger = Purger.of(buddy, marks, options.memory());
  }

  /// Two slots a processor, but no more than the region has room to keep apart.
  private static int slotsFor(int pageCount, int processors) {
    int wanted = Math.min(2 * processors, MAX_SLOTS);
    return Math.clamp(wanted, 1, Math.max(1, pageCount >>> PAGES_PER_SLOT_LOG2));
  }

  /// The calling thread's slot, or the one that it shares.
  private Slot slotOf(@Nullable Owner owner) {
    return owner != null
        ? owner.slot()
        : buddy.slot(table.slotOf(Thread.currentThread().threadId()));
  }

  private @Nullable Owner owner() {
    Thread thread = Thread.currentThread();
    Owner owner = Owners.first(entries, thread.threadId());
    return owner != null ? owner : owners.find(thread);
  }

  public Geometry geometry() {
    return buddy.geometry();
  }

  /// Allocates a run from a word that the calling thread holds; the fast path, all of it.
  ///
  /// @return the first page, or [#NONE] if no such word has room
  public final int takeHeld(int pages) {
    return takeHeld(owner(), pages);
  }

  private int takeHeld(@Nullable Owner owner, int pages) {
    if (owner == null) {
      return NONE;
    }
    int page = owner.take(pages, 0);
    if (page != NONE) {
      buddy.record(page, pages);
    }
    return page;
  }

  /// As [#takeHeld], and [pins][#pin] the memory, if a run was found; the caller asks then whether
  /// the pool is closed, and if it is, frees the run.
  public final int takeHeldPinned(int pages) {
    Owner owner = owner();
    int page = takeHeld(owner, pages);
    if (page != NONE) {
      buddy.addPin(slotOf(owner), 1);
      VarHandle.releaseFence(); // keeps the compiler from asking first
    }
    return page;
  }

  /// Allocates a run with no page kept in reserve; see [#allocate(int, int, long, long)].
  public final int allocate(int pages, int alignOrder, long phase) {
    return allocate(pages, alignOrder, phase, 0);
  }

  /// Allocates a run of `pages` pages, 1..pageCount, whose first plus `phase` is a multiple of
  /// 2^`alignOrder`.
  ///
  /// @param mark so many pages must stay free in the tree, 0 or more; calls at the same time may
  ///   each take what the other has seen
  /// @return the first page, or [#NONE] if the region had no such run at some moment of this call
  public int allocate(int pages, int alignOrder, long phase, long mark) {
    Owner owner = owner();
    if (owner != null && phase == 0) {
      int page = owner.take(pages, alignOrder);
      if (page != NONE) {
        buddy.record(page, pages);
        return page;
      }
    }
    return allocateFromTree(owner, pages, alignOrder, phase, mark);
  }

  /// As [#allocate(int, int, long, long)] without an alignment, for a thread that has just found
  /// nothing in the words that it has leased.
  public int allocateUnleased(int pages, long mark) {
    return allocateFromTree(owner(), pages, 0, 0, mark);
  }

  private int allocateFromTree(
      @Nullable Owner known, int pages, int alignOrder, long phase, long mark) {
    if (closed) {
      return NONE;
    }
    Owner owner = known != null ? known : owners.enter(Thread.currentThread());
    boolean isLow = low > 0 && !buddy.hasFree(low + pages);
    if (isLow) {
      Owners.endLeasesOf(owner); // the mark is for all that is free
    }
    if (!isLow && owner != null && phase == 0) {
      return allocateAndHold(owner, pages, alignOrder, mark);
    }
    int page = allocateUnheld(owner, pages, alignOrder, phase, mark);
    endLeasesIfLow(owner);
    if (isLow) {
      watch.low(); // now it finds these pages gone
    }
    return page;
  }

  private int allocateAndHold(Owner owner, int pages, int alignOrder, long mark) {
    owner.letGoFor(pages, alignOrder);
    owner.slot().passOver(owner.usedUpFor(pages, alignOrder));
    int page = buddy.allocate(owner.slot(), pages, alignOrder);
    owner.slot().passOver(Slot.NO_WORD);
    if (page == NONE) {
      page = allocateUnheld(owner, pages, alignOrder, 0, mark);
    }
    boolean isPlenty = low == 0 || buddy.hasFree(low + owner.wordPages(pages, alignOrder));
    if (!isPlenty) {
      endLeasesIfLow(owner);
    } else if (page != NONE) {
      owner.hold(page, pages, alignOrder);
    }
    return page;
  }

  /// To be called after pages were taken from the tree.
  private void endLeasesIfLow(@Nullable Owner owner) {
    if (low > 0 && !buddy.hasFree(low)) {
      owners.endLeases(owner);
    }
  }

  private int allocateUnheld(
      @Nullable Owner owner, int pages, int alignOrder, long phase, long mark) {
    int page = attempt(slotOf(owner), pages, alignOrder, phase, mark);
    return page != NONE ? page : allocateOrProve(owner, pages, alignOrder, phase, mark);
  }

  private int attempt(Slot slot, int pages, int alignOrder, long phase, long mark) {
    if (mark > 0 && !buddy.hasFree(mark + pages)) {
      return NONE;
    }
    return phase == 0
        ? buddy.allocate(slot, pages, alignOrder)
        : buddy.allocateInPhase(slot, pages, alignOrder, phase);
  }

  private int allocateOrProve(
      @Nullable Owner owner, int pages, int alignOrder, long phase, long mark) {
    Slot slot = slotOf(owner);
    enterSearch(owner);
    try {
      for (int spins = 0; ; spins++) {
        long stamp = buddy.stamp();
        int page = attempt(slot, pages, alignOrder, phase, mark);
        if (page != NONE || isQuietSince(stamp)) {
          return page;
        }
        others.await(spins);
      }
    } finally {
      buddy.exitSearch();
    }
  }

  /// From here to `exitSearch` all that is free is in the tree.
  private void enterSearch(@Nullable Owner owner) {
    buddy.enterSearch();
    boolean isDrained = false;
    try {
      owners.drain(owner, slotOf(owner));
      isDrained = true;
    } finally {
      if (!isDrained) { // no memory for it on the Java heap
        buddy.exitSearch();
      }
    }
  }

  private boolean isQuietSince(long stamp) {
    return stamp >= 0 && buddy.stamp() == stamp;
  }

  /// Allocates runs with no page kept in reserve; see [#allocateMany(int, long[], long)].
  public final int allocateMany(int pages, long[] into) {
    return allocateMany(pages, into, 0);
  }

  /// Allocates runs of `pages` pages, 1..pageCount, until `into` is full or nothing is left.
  ///
  /// @param mark as of [#allocate(int, int, long, long)]
  /// @return how many; their first pages stand in `into` from index 0
  public int allocateMany(int pages, long[] into, long mark) {
    if (closed) {
      return 0;
    }
    if (owner() == null) {
      owners.enter(Thread.currentThread());
    }
    Owner owner = owner();
    int count = 0;
    boolean ofBlocks = Geometry.isPowerOfTwo(pages) && (owner == null || !owner.holds(pages));
    if (ofBlocks && (low == 0 || buddy.hasFree(low + (long) pages * into.length))) {
      count = buddy.allocateMany(slotOf(owner), Geometry.orderFor(pages), into);
      endLeasesIfLow(owner);
    }
    while (count < into.length) {
      int held = owner == null ? 0 : takeHeld(owner, pages, into, count);
      count += held;
      if (held == 0) {
        int page = allocateFromTree(owner, pages, 0, 0, mark);
        if (page == NONE) {
          break;
        }
        into[count++] = page;
      }
    }
    return count;
  }

  /// Allocates as many runs of `pages` pages, 1..pageCount, as an array has elements, or none.
  ///
  /// @param into receives their first pages; undefined if none is allocated
  /// @param mark as of [#allocate(int, int, long, long)]
  /// @return false if at some moment of this call there were no such runs side by side
  public boolean allocateAll(int pages, long[] into, long mark) {
    if (closed) {
      return false;
    }
    // Taken and put back as one announced move, or not at all: others must not fail for it (L5).
    return serveMany(pages, into, mark, 0, 0) == into.length || packOrProve(pages, into, mark);
  }

  /// Looks at what is free, with all that threads hold, before it takes anything.
  private boolean packOrProve(int pages, long[] into, long mark) {
    beginWait();
    try {
      for (int spins = 0; ; spins++) {
        long stamp = buddy.stamp();
        boolean isThere =
            buddy.hasFree(mark + (long) pages * into.length)
                && buddy.freeMap().countRuns(pages) >= into.length;
        if (isThere && serveMany(pages, into, mark, 0, 0) == into.length) {
          return true;
        }
        if (!isThere && isQuietSince(stamp)) {
          return false;
        }
        others.await(spins);
      }
    } finally {
      endWait();
    }
  }

  private int takeHeld(Owner owner, int pages, long[] into, int at) {
    if (!Geometry.isPowerOfTwo(pages)) {
      return 0;
    }
    int count = owner.takeMany(Geometry.orderFor(pages), into, at);
    buddy.recordAll(into, at, at + count, pages);
    return count;
  }

  /// Frees the allocation of `pages` pages at `page`; false, and nothing has changed, if there is
  /// none.
  public boolean free(int page, int pages) {
    return free(owner(), page, pages);
  }

  private boolean free(@Nullable Owner owner, int page, int pages) {
    // The lease is looked up first: nothing behind the CAS starts before it is done.
    int lease = owner == null ? NONE : owner.leaseCovering(page, pages);
    if (!buddy.forget(page, pages)) {
      return false;
    }
    putBack(owner, lease, page, pages);
    return true;
  }

  /// As [#free], and takes off a pin, whether there was such an allocation or not. If the pool is
  /// closed, [#isPinned] is to be asked then.
  public boolean freePinned(int page, int pages) {
    Owner owner = owner();
    boolean freed = free(owner, page, pages);
    unpin(slotOf(owner));
    return freed;
  }

  private void putBack(@Nullable Owner owner, int lease, int page, int pages) {
    markUsed(page, pages);
    if (owner == null || lease == NONE || !owner.put(lease, page, pages)) {
      put(owner, page, pages);
    } else if (owner.isRevoked()) {
      notifyWaiting(pages);
    }
  }

  private void put(@Nullable Owner owner, int page, int pages) {
    buddy.put(slotOf(owner), page, pages);
    notifyWaiting(pages);
  }

  private void notifyWaiting(int pages) {
    if (buddy.isSearched()) {
      watch.freed(pages);
    }
  }

  /// Before the pages become free, as whoever has all pages of a unit may clear its mark.
  private void markUsed(int page, int pages) {
    UnitMarks units = marks;
    if (units != null) {
      units.markUsed(page, pages);
    }
  }

  /// Shortens an allocation in place; false, and nothing has changed, if there is none.
  public final boolean trim(int page, int pages, int newPages) {
    if (!hold(page, pages)) {
      return false;
    }
    trimHeld(page, pages, newPages);
    return true;
  }

  /// Shortens a held allocation in place, which ends the hold.
  public void trimHeld(int page, int pages, int newPages) {
    shorten(page, pages, newPages);
  }

  /// What [#trimHeld] does, whatever a subclass adds to it.
  protected final void shorten(int page, int pages, int newPages) {
    buddy.release(page, newPages);
    if (newPages < pages) {
      Owner owner = owner();
      int tail = page + newPages;
      int lease = owner == null ? NONE : owner.leaseCovering(tail, pages - newPages);
      putBack(owner, lease, tail, pages - newPages);
    }
  }

  /// Keeps every other call away from an allocation until it is grown, freed or released; false,
  /// and nothing has changed, if there is none.
  public boolean hold(int page, int pages) {
    return holdUnseen(page, pages);
  }

  /// As [#hold], whatever a subclass would find wrong with the allocation.
  public final boolean holdUnseen(int page, int pages) {
    return buddy.hold(page, pages);
  }

  public void release(int page, int pages) {
    buddy.release(page, pages);
  }

  /// Grows a held allocation in place with no page kept in reserve.
  public final boolean growHeld(int page, int pages, int newPages) {
    return growHeld(page, pages, newPages, 0);
  }

  /// Grows a held allocation in place, which ends the hold; false, and it is still held, if the
  /// pages behind it were not all free at some moment of this call.
  ///
  /// @param mark as of [#allocate(int, int, long, long)]
  public boolean growHeld(int page, int pages, int newPages, long mark) {
    boolean leavesTooFew = mark > 0 && freePages() < mark + newPages - pages;
    if (leavesTooFew || !buddy.isInside(page, newPages)) {
      return false;
    }
    Owner owner = owner();
    Slot slot = slotOf(owner);
    boolean grown =
        buddy.growHeld(slot, page, pages, newPages) || growOrProve(owner, page, pages, newPages);
    endLeasesIfLow(owner);
    return grown;
  }

  private boolean growOrProve(@Nullable Owner owner, int page, int pages, int newPages) {
    Slot slot = slotOf(owner);
    enterSearch(owner);
    try {
      for (int spins = 0; ; spins++) {
        long stamp = buddy.stamp();
        if (buddy.growHeld(slot, page, pages, newPages)) {
          return true;
        }
        if (isQuietSince(stamp)) {
          return false;
        }
        others.await(spins);
      }
    } finally {
      buddy.exitSearch();
    }
  }

  public void freeHeld(int page, int pages) {
    Owner owner = owner();
    int lease = owner == null ? NONE : owner.leaseCovering(page, pages);
    buddy.forgetHeld(page);
    putBack(owner, lease, page, pages);
  }

  // ---- for those who wait

  /// From here to [#endWait] nobody holds free pages, and the watch hears of all that are freed.
  public void beginWait() {
    enterSearch(owner());
  }

  public void endWait() {
    buddy.exitSearch();
  }

  /// Allocates a run from what is free in the tree, by any thread for a thread that waits between
  /// [#beginWait] and [#endWait]. Arguments as of [#allocate(int, int, long, long)].
  ///
  /// @return the first page, or [#NONE] if none was seen, which proves nothing
  public int serve(int pages, int alignOrder, long phase, long mark) {
    return attempt(slotOf(owner()), pages, alignOrder, phase, mark);
  }

  /// As [#serve], but takes only a run that lies wholly outside the window `from..to-1`: the lowest
  /// before it, or else the lowest behind it.
  ///
  /// @param mark so many pages must stay free besides those in the window, 0 or more
  /// @param from the window's first page, 0..`to`
  /// @param to the page behind the window, at most pageCount
  public int serveOutside(int pages, int alignOrder, long phase, long mark, int from, int to) {
    return mark > 0 && !serving.hasFreeOutside(mark + pages, from, to)
        ? NONE
        : serving.outside(slotOf(owner()), pages, alignOrder, phase, from, to);
  }

  /// As [#serveOutside] for all runs of a bulk request: all of them or none, and those that were
  /// taken are free again when this returns. Refuses at once if too few pages are free.
  ///
  /// @param into where the first pages are put; undefined if none is allocated
  /// @param mark as of [#serveOutside]
  /// @param from as of [#serveOutside]; equal to `to` if runs may lie anywhere
  /// @return the length of `into`, or 0 if none is allocated, which proves nothing
  public int serveMany(int pages, long[] into, long mark, int from, int to) {
    long needed = mark + (long) pages * into.length;
    boolean served =
        serving.hasFreeOutside(needed, from, to)
            && serving.many(slotOf(owner()), pages, into, from, to);
    return served ? into.length : 0;
  }

  /// The number of free pages in the tree among `from..to-1`, as a guess.
  public long freePagesIn(int from, int to) {
    return serving.freeWithin(from, to);
  }

  /// Whether so many pages are free in the tree, as exact as [#freePagesInTree], and cheaper.
  public boolean hasFreeInTree(long pages) {
    return buddy.hasFree(pages);
  }

  /// The number of free pages in the tree; exact if no other call runs.
  public long freePagesInTree() {
    return buddy.freePages();
  }

  /// The runs of free pages in the tree. Takes nothing from threads: between [#beginWait] and
  /// [#endWait] they hold nothing.
  public FreeMap freeMap() {
    return buddy.freeMap();
  }

  /// Which owners' release would form a run; see [BuddyPages#formers]. Takes nothing from threads,
  /// as [#freeMap].
  public Formers formers(int pages, int alignOrder, long phase, int[] ownerOfTag) {
    return buddy.formers(pages, alignOrder, phase, ownerOfTag);
  }

  /// To be called by the thread that waited, for what [#serve] has allocated for it.
  public void adopt(int page) {}

  // ---- for subclasses that keep freed pages for a while

  /// Ends an allocation; its pages are the caller's. False, and nothing has changed, if there is
  /// none.
  protected final boolean forget(int page, int pages) {
    return buddy.forget(page, pages);
  }

  /// Makes an allocation of pages that the caller owns.
  protected final void record(int page, int pages) {
    buddy.record(page, pages);
  }

  /// Ends a held allocation; its pages are the caller's.
  protected final void forgetHeld(int page) {
    buddy.forgetHeld(page);
  }

  /// Makes pages free that the caller owns.
  protected final void put(int page, int pages) {
    put(owner(), page, pages);
  }

  // ---- the whole

  /// Closes the pool: calls to allocate that come from now on get nothing, and free memory does not
  /// go back any more.
  ///
  /// When this returns, each thread has passed a point of its program since; see [#pin].
  public void shut() {
    closed = true;
    if (purger != null) {
      purger.stop();
    }
    others.handshake();
  }

  /// Ends all allocations of a pool that was shut, and takes every page for good; no call finds
  /// pages or allocations from then on. Waits for calls that are under way. If it throws, it may be
  /// called again.
  ///
  /// @param ended told of each allocation that ends, its first page and its length, while no other
  ///   call can change it
  public void endAll(IntBinaryConsumer ended) {
    Owner owner = owner();
    enterSearch(owner);
    try {
      long start = others.nanoTime();
      endLive(ended, start);
      for (int spins = 0; !buddy.takeAll(slotOf(owner)); spins++) {
        others.await(spins);
        endLive(ended, start);
      }
    } finally {
      buddy.exitSearch();
    }
  }

  /// What is done with a first page and a length.
  @FunctionalInterface
  public interface IntBinaryConsumer {
    void accept(int page, int pages);
  }

  private void endLive(IntBinaryConsumer ended, long start) {
    int end = geometry().pageCount();
    for (int page = buddy.nextHead(0); page < end; page = buddy.nextHead(page + 1)) {
      int pages = buddy.pagesAt(page);
      if (pages > 0 && holdUnseen(page, pages)) {
        if (isComplete(page, pages) || others.nanoTime() - start > PATIENCE_NANOS) {
          end(ended, page, pages);
        } else {
          buddy.release(page, pages);
        }
      }
    }
  }

  private void end(IntBinaryConsumer ended, int page, int pages) {
    try {
      ended.accept(page, pages);
    } finally {
      endHeld(page, pages);
    }
  }

  /// Whether all is known of an allocation that the caller holds; if not, whoever makes it is about
  /// to say the rest, or has died over it.
  protected boolean isComplete(int page, int pages) {
    return !isTagged || buddy.tagAt(page) != 0;
  }

  /// Ends a held allocation of a pool that is closed.
  protected void endHeld(int page, int pages) {
    buddy.forgetHeld(page);
    buddy.put(slotOf(owner()), page, pages);
  }

  /// Keeps the memory there, whatever becomes of the pool, until [#unpin] by any thread.
  ///
  /// Who sets a pin before its point of [#shut] is counted by [#isPinned] from then on; who sets
  /// one later sees that the pool is closed, and takes it off.
  ///
  /// @return false if the pool is closed: nothing is pinned, and [#isPinned] is to be asked as
  ///   after [#unpin]
  public final boolean pin() {
    Slot slot = slotOf(owner());
    buddy.addPin(slot, 1);
    VarHandle.releaseFence(); // keeps the compiler from asking first
    if (closed) {
      buddy.addPin(slot, -1);
      return false;
    }
    return true;
  }

  /// Takes off a pin.
  ///
  /// @return whether the pool is closed; then [#isPinned] is to be asked
  public final boolean unpin() {
    unpin(slotOf(owner()));
    return closed;
  }

  private void unpin(Slot slot) {
    buddy.addPin(slot, -1);
    VarHandle.releaseFence(); // keeps the compiler from asking first
  }

  /// Says that whoever closes the pool needs the memory no more; to be called after [#endAll].
  public void release() {
    released = true;
  }

  /// Whether somebody needs the memory. Asked by whoever has taken off a pin of a closed pool, or
  /// released that: the last one is told that nobody does.
  public final boolean isPinned() {
    VarHandle.fullFence(); // each writes before it looks, so one of two sees both pins gone
    return !released || buddy.pins() != 0; // in this order: from then on pins only go
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

  /// Tags an allocation that the caller has just made, or holds.
  ///
  /// @param tag 1..65535
  public final void setTag(int page, int tag) {
    buddy.setTag(page, tag);
  }

  /// The tag of an allocation, 0 if it has none.
  public final int tagAt(int page) {
    return buddy.tagAt(page);
  }

  /// The first allocation's page at or after `page`, or the page count.
  public int nextHead(int page) {
    return buddy.nextHead(page);
  }

  /// What is free, after threads have given back what they hold.
  public FreeAreas freeAreas() {
    return drained(buddy::freeAreas);
  }

  /// Every law that is broken, after threads have given back what they hold.
  public List<BrokenLaw> audit() {
    return closed ? List.of() : drained(buddy::audit);
  }

  private <T> T drained(Supplier<T> question) {
    enterSearch(owner());
    try {
      if (purger != null) {
        purger.awaitStep(others);
      }
      return question.get();
    } finally {
      buddy.exitSearch();
    }
  }

  /// All free pages, whoever keeps them; exact if no other call runs. Takes nothing from threads.
  public long freePages() {
    return buddy.freePages() + owners.pages();
  }

  /// The free pages that threads keep to themselves; exact if no other call runs.
  public long cachedPages() {
    return owners.pages();
  }

  public long metadataBytes() {
    return buddy.metadataBytes() + (marks == null ? 0 : marks.length());
  }

  // ---- purge

  /// Whether all bytes of a run are zero. To be asked by whoever has just allocated it, before
  /// anybody writes there.
  ///
  /// @return false if they may be anything
  public boolean isKnownZero(int page, int pages) {
    UnitMarks units = marks;
    return units != null && units.isClean(page, pages);
  }

  /// Whether free memory can go back to the system.
  public boolean canPurge() {
    return purger != null;
  }

  /// Gives all free memory back to the system that was used since it last went back.
  ///
  /// @return how many pages
  public long purge() {
    return purger == null ? 0 : drained(purger::purgeAll);
  }

  /// Gives free memory back to the system that has been free for a while: in no unit of it was
  /// anything freed since [UnitMarks#LOOKS] looks ago. Takes nothing from threads but units that
  /// they hold and do not use; ends early if anybody searches.
  public void look() {
    if (purger != null) {
      purger.look(
          () -> {
            if (owners.holdUnit(purger::isDue)) {
              drained(() -> true);
            }
          });
    }
  }
}
