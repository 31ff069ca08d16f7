package dev.octavo.allocator.model;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.List;

/// A region and what is done to it.
///
/// @param geometry the region's shape
/// @param slotCount how many slots work in it
/// @param steps what they do
public record Program(Geometry geometry, int slotCount, List<Step> steps) {

  /// Takes all steps; after each the allocator must be equal to the model and obey the laws. Frees
  /// everything in the end, after which the region must be as good as new, and takes it as a whole.
  ///
  /// @return the paths that the steps have reached
  public PathsReached run() {
    ComparedPages pages = new ComparedPages(geometry, slotCount);
    pages.assertSame();
    int[] levels = pages.model().levels();
    for (Step step : steps) {
      step.run(pages);
      pages.assertSame();
      int[] after = pages.model().levels();
      pages.paths().moved(levels, after, geometry.radixLog2());
      levels = after;
    }
    PathsReached reached = pages.paths().copy();
    pages.assertMergesWhollyOnceFreed();
    pages.takeAll(0);
    pages.allocate(0, 1, 0);
    return reached;
  }
}
