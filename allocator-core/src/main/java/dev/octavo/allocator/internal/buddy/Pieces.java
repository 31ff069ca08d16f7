package dev.octavo.allocator.internal.buddy;

/// The pages of a region that are not free, as one sequence of pieces: the allocations of owners,
/// and what lies between them and the free runs.
final class Pieces {

  /// The owner of pages that no owner can release.
  static final int FIXED = -1;

  /// Told of a piece.
  @FunctionalInterface
  interface Visitor {

    /// Is told of a piece.
    ///
    /// @param start the first page
    /// @param end the page behind
    /// @param owner 0 or more, or [#FIXED]
    void piece(int start, int end, int owner);
  }

  private final BuddyPages pages;
  private final FreeMap map;
  private final int[] ownerOfTag;

  /// @param map of the same pages
  /// @param ownerOfTag the owner of allocations with each tag, negative if there is none
  Pieces(BuddyPages pages, FreeMap map, int[] ownerOfTag) {
    this.pages = pages;
    this.map = map;
    this.ownerOfTag = ownerOfTag;
  }

  /// Visits all pieces, lowest first. Reads one byte for each allocation and each fixed page.
  void visit(Visitor visitor) {
    int page = 0;
    for (int run = 0; run < map.runCount(); run++) {
      visit(page, map.start(run), visitor);
      page = map.end(run);
    }
    visit(page, map.pageCount(), visitor);
  }

  /// Visits the pieces between two free runs. The length of an allocation that another call is
  /// resizing is not known, and taken to reach to the next one.
  private void visit(int from, int to, Visitor visitor) {
    int page = from;
    while (page < to) {
      int length = pages.heads().pages(page);
      int end = length > 0 ? page + Math.min(length, to - page) : nextHead(page + 1, to);
      visitor.piece(page, end, length == Heads.NOT_A_HEAD ? FIXED : ownerAt(page));
      page = end;
    }
  }

  private int nextHead(int from, int to) {
    int page = from;
    while (page < to && pages.heads().pages(page) == Heads.NOT_A_HEAD) {
      page++;
    }
    return page;
  }

  private int ownerAt(int page) {
    int tag = pages.tagAt(page);
    return tag < ownerOfTag.length ? Math.max(FIXED, ownerOfTag[tag]) : FIXED;
  }
}
