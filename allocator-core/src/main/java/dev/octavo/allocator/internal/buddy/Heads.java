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
/// | 32..124 | head of byte-29 pages (3..95), no power of two among them |
/// | 125 | head of more than 95 pages, whose count one call is comparing |
/// | 126 | head that one call holds for a moment, to give the allocation another length |
/// | 127 | head of more than 95 pages, no power of two: the count stands in the five bytes that follow |
/// | negative | seven bits of such a count, lowest first; never taken for a head |
///
/// | byte | writers | order | without it |
/// |---|---|---|---|
/// | head, from 0 | who took the pages from the tree | release, after the count | `free` sees a head with a wrong count |
/// | head, to 0, 125 or 126 | who frees or resizes | CAS: of racing calls exactly one succeeds | double frees pass: `DoubleFreeTest` |
/// | count | who took the pages, or holds the head | plain, before the head's release | |
///
/// A count that is not needed any more is left where it is, as no call takes it for a head.
class Heads {

  /// What [#pages] says of a page that is no head.
  static final int NOT_A_HEAD = 0;

  /// What [#pages] says of a head that another call is resizing.
  static final int HELD = -1;

  private static final byte NONE = 0;
  private static final int FIRST_ORDER = 1;
  private static final int FIRST_SHORT = 32;
  private static final int SHORTEST_ODD = 3;
  private static final byte COMPARING = 125;
  private static final byte HELD_BYTE = 126;
  private static final byte LONG = 127;
  private static final int LONGEST_SHORT = COMPARING - 1 - FIRST_SHORT + SHORTEST_ODD;
  private static final int COUNT_BYTES = 5;
  private static final int COUNT_BITS = 7;
  private static final int COUNT_MASK = (1 << COUNT_BITS) - 1;
  private static final int COUNT_MARK = 1 << COUNT_BITS;

  private static final VarHandle BYTE = MethodHandles.arrayElementVarHandle(byte[].class);

  /// The heads begin two cache lines behind the array's length, which every access reads: a thread
  /// that changes the first heads would slow all others down.
  private static final int PADDING = 128 - 16;

  private final byte[] padded;
  private final int pageCount;

  Heads(int pageCount) {
    this.pageCount = pageCount;
    padded = new byte[PADDING + pageCount];
  }

  /// Records an allocation whose pages the caller owns, or gives a held head its new length.
  void set(int page, int pages) {
    byte head = headFor(pages);
    if (head == LONG) {
      setCount(page, pages);
    }
    BYTE.setRelease(padded, PADDING + page, head);
  }

  /// Records allocations of one length, as [#set] would.
  ///
  /// @param firsts their first pages, from index `from` to `to` - 1
  void setAll(long[] firsts, int from, int to, int pages) {
    byte head = headFor(pages);
    if (head == LONG) {
      for (int i = from; i < to; i++) {
        setCount((int) firsts[i], pages);
      }
    }
    for (int i = from; i < to; i++) {
      BYTE.setRelease(padded, PADDING + (int) firsts[i], head);
    }
  }

  private void setCount(int page, int pages) {
    for (int i = 0; i < COUNT_BYTES; i++) {
      padded[PADDING + page + 1 + i] =
          (byte) ((pages >>> (i * COUNT_BITS) & COUNT_MASK) | COUNT_MARK);
    }
  }

  private static byte headFor(int pages) {
    if (Geometry.isPowerOfTwo(pages)) {
      return (byte) (FIRST_ORDER + Geometry.orderFor(pages));
    }
    return pages <= LONGEST_SHORT ? (byte) (FIRST_SHORT + pages - SHORTEST_ODD) : LONG;
  }

  /// The length of the allocation whose head is at `page`, or [#NOT_A_HEAD] or [#HELD].
  int pages(int page) {
    byte head = (byte) BYTE.getAcquire(padded, PADDING + page);
    if (head <= NONE) {
      return NOT_A_HEAD;
    }
    if (head < FIRST_SHORT) {
      return 1 << (head - FIRST_ORDER);
    }
    if (head == HELD_BYTE) {
      return HELD;
    }
    return head >= COMPARING ? count(page) : head - FIRST_SHORT + SHORTEST_ODD;
  }

  private int count(int page) {
    int pages = 0;
    for (int i = 0; i < COUNT_BYTES; i++) {
      pages |= (padded[PADDING + page + 1 + i] & COUNT_MASK) << (i * COUNT_BITS);
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
    BYTE.setRelease(padded, PADDING + page, NONE);
  }

  private boolean exchange(int page, int pages, byte update) {
    byte head = headFor(pages);
    return head == LONG ? exchangeLong(page, pages, update) : compareAndSet(page, head, update);
  }

  /// The count does not fit into the CAS, and a racing free and allocation may change it before. So
  /// it is compared while the head keeps everybody else away. Who meets such a head looks again;
  /// that happens only to calls that free or resize the same run at the same time, of which one is
  /// wrong.
  private boolean exchangeLong(int page, int pages, byte update) {
    while (!compareAndSet(page, LONG, COMPARING)) {
      byte head = (byte) BYTE.getAcquire(padded, PADDING + page);
      if (head != LONG && head != COMPARING) {
        return false;
      }
    }
    boolean same = count(page) == pages;
    BYTE.setRelease(padded, PADDING + page, same ? update : LONG);
    return same;
  }

  boolean compareAndSet(int page, byte expected, byte update) {
    return BYTE.compareAndSet(padded, PADDING + page, expected, update);
  }

  /// The byte of a page, for those who do without the CAS.
  final byte head(int page) {
    return (byte) BYTE.getAcquire(padded, PADDING + page);
  }

  final void setHead(int page, byte head) {
    BYTE.setRelease(padded, PADDING + page, head);
  }

  /// The next head at or after `page`, or the number of pages if there is none.
  int next(int page) {
    int next = page;
    while (next < pageCount && pages(next) == NOT_A_HEAD) {
      next++;
    }
    return next;
  }

  /// The last head before `page`, or -1 if there is none.
  int previous(int page) {
    int previous = page - 1;
    while (previous >= 0 && pages(previous) == NOT_A_HEAD) {
      previous--;
    }
    return previous;
  }

  /// How many bytes it takes.
  int length() {
    return pageCount;
  }
}
