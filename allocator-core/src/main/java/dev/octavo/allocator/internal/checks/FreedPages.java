package dev.octavo.allocator.internal.checks;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Who freed which pages last: those that are free and were allocated before. Pages that are
/// allocated are not in here, so no two entries overlap.
///
/// Safe for any number of threads.
final class FreedPages {

  /// What is left of the pages that one call freed.
  ///
  /// @param from the first page
  /// @param to the page behind the last
  record Part(int from, int to, Freed freed) {

    Part within(int first, int end) {
      return new Part(Math.max(from, first), Math.min(to, end), freed);
    }
  }

  /// By first page.
  private final TreeMap<Integer, Part> parts = new TreeMap<>();

  void add(Freed freed) {
    add(new Part(freed.page(), freed.end(), freed));
  }

  synchronized void add(Part part) {
    if (part.from() < part.to()) {
      parts.put(part.from(), part);
    }
  }

  /// Removes what is known about the pages `from`..`to`-1, and returns it.
  synchronized List<Part> remove(int from, int to) {
    List<Part> removed = new ArrayList<>();
    Integer first = parts.floorKey(from);
    Map<Integer, Part> near = parts.subMap(first == null ? from : first, to);
    for (Part part : List.copyOf(near.values())) {
      if (part.to() > from) {
        parts.remove(part.from());
        add(part.within(0, from));
        add(part.within(to, Integer.MAX_VALUE));
        removed.add(part.within(from, to));
      }
    }
    return removed;
  }

  /// Who freed a page, or null if it is not free, or was never allocated.
  synchronized @Nullable Freed at(int page) {
    Map.Entry<Integer, Part> near = parts.floorEntry(page);
    return near == null || near.getValue().to() <= page ? null : near.getValue().freed();
  }
}
