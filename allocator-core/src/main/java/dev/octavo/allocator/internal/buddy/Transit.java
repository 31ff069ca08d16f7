package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

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
/// | stripe | any thread that moves pages | atomic add, before the first and after the last store of the move | `RaceExactFailureTest`: a search that overlaps a split reports no memory |
/// | searches | threads about to fail | atomic add, before the first read of the search | `RaceExactFailureTest`: a free that ended during the search is missed |
final class Transit {

  /// What [#stamp] says while a move is under way.
  static final long MOVING = -1;

  /// A stripe counts moves under way below this bit and finished ones from it upward.
  private static final int FINISHED_SHIFT = 16;

  private static final long FINISHED_ONE = 1L << FINISHED_SHIFT;
  private static final long UNDER_WAY_MASK = FINISHED_ONE - 1;

  /// Stripes lie two cache lines apart, so that movers do not slow each other down.
  private static final int STRIPE_LONGS = 16;

  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] stripes;
  private final int searches;

  /// @param stripeCount how many slots announce moves
  Transit(int stripeCount) {
    searches = (stripeCount + 1) * STRIPE_LONGS;
    stripes = new long[searches + STRIPE_LONGS];
  }

  void begin(int stripe) {
    WORD.getAndAdd(stripes, index(stripe), 1L);
  }

  void end(int stripe) {
    WORD.getAndAdd(stripes, index(stripe), FINISHED_ONE - 1);
  }

  /// Makes a finished store visible to those who search now; costs one read when nobody does.
  void changed(int stripe) {
    if ((long) WORD.getVolatile(stripes, searches) != 0) {
      WORD.getAndAdd(stripes, index(stripe), FINISHED_ONE);
    }
  }

  void enterSearch() {
    WORD.getAndAdd(stripes, searches, 1L);
  }

  void exitSearch() {
    WORD.getAndAdd(stripes, searches, -1L);
  }

  /// The number of moves finished so far, or [#MOVING]. Each stripe only grows, so equal sums mean
  /// equal stripes.
  long stamp() {
    long finished = 0;
    for (int i = STRIPE_LONGS; i < searches; i += STRIPE_LONGS) {
      long stripe = (long) WORD.getVolatile(stripes, i);
      if ((stripe & UNDER_WAY_MASK) != 0) {
        return MOVING;
      }
      finished += stripe >>> FINISHED_SHIFT;
    }
    return finished;
  }

  private static int index(int stripe) {
    return (stripe + 1) * STRIPE_LONGS;
  }
}
