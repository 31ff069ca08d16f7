package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Tells a thread that found nothing whether free pages were on the move meanwhile.
///
/// A split, a merge, a claim of several words and the correction of a summary need more than one
/// store; between the first and the last, free pages are invisible. Each announces itself: [#begin]
/// before its first change, [#end] after its last. A thread that searched everything without
/// success may call it out of memory only if no announced move overlapped its search (L5): the
/// [#stamp] was not [#MOVING] before and is the same after.
///
/// A plain free or take is one store and needs no announcement, but the search may pass its word
/// too early, and look for the page of a later call too late. So while anybody searches
/// ([#enterSearch]) each such call changes the stamp ([#changed]) before it returns. Then no call
/// that changed a word has returned in a window of equal stamps, so all that ran in it can be
/// ordered around the search, word by word: at that moment there was no such run.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | stripes | whoever opens or retires a slot | CAS of an immutable array and sum | a search misses the moves of a new slot |
/// | searches | threads about to fail | atomic add, before the first read of the search | `RaceExactFailureTest`: a free that ended during the search is missed |
final class Transit {

  /// What [#stamp] says while a move is under way.
  static final long MOVING = -1;

  private static final VarHandle STRIPES;
  private static final VarHandle SEARCHES;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      STRIPES = lookup.findVarHandle(Transit.class, "stripes", Stripes.class);
      SEARCHES = lookup.findVarHandle(Transit.class, "searches", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// The stripes that may announce moves, and the moves that others have finished, and their pins.
  /// Immutable.
  private static final class Stripes {

    private final Stripe[] live;
    private final long retiredMoves;
    private final long retiredPins;

    Stripes(Stripe[] live, long retiredMoves, long retiredPins) {
      this.live = live;
      this.retiredMoves = retiredMoves;
      this.retiredPins = retiredPins;
    }
  }

  private volatile Stripes stripes = new Stripes(new Stripe[0], 0, 0);

  @SuppressWarnings("unused") // by SEARCHES
  private volatile int searches;

  /// A new stripe.
  ///
  /// @param shared whether more than one thread will use it
  Stripe open(boolean shared) {
    Stripe stripe = new Stripe(shared);
    Stripes old;
    Stripe[] live;
    do {
      old = stripes;
      live = Arrays.copyOf(old.live, old.live.length + 1);
      live[old.live.length] = stripe;
    } while (!STRIPES.compareAndSet(
        this, old, new Stripes(live, old.retiredMoves, old.retiredPins)));
    return stripe;
  }

  /// Forgets a stripe that no thread uses any more.
  void retire(Stripe stripe) {
    Stripes old;
    Stripe[] live;
    do {
      old = stripes;
      List<Stripe> others = new ArrayList<>(Arrays.asList(old.live));
      others.remove(stripe);
      live = others.toArray(new Stripe[0]);
    } while (!STRIPES.compareAndSet(
        this,
        old,
        new Stripes(live, old.retiredMoves + stripe.finished(), old.retiredPins + stripe.pins())));
  }

  /// How many stripes are open.
  int stripeCount() {
    return stripes.live.length;
  }

  /// The free pages noted in open stripes, more or less than none.
  long notedPages() {
    long pages = 0;
    for (Stripe stripe : stripes.live) {
      pages += stripe.pages();
    }
    return pages;
  }

  /// The pins that are set; exact if nobody sets or takes off any.
  long pins() {
    Stripes seen = stripes;
    long pins = seen.retiredPins;
    for (Stripe stripe : seen.live) {
      pins += stripe.pins();
    }
    return pins;
  }

  void begin(Stripe stripe) {
    stripe.begin();
  }

  void end(Stripe stripe) {
    stripe.end();
  }

  /// Makes a finished store visible to those who search now; costs one read when nobody does. The
  /// fence keeps the count from arriving after the call has returned.
  void changed(Stripe stripe) {
    if (isSearched()) {
      stripe.count();
      VarHandle.fullFence();
    }
  }

  /// Whether anybody searches.
  boolean isSearched() {
    return searches != 0;
  }

  void enterSearch() {
    SEARCHES.getAndAdd(this, 1);
  }

  void exitSearch() {
    SEARCHES.getAndAdd(this, -1);
  }

  /// The number of moves finished so far, or [#MOVING]. Each stripe only grows, so equal sums mean
  /// equal stripes.
  long stamp() {
    Stripes seen = stripes;
    long finished = seen.retiredMoves;
    for (Stripe stripe : seen.live) {
      long stamp = stripe.stamp();
      if (stamp == MOVING) {
        return MOVING;
      }
      finished += stamp;
    }
    return finished;
  }
}
