package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Where one [Slot] announces its moves: a count of those under way and one of those finished; and
/// where it notes the pages it made free and took, until [FreePages] adds them up, and its pins.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | counts, exclusive | the one thread that has the slot | release: whoever sees a store of the move sees that it began, whoever sees its end sees all of its stores | `RaceExactFailureTest` |
/// | counts, shared | any thread | atomic add | lost counts: a search that never ends, or ends too early |
/// | pages, exclusive | the one thread that has the slot | opaque | `FreePagesTest` |
/// | pages, shared | any thread | atomic add and swap | `FreePagesTest`: pages counted twice or never |
/// | pins, exclusive | the one thread that has the slot | opaque; `PagePool.shut` makes a handshake before anybody needs the sum | `CloseRaceTest`: memory goes back that an arena uses |
/// | pins, shared | any thread | atomic add | the same |
final class Stripe {

  /// Counts moves under way below this bit and finished ones from it upward.
  private static final int FINISHED_SHIFT = 16;

  private static final long FINISHED_ONE = 1L << FINISHED_SHIFT;
  private static final long UNDER_WAY_MASK = FINISHED_ONE - 1;

  /// The counts have two cache lines to themselves on either side, so that movers do not slow each
  /// other down.
  private static final int COUNTS = 16;

  private static final int PAGES = COUNTS + 1;
  private static final int PINS = COUNTS + 2;

  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] padded = new long[2 * COUNTS + 1];
  private final boolean shared;

  /// @param shared whether more than one thread uses it
  Stripe(boolean shared) {
    this.shared = shared;
  }

  void begin() {
    add(1);
  }

  void end() {
    add(FINISHED_ONE - 1);
  }

  /// Counts a move that is over already.
  void count() {
    add(FINISHED_ONE);
  }

  private void add(long delta) {
    if (shared) {
      WORD.getAndAdd(padded, COUNTS, delta);
    } else {
      WORD.setRelease(padded, COUNTS, padded[COUNTS] + delta);
    }
  }

  /// Notes pages that became free, or with a negative number that were taken.
  ///
  /// @return all that are noted here
  long addPages(long delta) {
    if (shared) {
      return (long) WORD.getAndAdd(padded, PAGES, delta) + delta;
    }
    long pages = padded[PAGES] + delta;
    WORD.setOpaque(padded, PAGES, pages);
    return pages;
  }

  /// Takes what is noted here away, to be added elsewhere.
  long takePages() {
    if (shared) {
      return (long) WORD.getAndSet(padded, PAGES, 0L);
    }
    long pages = padded[PAGES];
    WORD.setOpaque(padded, PAGES, 0L);
    return pages;
  }

  long pages() {
    return (long) WORD.getVolatile(padded, PAGES);
  }

  /// Notes that so many pins were set here, or with a negative number taken off.
  void addPins(long delta) {
    if (shared) {
      WORD.getAndAdd(padded, PINS, delta);
    } else {
      WORD.setOpaque(padded, PINS, padded[PINS] + delta);
    }
  }

  /// The pins set here, less those taken off here, wherever they were set.
  long pins() {
    return (long) WORD.getVolatile(padded, PINS);
  }

  /// The moves finished so far, or [Transit#MOVING].
  long stamp() {
    long counts = counts();
    return (counts & UNDER_WAY_MASK) != 0 ? Transit.MOVING : counts >>> FINISHED_SHIFT;
  }

  /// Whether a move is under way.
  boolean isMoving() {
    return (counts() & UNDER_WAY_MASK) != 0;
  }

  /// The moves finished so far.
  long finished() {
    return counts() >>> FINISHED_SHIFT;
  }

  private long counts() {
    return (long) WORD.getVolatile(padded, COUNTS);
  }
}
