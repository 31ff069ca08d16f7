package dev.octavo.examples;

/// How full each part of a region is: allocated pages per cell, cells in address order.
final class RegionMap {
  /// A huge page: what order 9 is with pages of 4 KiB.
  static final int CELL_BYTES = 2 << 20;

  private static final int MAX_CELLS = 800;

  private final long pageCount;
  private final int cellPages;
  private final int[] usedPages;

  private RegionMap(long pageCount, int cellPages) {
    this.pageCount = pageCount;
    this.cellPages = cellPages;
    usedPages = new int[(int) Math.ceilDiv(pageCount, cellPages)];
  }

  /// Makes the map of a region without allocations: a cell is 2 MiB, or the smallest power of two
  /// above that keeps the map readable.
  static RegionMap empty(long pageCount, int pageSize) {
    int cellPages = Math.max(1, CELL_BYTES / pageSize);
    while (Math.ceilDiv(pageCount, cellPages) > MAX_CELLS) {
      cellPages *= 2;
    }
    return new RegionMap(pageCount, cellPages);
  }

  void addBlock(long page, int order) {
    long end = page + (1L << order);
    long from = page;
    while (from < end) {
      int cell = (int) (from / cellPages);
      long to = Math.min(end, (cell + 1L) * cellPages);
      usedPages[cell] += (int) (to - from);
      from = to;
    }
  }

  int cells() {
    return usedPages.length;
  }

  /// Returns the pages of a whole cell.
  int cellPages() {
    return cellPages;
  }

  /// Returns the allocated pages of a cell.
  int usedPages(int cell) {
    return usedPages[cell];
  }

  /// Returns the pages of a cell, which are fewer at the end of the region.
  int pagesOf(int cell) {
    return (int) Math.min(cellPages, pageCount - (long) cell * cellPages);
  }

  /// Returns how many cells are as large as they get and hold no allocation at all.
  int whollyFreeCells() {
    int free = 0;
    for (int cell = 0; cell < usedPages.length; cell++) {
      free += usedPages[cell] == 0 && pagesOf(cell) == cellPages ? 1 : 0;
    }
    return free;
  }
}
