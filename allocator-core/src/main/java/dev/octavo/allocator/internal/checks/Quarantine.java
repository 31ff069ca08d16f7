package dev.octavo.allocator.internal.checks;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;

/// Freed pages that are kept from being allocated again for a while, first in, first out.
///
/// They are in nobody's hands while one call lets them go, so that happens under the lock: who has
/// found the quarantine empty knows that all of it is free (L5).
final class Quarantine {

  private final long pagesMax;
  private final Consumer<Freed> putBack;
  private final ArrayDeque<Freed> kept = new ArrayDeque<>();
  private long pages;

  /// How many calls need all that is free; while there are any, nothing is kept.
  private int searches;

  /// @param pagesMax how many pages stay when a call makes room
  /// @param putBack makes pages free
  Quarantine(long pagesMax, Consumer<Freed> putBack) {
    this.pagesMax = pagesMax;
    this.putBack = putBack;
  }

  /// Keeps pages; false if they must not be kept.
  synchronized boolean add(Freed freed) {
    if (searches > 0) {
      return false;
    }
    kept.add(freed);
    pages += freed.pages();
    return true;
  }

  /// Lets the oldest go until no more is kept than may be.
  ///
  /// @param leaving told what goes, just before it does
  synchronized void shrink(Consumer<Freed> leaving) {
    while (pages > pagesMax) {
      Freed oldest = kept.remove();
      leaving.accept(oldest);
      letGo(oldest);
    }
  }

  /// Asks a question for which some of the pages, and all that are freed meanwhile, must be free.
  ///
  /// @param which the pages
  <T> T without(Predicate<Freed> which, Supplier<T> question) {
    beginSearch(which);
    try {
      return question.get();
    } finally {
      endSearch();
    }
  }

  /// From here to [#endSearch] nothing more is kept, and of what is kept some goes.
  ///
  /// @param which pages go
  synchronized void beginSearch(Predicate<Freed> which) {
    searches++;
    for (Iterator<Freed> each = kept.iterator(); each.hasNext(); ) {
      Freed freed = each.next();
      if (which.test(freed)) {
        each.remove();
        letGo(freed);
      }
    }
  }

  synchronized void endSearch() {
    searches--;
  }

  private void letGo(Freed freed) {
    pages -= freed.pages();
    putBack.accept(freed);
  }

  /// Looks at what is kept, while none of it can go.
  synchronized void forEach(Consumer<Freed> look) {
    List.copyOf(kept).forEach(look);
  }
}
