package dev.octavo.bench;

import dev.octavo.bench.strategy.AddressOrderedBuddy;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.OctavoStrategy;
import dev.octavo.bench.strategy.PageStrategy;

/// The strategies by the names under which figures are reported, over page numbers alone.
final class Strategies {
  private Strategies() {}

  /// Makes a region of 2^regionOrder free pages that may become one block.
  static PageStrategy open(String name, int regionOrder) {
    int pageCount = 1 << regionOrder;
    return switch (name) {
      case "octavo" -> new OctavoStrategy(Region.ofPages(pageCount));
      case "linux" -> new LinuxBuddy(pageCount, regionOrder);
      case "address-ordered" -> new AddressOrderedBuddy(pageCount, regionOrder);
      default -> throw new IllegalArgumentException("unknown strategy: name=" + name);
    };
  }
}
