package dev.octavo.allocator.model;

import java.util.Collections;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/// The paths of the allocator that a run has reached, told from what the model saw.
///
/// A property that is never false may also never have come near the code it is about; so runs
/// collect these, and a series of runs that misses one of the wanted paths fails.
public final class PathsReached {

  private final SortedSet<String> reached = new TreeSet<>();

  /// The paths reached so far; later ones are not added.
  PathsReached copy() {
    PathsReached copy = new PathsReached();
    copy.reached.addAll(reached);
    return copy;
  }

  /// The names of the paths reached so far.
  public SortedSet<String> names() {
    return Collections.unmodifiableSortedSet(reached);
  }

  /// Adds a path.
  void add(String path) {
    reached.add(path);
  }

  /// Adds where a run was found, or why it was not.
  void allocated(Optional<Placement> place, int length, int freePages) {
    if (place.isEmpty()) {
      add(freePages < length ? "failed: lack of memory" : "failed: fragmentation");
      return;
    }
    Placement.Way way = place.get().way();
    boolean inLevel = way != Placement.Way.WINDOW && way != Placement.Way.FIRST_FIT;
    add("found: " + way + (inLevel ? " at level " + place.get().level() : ""));
  }

  /// Adds how a call for many blocks ended.
  void allocatedMany(int found, int wanted) {
    add(found == wanted ? "many: all" : found == 0 ? "many: none" : "many: some");
  }

  /// Adds how a call to grow ended.
  void grown(boolean success, boolean beyondEnd) {
    add(
        success
            ? "grow: done"
            : beyondEnd ? "grow: refused, region ends" : "grow: refused, in use");
  }

  /// Adds that not all could be taken.
  void takenAll(boolean success) {
    if (!success) {
      add("take all: refused");
    }
  }

  /// Adds the splits and merges between two states, by the levels that owned their pages.
  ///
  /// @param before the level of each page before
  /// @param after the level of each page after
  /// @param radixLog2 log2 of the units in a word
  void moved(int[] before, int[] after, int radixLog2) {
    for (int page = 0; page < before.length; page++) {
      if (before[page] >= 0 && before[page] < after[page]) {
        add("merged into level " + after[page]);
      } else if (after[page] >= 0 && after[page] < before[page]) {
        add("split from level " + before[page]);
        addOpened(page, before, after, radixLog2);
      }
    }
  }

  /// A page that stays free although its unit was opened: it may lie before the pages taken, behind
  /// them, or both.
  private void addOpened(int page, int[] before, int[] after, int radixLog2) {
    int unitPages = 1 << (before[page] * radixLog2);
    int unit = page / unitPages * unitPages;
    boolean left = after[unit] >= 0;
    boolean right = after[unit + unitPages - 1] >= 0;
    add("opened: kept " + (left && right ? "both ends" : left ? "its left" : "its right"));
  }
}
