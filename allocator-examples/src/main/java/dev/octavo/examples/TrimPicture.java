package dev.octavo.examples;

/// 64 pages in rows of 16: which of them an odd request costs, and in which blocks the rest is
/// free.
final class TrimPicture {
  private static final int COLUMNS = 16;
  private static final double SIDE = 30;
  private static final double GAP = 2;

  private final ExactTrim exact;

  TrimPicture(ExactTrim exact) {
    this.exact = exact;
  }

  /// Draws what was observed: the allocation, and the free blocks around it.
  String drawExact() {
    Svg svg =
        svg(
            Text.format(
                "%d pages allocated, %d given back, in free blocks of orders %s",
                exact.usedPages(), exact.givenBackPages(), exact.givenBackOrders()));
    long end = exact.firstPage() + exact.usedPages();
    for (long page = exact.firstPage(); page < end; page++) {
      page(svg, "cell mine", page, "page " + page + ", allocated");
    }
    freeBlocks(svg, 0, exact.firstPage());
    freeBlocks(svg, end, ExactTrim.BLOCK_PAGES);
    return svg.toString();
  }

  /// Draws what rounding up to a power of two would have cost.
  String drawRounded() {
    int block = ExactTrim.BLOCK_PAGES;
    long wasted = block - exact.usedPages();
    Svg svg = svg(Text.format("%d pages allocated, %d of them never used", block, wasted));
    for (long page = 0; page < block; page++) {
      boolean isUsed = page < exact.usedPages();
      page(svg, isUsed ? "cell mine" : "cell wasted", page, isUsed ? "asked for" : "wasted");
    }
    return svg.toString();
  }

  private Svg svg(String title) {
    int rows = Math.ceilDiv(ExactTrim.BLOCK_PAGES, COLUMNS);
    return new Svg((int) (COLUMNS * SIDE), (int) (rows * SIDE), title);
  }

  private static void page(Svg svg, String css, long page, String tip) {
    double x = page % COLUMNS * SIDE;
    double y = Math.floorDiv(page, COLUMNS) * SIDE;
    svg.rect(css, new Svg.Box(x + GAP / 2, y + GAP / 2, SIDE - GAP, SIDE - GAP), tip);
  }

  /// Draws a free range as the naturally aligned blocks that it consists of.
  private static void freeBlocks(Svg svg, long from, long to) {
    long page = from;
    while (page < to) {
      int aligned = page == 0 ? Long.SIZE - 1 : Long.numberOfTrailingZeros(page);
      int order = Math.min(aligned, Long.SIZE - 1 - Long.numberOfLeadingZeros(to - page));
      block(svg, page, order);
      page += 1L << order;
    }
  }

  private static void block(Svg svg, long page, int order) {
    long pages = 1L << order;
    double x = page % COLUMNS * SIDE;
    double y = Math.floorDiv(page, COLUMNS) * SIDE;
    double width = Math.min(pages, COLUMNS) * SIDE;
    double height = Math.max(1, Math.floorDiv(pages, COLUMNS)) * SIDE;
    svg.rect(
        "cell back",
        new Svg.Box(x + GAP / 2, y + GAP / 2, width - GAP, height - GAP),
        "free block of order " + order + ", " + pages + (pages == 1 ? " page" : " pages"));
    String label = pages < 4 ? String.valueOf(order) : "order " + order + ", " + pages + " pages";
    svg.text("middle on", x + width / 2, y + height / 2 + 5, label);
  }
}
