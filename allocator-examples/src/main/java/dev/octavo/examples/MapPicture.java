package dev.octavo.examples;

/// A region as rows of cells, lowest address first, each coloured by how much of it is allocated.
final class MapPicture {
  private static final int WIDTH = 480;
  private static final double GAP = 2;
  private static final double ASPECT = 1.25;
  private static final int QUARTERS = 4;

  private final RegionMap map;
  private final int pageSize;

  MapPicture(RegionMap map, int pageSize) {
    this.map = map;
    this.pageSize = pageSize;
  }

  String draw(String name) {
    int columns = Math.clamp((int) Math.ceil(Math.sqrt(map.cells() * ASPECT)), 8, 40);
    int rows = Math.ceilDiv(map.cells(), columns);
    double side = (double) WIDTH / columns;
    String title =
        Text.format("%s: %d of %d chunks wholly free", name, map.whollyFreeCells(), map.cells());
    Svg svg = new Svg(WIDTH, (int) Math.ceil(rows * side), title);
    for (int cell = 0; cell < map.cells(); cell++) {
      double x = cell % columns * side + GAP / 2;
      double y = Math.floorDiv(cell, columns) * side + GAP / 2;
      svg.rect(css(cell), new Svg.Box(x, y, side - GAP, side - GAP), tip(cell));
      if (map.usedPages(cell) == 0) {
        double middle = (side - GAP) / 2;
        svg.add(
            "<circle class=\"hole\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>",
            x + middle, y + middle, side / 7);
      }
    }
    return svg.toString();
  }

  /// The colour's class: free, a quarter of occupancy, or full.
  private String css(int cell) {
    int used = map.usedPages(cell);
    int pages = map.pagesOf(cell);
    if (used == 0) {
      return "cell free";
    }
    return used == pages ? "cell full" : "cell used" + used * QUARTERS / pages;
  }

  private String tip(int cell) {
    return Text.format(
        "chunk %d at %s: %d of %d pages allocated",
        cell,
        Text.bytes((long) cell * map.cellPages() * pageSize),
        map.usedPages(cell),
        map.pagesOf(cell));
  }

  static String legend() {
    return """
    <ul class="legend">
    <li><span class="swatch free dot"></span>wholly free</li>
    <li><span class="swatch used0"></span>up to 25 % allocated</li>
    <li><span class="swatch used1"></span>25 to 50 %</li>
    <li><span class="swatch used2"></span>50 to 75 %</li>
    <li><span class="swatch used3"></span>75 % and more</li>
    <li><span class="swatch full"></span>full</li>
    </ul>
    """;
  }
}
