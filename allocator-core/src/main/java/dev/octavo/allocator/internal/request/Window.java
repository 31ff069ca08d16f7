package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.buddy.FreeMap;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// Keeps a window of pages for the first in line: the run of its length and alignment with the
/// fewest allocated pages.
///
/// What becomes free in the window stays free for that request; all others are served from outside.
/// If nothing in the window becomes free for a while ([Patience]), the pages that are still
/// allocated there are taken for long-lived, and another window is chosen that has none of them;
/// when there is none, nothing is kept for a while.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | kept | the thread of the first in line; to null the thread of a request that has left, by CAS | volatile | a request takes pages of a window just given up or just chosen, which costs the first one that chance |
/// | all others | the thread of the first in line | plain; a request becomes first after the one before has left the queue | |
final class Window {

  private static final int MOST_AVOIDED = 1 << 12;
  private static final int[] NONE_AVOIDED = {};

  /// A window shall be kept for at least so many times as long as it took to find it.
  private static final int TIMES_SEARCH = 10;

  /// The pages `from..to-1`, kept for a request.
  record Kept(WaitingRoom.Request request, int from, int to) {}

  private static final VarHandle KEPT;

  static {
    try {
      KEPT = MethodHandles.lookup().findVarHandle(Window.class, "kept", Kept.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final PagePool pool;
  private volatile @Nullable Kept kept;

  private WaitingRoom.@Nullable Request request;
  private Patience patience = new Patience();
  private int[] avoided = NONE_AVOIDED;
  private long mostFree;
  private long notBefore;

  Window(PagePool pool) {
    this.pool = pool;
  }

  /// What is kept for a request, or null if nothing is.
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  @Nullable Kept keptFor(WaitingRoom.@Nullable Request first) {
    Kept now = kept;
    return now != null && now.request == first ? now : null;
  }

  /// Looks after the window, before the first in line sleeps.
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  void lookAfter(WaitingRoom.Request first, Demand demand, long now) {
    if (first != request) {
      request = first;
      patience = new Patience();
      avoided = NONE_AVOIDED;
      notBefore = now;
      choose(first, demand, now);
      return;
    }
    Kept window = kept;
    if (window == null) {
      if (!patience.isLapsed(now) && now - notBefore >= 0) {
        avoided = NONE_AVOIDED;
        choose(first, demand, now);
      }
      return;
    }
    long free = pool.freePagesIn(window.from, window.to);
    boolean hasProgress = free > mostFree;
    mostFree = Math.max(free, mostFree);
    if (!patience.isOver(hasProgress, now) || now - notBefore < 0) {
      return;
    }
    int[] used = pool.freeMap().usedIn(window.from, window.to, MOST_AVOIDED);
    if (used.length == 0) {
      lapse(now); // no page of it is missing, but the reserve
    } else {
      avoid(used);
      choose(first, demand, now);
    }
  }

  private void lapse(long now) {
    kept = null;
    patience.lapse(now);
  }

  /// Takes what is not free in a window for long-lived.
  private void avoid(int[] used) {
    avoided = avoided.length + used.length > MOST_AVOIDED ? used : merged(avoided, used);
  }

  /// Two ascending lists of stretches as one.
  private static int[] merged(int[] some, int[] others) {
    int[] all = new int[some.length + others.length];
    int i = 0;
    int j = 0;
    for (int at = 0; at < all.length; at += 2) {
      boolean isNextOfSome = j == others.length || (i < some.length && some[i] <= others[j]);
      int[] from = isNextOfSome ? some : others;
      int index = isNextOfSome ? i : j;
      all[at] = from[index];
      all[at + 1] = from[index + 1];
      i += isNextOfSome ? 2 : 0;
      j += isNextOfSome ? 0 : 2;
    }
    return all;
  }

  private void choose(WaitingRoom.Request first, Demand demand, long now) {
    long start = System.nanoTime();
    FreeMap map = pool.freeMap();
    int pages = (int) demand.totalPages();
    int[] excluded = merged(avoided, ownPages(demand));
    int from = map.bestWindow(pages, demand.alignOrder(), demand.phase(), excluded);
    if (from == PagePool.NONE && avoided.length == 0 && demand.isReplacement()) {
      int end = demand.replacedPage() + demand.replacedPages(); // it can only grow where it is
      keep(first, map, end, (int) Math.min(demand.endInPlace(), pool.geometry().pageCount()), now);
    } else if (from == PagePool.NONE) {
      lapse(now);
    } else {
      keep(first, map, from, from + pages, now);
    }
    long nanos = System.nanoTime() - start;
    notBefore = now + Math.min(TIMES_SEARCH * nanos, Patience.MOST_NANOS / 2);
  }

  private void keep(WaitingRoom.Request first, FreeMap map, int from, int to, long now) {
    mostFree = map.freePages(from, to);
    kept = new Kept(first, from, to);
    patience.begin(now);
  }

  /// The allocation that a request is to replace, which stays until it has.
  private static int[] ownPages(Demand demand) {
    int from = demand.replacedPage();
    return demand.isReplacement() ? new int[] {from, from + demand.replacedPages()} : NONE_AVOIDED;
  }

  /// Keeps nothing for a request that has left the line. The next one may have its window already.
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  void end(WaitingRoom.Request left) {
    Kept now = kept;
    if (now != null && now.request == left) {
      KEPT.compareAndSet(this, now, null);
    }
  }
}
