package dev.octavo.allocator.internal.buddy;

import java.util.BitSet;

/// Finds out which owners' release would form a run; see [Formers].
///
/// One pass over the [Pieces] keeps the starts of two stretches that end at the current piece: one
/// without fixed pages, in which the nearest run is looked for, and within it the longest one that
/// has pages of at most one owner, which can form a run alone if it fits there. Costs time in
/// proportion to p log p, where p is the number of pieces, and to the number of fixed pages.
///
/// Not thread-safe.
final class FormerSearch {

  private static final int FREE = -2;

  private final Pieces pieces;
  private final WindowSearch window;
  private final FreeMap map;
  private final int pages;
  private final BitSet alone = new BitSet();
  private final BitSet together = new BitSet();

  /// Where the stretch without fixed pages starts.
  private int openStart;

  /// Where the stretch of one owner starts.
  private int ownStart;

  /// That owner, or [#FREE] if all of the stretch is free.
  private int owner = FREE;

  /// Where the free pages start at which both stretches end.
  private int freeStart;

  /// @param all the region
  /// @param map its free runs
  /// @param window a new search for the run in that map
  /// @param ownerOfTag the owner of allocations with each tag, negative if there is none
  FormerSearch(BuddyPages all, FreeMap map, WindowSearch window, int[] ownerOfTag) {
    this.map = map;
    this.window = window;
    pages = window.pages();
    pieces = new Pieces(all, map, ownerOfTag);
  }

  Formers run() {
    pieces.visit(this::pass);
    endAt(map.pageCount());
    if (window.freePages() == pages) {
      return Formers.noneNeeded();
    }
    if (window.firstPage() >= 0) {
      pieces.visit(this::collect);
    }
    return Formers.of(alone, together);
  }

  private void pass(int start, int end, int pieceOwner) {
    if (pieceOwner == Pieces.FIXED) {
      endAt(start);
      openStart = end;
      ownStart = end;
      owner = FREE;
    } else if (pieceOwner != owner) {
      endOwnAt(start);
      ownStart = freeStart;
      owner = pieceOwner;
    }
    freeStart = end;
  }

  private void endAt(int end) {
    endOwnAt(end);
    window.lookWithin(openStart, end);
  }

  private void endOwnAt(int end) {
    if (owner != FREE && window.fits(ownStart, end)) {
      alone.set(owner);
    }
  }

  /// Takes note of the owners in the nearest run.
  private void collect(int start, int end, int pieceOwner) {
    int first = window.firstPage();
    if (pieceOwner != Pieces.FIXED && start < first + pages && end > first) {
      together.set(pieceOwner);
    }
  }
}
