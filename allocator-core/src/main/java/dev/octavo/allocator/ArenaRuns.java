package dev.octavo.allocator;

import dev.octavo.allocator.internal.request.Payer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// The page runs that an arena has, which all go back together.
///
/// Knows nothing of the arena's session or segments: whoever has this alone can still give the
/// pages back when both have been forgotten.
final class ArenaRuns {

  private static final int FEW = 4;
  private static final int PAGE_SHIFT = 32;
  private static final long[] NONE = {};

  private final ArenaSource allocator;
  private final @Nullable Payer payer;

  /// Whether each run pins the memory, as the arena's segments have an end of their own.
  private final boolean isPinning;

  /// First page and length of a run, in the upper and the lower half: of the first run, which is
  /// often the only one, and of those behind it.
  private long first;

  private long[] further = NONE;
  private int count;
  private long pages;

  /// @param payer who pays for them, or null
  /// @param isPinning whether each pins the memory
  ArenaRuns(ArenaSource allocator, @Nullable Payer payer, boolean isPinning) {
    this.allocator = allocator;
    this.payer = payer;
    this.isPinning = isPinning;
  }

  ArenaSource allocator() {
    return allocator;
  }

  /// Takes note of a run.
  void add(long page, int length) {
    set(count, page << PAGE_SHIFT | length);
    count++;
    pages += length;
  }

  private void set(int index, long run) {
    if (index == 0) {
      first = run;
      return;
    }
    if (index > further.length) {
      further = Arrays.copyOf(further, Math.max(FEW, 2 * further.length));
    }
    further[index - 1] = run;
  }

  /// Gives all runs back but one. No segment of the arena may be in use.
  ///
  /// @param kept the first page of that one, or -1 to keep none
  /// @throws CorruptedMemoryException if somebody wrote behind a run's bytes; that run stays
  ///   allocated, all others have gone back
  /// @throws InvalidFreeException if somebody else has freed a run; all others have gone back
  void freeAllBut(long kept) {
    int end = count;
    count = 0;
    pages = 0;
    RuntimeException failure = null;
    for (int i = 0; i < end; i++) {
      long run = i == 0 ? first : further[i - 1];
      long page = run >>> PAGE_SHIFT;
      int length = (int) run;
      if (page == kept) {
        add(page, length);
      } else {
        failure = free(page, length, failure);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /// @param before what went wrong so far
  private @Nullable RuntimeException free(
      long page, int length, @Nullable RuntimeException before) {
    try {
      allocator.freeRun(payer, page, length, isPinning);
      return before;
    } catch (RuntimeException e) {
      return Failures.first(before, e);
    }
  }

  /// How many pages it has.
  long pages() {
    return pages;
  }
}
