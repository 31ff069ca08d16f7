package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// The allocated pages: one byte a page that says where allocations start and how long they are
/// (L8).
///
/// | byte | meaning |
/// |---|---|
/// | 0 | not the head of an allocation |
/// | 1..31 | head of 2^(byte-1) pages |
/// | 32..125 | head of byte-29 pages (3..96), no power of two among them |
/// | 126 | head that one call holds for a moment, to give the allocation another length |
/// | 127 | head of more than 96 pages, no power of two: the count stands in the five bytes that follow |
/// | negative | seven bits of such a count, lowest first; never taken for a head |
///
/// | byte | writers | order | without it |
/// |---|---|---|---|
/// | head, from 0 | who took the pages from the tree | release, after the count | `free` sees a head with a wrong count |
/// | head, to 0 or 126 | who frees or resizes | CAS: of racing calls exactly one succeeds | double frees pass: `DoubleFreeTest` |
/// | count | who owns the head | plain, before the head's release or after its CAS | |
class Heads {

  /// What [#pages] says of a page that is no head.
  static final int NOT_A_HEAD = 0;

  /// What [#pages] says of a head that another call is resizing.
  static final int HELD = -1;

  private static final byte NONE = 0;
  private static final int FIRST_ORDER = 1;
  private static final int FIRST_SHORT = 32;
  private static final int SHORTEST_ODD = 3;
  private static final byte HELD_BYTE = 126;
  private static final byte LONG = 127;
  private static final int LONGEST_SHORT = HELD_BYTE - 1 - FIRST_SHORT + SHORTEST_ODD;
  private static final int COUNT_BYTES = 5;
  private static final int COUNT_BITS = 7;
  private static final int COUNT_MASK = (1 << COUNT_BITS) - 1;
  private static final int COUNT_MARK = 1 << COUNT_BITS;

  private static final VarHandle BYTE = MethodHandles.arrayElementVarHandle(byte[].class);

  private final byte[] heads;

  Heads(int pageCount) {
    heads = new byte[pageCount];
  }

  /// Records an allocation whose pages the caller owns, or gives a held head its new length.
  void set(int page, int pages) {
    byte head = headFor(pages);
    if (head == LONG) {
      for (int i = 0; i < COUNT_BYTES; i++) {
        heads[page + 1 + i] = (byte) ((pages >>> (i * COUNT_BITS) & COUNT_MASK) | COUNT_MARK);
      }
    }
    BYTE.setRelease(heads, page, head);
  }

  private static byte headFor(int pages) {
    if (Geometry.isPowerOfTwo(pages)) {
      return (byte) (FIRST_ORDER + Geometry.orderFor(pages));
    }
    return pages <= LONGEST_SHORT ? (byte) (FIRST_SHORT + pages - SHORTEST_ODD) : LONG;
  }

  /// The length of the allocation whose head is at `page`, or [#NOT_A_HEAD] or [#HELD].
  int pages(int page) {
    byte head = (byte) BYTE.getAcquire(heads, page);
    if (head <= NONE) {
      return NOT_A_HEAD;
    }
    if (head < FIRST_SHORT) {
      return 1 << (head - FIRST_ORDER);
    }
    if (head == HELD_BYTE) {
      return HELD;
    }
    return head == LONG ? count(page) : head - FIRST_SHORT + SHORTEST_ODD;
  }

  private int count(int page) {
    int pages = 0;
    for (int i = 0; i < COUNT_BYTES; i++) {
      pages |= (heads[page + 1 + i] & COUNT_MASK) << (i * COUNT_BITS);
    }
    return pages;
  }

  /// Ends an allocation of this length; the caller owns its pages now.
  ///
  /// @return false, and nothing has changed, if there is no such allocation
  boolean clear(int page, int pages) {
    return exchange(page, pages, NONE);
  }

  /// Keeps every other call away from an allocation of this length, until [#set].
  ///
  /// @return false, and nothing has changed, if there is no such allocation
  boolean hold(int page, int pages) {
    return exchange(page, pages, HELD_BYTE);
  }

  /// Ends an allocation whose head the caller holds.
  void clearHeld(int page) {
    BYTE.setRelease(heads, page, NONE);
  }

  private boolean exchange(int page, int pages, byte update) {
    byte head = headFor(pages);
    if (head != LONG) {
      return compareAndSet(page, head, update);
    }
    if (pages(page) != pages || !compareAndSet(page, LONG, update)) {
      return false;
    }
    // The head is ours, so the count stands still; a racing free and allocation may have changed it
    // since it was read above.
    if (count(page) != pages) {
      BYTE.setRelease(heads, page, LONG);
      return false;
    }
    for (int i = 0; i < COUNT_BYTES; i++) {
      heads[page + 1 + i] = NONE;
    }
    return true;
  }

  boolean compareAndSet(int page, byte expected, byte update) {
    return BYTE.compareAndSet(heads, page, expected, update);
  }

  /// The next head at or after `page`, or the number of pages if there is none.
  int next(int page) {
    int next = page;
    while (next < heads.length && pages(next) == NOT_A_HEAD) {
      next++;
    }
    return next;
  }

  /// How many bytes it takes.
  int length() {
    return heads.length;
  }
}
