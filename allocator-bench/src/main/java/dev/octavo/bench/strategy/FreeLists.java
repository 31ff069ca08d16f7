package dev.octavo.bench.strategy;

import java.util.Arrays;

/// Doubly linked lists of pages, threaded through two `int` arrays: 8 bytes a page, no objects.
///
/// A page is in at most one list at a time. Not thread-safe.
final class FreeLists {
  private static final int NONE = -1;

  private final int[] next;
  private final int[] previous;
  private final int[] head;
  private final int[] tail;

  FreeLists(int pageCount, int listCount) {
    next = new int[pageCount];
    previous = new int[pageCount];
    head = new int[listCount];
    tail = new int[listCount];
    Arrays.fill(head, NONE);
    Arrays.fill(tail, NONE);
  }

  /// Returns the first page of the list or -1.
  int first(int list) {
    return head[list];
  }

  void addFirst(int list, int page) {
    int oldHead = head[list];
    next[page] = oldHead;
    previous[page] = NONE;
    head[list] = page;
    if (oldHead == NONE) {
      tail[list] = page;
    } else {
      previous[oldHead] = page;
    }
  }

  void addLast(int list, int page) {
    int oldTail = tail[list];
    next[page] = NONE;
    previous[page] = oldTail;
    tail[list] = page;
    if (oldTail == NONE) {
      head[list] = page;
    } else {
      next[oldTail] = page;
    }
  }

  void remove(int list, int page) {
    int before = previous[page];
    int after = next[page];
    if (before == NONE) {
      head[list] = after;
    } else {
      next[before] = after;
    }
    if (after == NONE) {
      tail[list] = before;
    } else {
      previous[after] = before;
    }
  }
}
