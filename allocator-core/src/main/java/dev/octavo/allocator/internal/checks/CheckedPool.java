package dev.octavo.allocator.internal.checks;

import dev.octavo.allocator.internal.buddy.BrokenLaw;
import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.PageState;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolOptions;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A pool that knows where everything was allocated and freed, and finds bytes that were written
/// behind an allocation or after it was freed.
///
/// | pages | patterns | looked at |
/// |---|---|---|
/// | allocated | red zone behind the last byte | before they are freed or get another length, and when the pool is closed |
/// | freed, in quarantine | poison | when they leave it to make room, and by [#findCorruptions] |
/// | freed, not allocated since | poison | when they are allocated, and when the pool is closed |
///
/// A red zone that was written to refuses the call (L6). Poison that was written to is written anew
/// and the pages stay free, so that each such write is reported once and costs no memory (L2, L5);
/// the call that found it fails and has changed nothing else (L6).
///
/// Threads keep no words of their own here. Pages in quarantine are in no allocation and not free;
/// every call that would fail for want of them, or that counts, has them freed first (L3, L5).
/// Takes locks, each for a few steps or while pages are compared.
public final class CheckedPool extends PagePool {

  /// The part of the region that the quarantine may keep.
  private static final int QUARANTINE_PART = 16;

  private final int pageShift;
  private final Patterns patterns;
  private final Function<List<Corruption>, RuntimeException> failure;

  /// By first page. Written by whoever owns the pages or holds their head.
  private final ConcurrentHashMap<Integer, Live> live = new ConcurrentHashMap<>();

  private final FreedPages freedPages = new FreedPages();

  /// What was found behind allocations that were live when the pool was closed.
  private final Queue<Corruption> overruns = new ConcurrentLinkedQueue<>();

  private final Quarantine quarantine;

  /// @param geometry the region's shape
  /// @param options what it is like; threads keep nothing, and freed memory does not go back
  /// @param pageShift log2 of the page size
  /// @param memory the region's, or null if it has none
  /// @param failure makes the exception for what was found, at least one
  public CheckedPool(
      Geometry geometry,
      PoolOptions options,
      int pageShift,
      @Nullable MemorySegment memory,
      Function<List<Corruption>, RuntimeException> failure) {
    super(geometry, options.withoutCache());
    this.pageShift = pageShift;
    this.failure = failure;
    patterns = new Patterns(memory);
    long pagesMax = Math.ceilDiv(geometry.pageCount(), QUARANTINE_PART);
    quarantine = new Quarantine(pagesMax, freed -> put(freed.page(), freed.pages()));
  }

  // ---- allocate

  @Override
  public int allocate(int pages, int alignOrder, long phase, long mark) {
    Site site = Site.ofCaller();
    makeRoom();
    int page = super.allocate(pages, alignOrder, phase, mark);
    if (page == NONE) {
      page = quarantine.without(kept -> true, () -> super.allocate(pages, alignOrder, phase, mark));
    }
    return recordLive(page, pages, site);
  }

  /// Nothing is ever leased.
  @Override
  public int allocateUnleased(int pages, long mark) {
    return allocate(pages, 0, 0, mark);
  }

  @Override
  public int serve(int pages, int alignOrder, long phase, long mark) {
    return recordLive(super.serve(pages, alignOrder, phase, mark), pages, Site.ofCaller());
  }

  @Override
  public int serveOutside(int pages, int alignOrder, long phase, long mark, int from, int to) {
    int page = super.serveOutside(pages, alignOrder, phase, mark, from, to);
    return recordLive(page, pages, Site.ofCaller());
  }

  @Override
  public int serveMany(int pages, long[] into, long mark, int from, int to) {
    Site site = Site.ofCaller();
    int count = super.serveMany(pages, into, mark, from, to);
    int recorded = 0;
    try {
      while (recorded < count) {
        recordLive((int) into[recorded], pages, site);
        recorded++;
      }
    } finally {
      if (recorded < count) {
        undo(pages, into, count, recorded);
      }
    }
    return count;
  }

  /// Frees the runs of a bulk request of which one had a write after free.
  ///
  /// @param refused index of that one, which is free already; those before it are recorded as live
  private void undo(int pages, long[] into, int count, int refused) {
    for (int i = 0; i < refused; i++) {
      free((int) into[i], pages);
    }
    for (int i = refused + 1; i < count; i++) {
      super.free((int) into[i], pages);
    }
  }

  @Override
  public void adopt(int page) {
    Site site = Site.ofCaller();
    live.computeIfPresent(
        page, (same, old) -> new Live(page, old.pages(), old.byteSize(), old.guarded(), site));
  }

  private int recordLive(int page, int pages, Site site) {
    if (page != NONE) {
      List<Corruption> found = takePoison(page, pages);
      if (!found.isEmpty()) {
        if (holdForGood(page, pages)) {
          super.freeHeld(page, pages);
        }
        throw failure.apply(found);
      }
      live.put(page, new Live(page, pages, bytes(pages), false, site));
    }
    return page;
  }

  @Override
  public int allocateMany(int pages, long[] into, long mark) {
    int count = 0;
    boolean done = false;
    try {
      int page = 0;
      while (count < into.length && page != NONE) {
        page = allocate(pages, 0, 0, mark);
        if (page != NONE) {
          into[count++] = page;
        }
      }
      done = true;
    } finally {
      for (int i = 0; !done && i < count; i++) {
        free((int) into[i], pages);
      }
    }
    return count;
  }

  /// Says how many bytes of a live allocation may be touched; what is left of its pages becomes its
  /// red zone.
  ///
  /// @param byteSize in its last page, or all of it
  /// @param tag of the allocation; if it has another by now, nothing is done
  public void guard(int page, long byteSize, int tag) {
    live.computeIfPresent(
        page,
        (same, old) -> {
          if (tagAt(page) != tag) {
            return old;
          }
          long start = bytes(page);
          boolean guarded =
              patterns.fill(start + byteSize, start + bytes(old.pages()), Patterns.RED_ZONE);
          return new Live(page, old.pages(), byteSize, guarded, old.site());
        });
  }

  private void makeRoom() {
    List<Corruption> found = new ArrayList<>();
    quarantine.shrink(freed -> checkPoison(freed.page(), freed.end(), freed, found));
    if (!found.isEmpty()) {
      throw failure.apply(found);
    }
  }

  /// Takes note that pages, which the caller owns, are free no more; unless somebody has written to
  /// them.
  private List<Corruption> takePoison(int page, int pages) {
    List<Corruption> found = new ArrayList<>();
    List<FreedPages.Part> parts = freedPages.remove(page, page + pages);
    parts.forEach(part -> checkPoison(part.from(), part.to(), part.freed(), found));
    if (!found.isEmpty()) {
      parts.forEach(freedPages::add);
    }
    return found;
  }

  /// Looks at pages that one call freed, and restores their poison.
  private void checkPoison(int from, int to, Freed freed, List<Corruption> found) {
    long other =
        freed.poisoned() ? patterns.firstOther(bytes(from), bytes(to), Patterns.POISON) : NONE;
    if (other >= 0) {
      found.add(
          new Corruption(
              freed.page(),
              freed.pages(),
              0,
              other - bytes(freed.page()),
              patterns.valueAt(other),
              freed.allocatedAt(),
              freed.freedAt()));
      patterns.fill(other, bytes(to), Patterns.POISON);
    }
  }

  // ---- free, and change the length

  @Override
  public boolean free(int page, int pages) {
    Site site = Site.ofCaller();
    int tag = tagAt(page);
    if (!forget(page, pages)) {
      return false;
    }
    Live old = live.get(page);
    Corruption overrun = overrun(old);
    if (old == null || overrun != null) {
      setTag(page, tag);
      record(page, pages);
      return refuse(overrun);
    }
    live.remove(page);
    retire(page, pages, old.site(), site);
    return true;
  }

  @Override
  public boolean freePinned(int page, int pages) {
    try {
      return free(page, pages);
    } finally {
      unpin();
    }
  }

  /// Refuses a call for an overrun, or as if there were no allocation: none is known yet if a stale
  /// free meets one that is being made.
  private boolean refuse(@Nullable Corruption overrun) {
    if (overrun != null) {
      throw failure.apply(List.of(overrun));
    }
    return false;
  }

  @Override
  public boolean hold(int page, int pages) {
    if (!super.hold(page, pages)) {
      return false;
    }
    Live old = live.get(page);
    Corruption overrun = overrun(old);
    if (old == null || overrun != null) {
      release(page, pages);
      return refuse(overrun);
    }
    return true;
  }

  @Override
  public void trimHeld(int page, int pages, int newPages) {
    Site site = Site.ofCaller();
    Live old = known(page);
    live.put(page, old.resized(newPages, pageShift));
    release(page, newPages);
    if (newPages < pages) {
      retire(page + newPages, pages - newPages, old.site(), site);
    }
  }

  @Override
  public boolean growHeld(int page, int pages, int newPages, long mark) {
    int end = page + pages;
    int newEnd = page + newPages;
    boolean grown =
        super.growHeld(page, pages, newPages, mark)
            || quarantine.without(
                kept -> kept.page() < newEnd && kept.end() > end,
                () -> super.growHeld(page, pages, newPages, mark));
    if (!grown) {
      return false;
    }
    List<Corruption> found = takePoison(end, newPages - pages);
    if (found.isEmpty()) {
      live.computeIfPresent(page, (same, old) -> old.resized(newPages, pageShift));
    } else if (holdForGood(page, newPages)) {
      shorten(page, newPages, pages);
      throw failure.apply(found);
    } // else it ended meanwhile, as the pool is closed
    return true;
  }

  /// Holds an allocation of the caller's own, which close may be holding for a moment.
  private boolean holdForGood(int page, int pages) {
    boolean held = holdUnseen(page, pages);
    while (!held && stateOf(page) == PageState.HELD) {
      Thread.onSpinWait();
      held = holdUnseen(page, pages);
    }
    return held;
  }

  @Override
  public void freeHeld(int page, int pages) {
    Site site = Site.ofCaller();
    Live old = known(page);
    live.remove(page);
    forgetHeld(page);
    retire(page, pages, old.site(), site);
  }

  /// The allocation at a head that the caller holds.
  private Live known(int page) {
    Live known = live.get(page);
    if (known == null) {
      throw new IllegalStateException("held allocation is not known: page=" + page);
    }
    return known;
  }

  /// Gives pages back that the caller owns.
  private void retire(int page, int pages, Site allocatedAt, Site freedAt) {
    boolean poisoned = patterns.fill(bytes(page), bytes(page + pages), Patterns.POISON);
    Freed freed = new Freed(page, pages, poisoned, allocatedAt, freedAt);
    freedPages.add(freed);
    if (!quarantine.add(freed)) {
      put(page, pages);
    }
  }

  /// The first byte that was written behind an allocation whose head the caller has, or null.
  private @Nullable Corruption overrun(@Nullable Live allocation) {
    if (allocation == null || !allocation.guarded()) {
      return null;
    }
    long start = bytes(allocation.page());
    long end = start + bytes(allocation.pages());
    long other = patterns.firstOther(start + allocation.byteSize(), end, Patterns.RED_ZONE);
    return other < 0
        ? null
        : new Corruption(
            allocation.page(),
            allocation.pages(),
            allocation.byteSize(),
            other - start,
            patterns.valueAt(other),
            allocation.site(),
            null);
  }

  private long bytes(int pages) {
    return (long) pages << pageShift;
  }

  // ---- the whole

  @Override
  public void beginWait() {
    quarantine.beginSearch(kept -> true);
    super.beginWait();
  }

  @Override
  public void endWait() {
    super.endWait();
    quarantine.endSearch();
  }

  @Override
  public FreeAreas freeAreas() {
    return quarantine.without(kept -> true, super::freeAreas);
  }

  @Override
  public List<BrokenLaw> audit() {
    return quarantine.without(kept -> true, super::audit);
  }

  @Override
  public void endAll(IntBinaryConsumer ended) {
    quarantine.beginSearch(kept -> true);
    try {
      super.endAll(ended);
    } finally {
      quarantine.endSearch();
    }
  }

  @Override
  protected boolean isComplete(int page, int pages) {
    Live known = live.get(page);
    return super.isComplete(page, pages) && known != null && known.pages() == pages;
  }

  @Override
  protected void endHeld(int page, int pages) {
    Corruption overrun = overrun(live.remove(page));
    if (overrun != null) {
      overruns.add(overrun);
    }
    super.endHeld(page, pages);
  }

  /// Looks at all poison that no running call can take away: what is in quarantine, and everything
  /// once the pool is closed; and at the red zones of what was live then.
  ///
  /// @return what was found; it is found once
  public List<Corruption> findCorruptions() {
    List<Corruption> found = new ArrayList<>();
    for (Corruption overrun = overruns.poll(); overrun != null; overrun = overruns.poll()) {
      found.add(overrun);
    }
    quarantine.forEach(freed -> checkPoison(freed.page(), freed.end(), freed, found));
    if (isClosed()) {
      freedPages
          .remove(0, geometry().pageCount())
          .forEach(part -> checkPoison(part.from(), part.to(), part.freed(), found));
    }
    return found;
  }

  /// The allocation at a head, or null if there is none.
  public @Nullable Live liveAt(int page) {
    return live.get(page);
  }

  /// Who freed a page, or null if it is not free, or was never allocated.
  public @Nullable Freed freedAt(int page) {
    return freedPages.at(page);
  }
}
