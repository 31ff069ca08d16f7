package dev.octavo.allocator.internal.buddy;

import java.util.BitSet;
import java.util.Optional;

/// What the pages of a region may do, one call after another: a set of free pages and a list of
/// allocations, no tree. Says of each call and its result whether that could be, and what it leads
/// to. *Where* a run is placed is left open.
final class RaceModel {

  private final int pageCount;
  private final BitSet free;
  private final int[] lengths;

  private RaceModel(int pageCount, BitSet free, int[] lengths) {
    this.pageCount = pageCount;
    this.free = free;
    this.lengths = lengths;
  }

  static RaceModel allFree(int pageCount) {
    BitSet free = new BitSet();
    free.set(0, pageCount);
    return new RaceModel(pageCount, free, new int[pageCount]);
  }

  static RaceModel noneFree(int pageCount) {
    return new RaceModel(pageCount, new BitSet(), new int[pageCount]);
  }

  /// Makes pages allocated, which is right only if all are free.
  Optional<RaceModel> taken(int page, int pages) {
    return free.nextClearBit(page) < page + pages ? Optional.empty() : changed(page, 0, pages);
  }

  /// Finds nothing, which is right only if there is no such run (L5).
  Optional<RaceModel> nothingFound(int pages, int alignOrder) {
    for (int page = 0; page + pages <= pageCount; page += 1 << alignOrder) {
      if (free.nextClearBit(page) >= page + pages) {
        return Optional.empty();
      }
    }
    return Optional.of(this);
  }

  /// Gives an allocation another length, 0 to free it, which is done if there is one and what it
  /// gains is free.
  Optional<RaceModel> resized(int page, int pages, int newPages, boolean done) {
    if (lengths[page] != pages) {
      return done ? Optional.empty() : Optional.of(this);
    }
    boolean fits = newPages <= pages || free.nextClearBit(page + pages) >= page + newPages;
    if (fits != done) {
      return Optional.empty();
    }
    return done ? changed(page, pages, newPages) : Optional.of(this);
  }

  /// Takes the region as a whole, which is right only if all of it is free.
  Optional<RaceModel> takenWhole() {
    return free.cardinality() == pageCount
        ? Optional.of(new RaceModel(pageCount, new BitSet(), lengths))
        : Optional.empty();
  }

  private Optional<RaceModel> changed(int page, int pages, int newPages) {
    BitSet nowFree = (BitSet) free.clone();
    nowFree.set(page, page + pages);
    nowFree.clear(page, page + newPages);
    int[] nowLengths = lengths.clone();
    nowLengths[page] = newPages;
    return Optional.of(new RaceModel(pageCount, nowFree, nowLengths));
  }

  @Override
  public String toString() {
    return "free=" + free;
  }
}
