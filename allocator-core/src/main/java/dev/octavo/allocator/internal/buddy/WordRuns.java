package dev.octavo.allocator.internal.buddy;

/// Runs of ones inside one word: the bit arithmetic under the tree.
///
/// A word is a set of units, one bit each, lowest address first; a one is a free unit. A *block of
/// order s* is an aligned run of 2^s ones, a *free block* is one that is not part of a larger block
/// in the same word. Words may be narrower than 64 bits (tests use 4); the bits above are zero.
///
/// Loops count widths by doubling and not orders by one: the compiler unrolls the latter, and the
/// callers' fast paths become too large to be inlined.
public final class WordRuns {

  /// The largest order in a 64-bit word: the word as a whole.
  private static final int WHOLE_WORD = 6;

  /// A word of 64 free units, for which all questions are easy.
  private static final long FULL = -1;

  /// `ALIGNED[s]` has a one at each multiple of 2^s: where blocks of order s may start.
  private static final long[] ALIGNED = {
    -1L,
    0x5555_5555_5555_5555L,
    0x1111_1111_1111_1111L,
    0x0101_0101_0101_0101L,
    0x0001_0001_0001_0001L,
    0x0000_0001_0000_0001L,
    1L
  };

  private WordRuns() {}

  /// The `count` lowest bits, count in 0..64.
  public static long lowBits(int count) {
    return count == 0 ? 0 : -1L >>> -count;
  }

  /// The first bits of all blocks of order `s`, parts of larger blocks included.
  public static long blockStarts(long word, int s) {
    long starts = word;
    for (int width = 1; width < 1 << s; width <<= 1) {
      starts &= starts >>> width;
    }
    return starts & ALIGNED[s];
  }

  /// Splits the starts of the blocks of order `s` into those of order s+1.
  private static long mergedStarts(long starts, int s) {
    return starts & (starts >>> (1 << s)) & ALIGNED[s + 1];
  }

  /// The first bits of the *free* blocks of order `s`: those whose buddy is not wholly free.
  static long freeBlockStarts(long word, int s) {
    long starts = blockStarts(word, s);
    return s == WHOLE_WORD ? starts : lone(starts, mergedStarts(starts, s), s);
  }

  private static long lone(long starts, long merged, int s) {
    return starts & ~(merged | merged << (1 << s));
  }

  /// Best fit: the first bit of the smallest free block of order `s` or more, the lowest of those.
  ///
  /// @return a bit index, or -1 if the word has no block of that order
  public static int bestFit(long word, int s) {
    if (word == FULL) {
      return 0;
    }
    long starts = blockStarts(word, s);
    if (starts == 0) {
      return -1;
    }
    int j = s;
    for (int width = 1 << s; width < Long.SIZE; width <<= 1) {
      long merged = starts & (starts >>> width) & ALIGNED[++j];
      long lone = starts & ~(merged | merged << width);
      if (lone != 0) {
        return Long.numberOfTrailingZeros(lone);
      }
      starts = merged;
    }
    return 0;
  }

  /// The first bits of the blocks of order `s` that so many calls of [#bestFit] would take in turn.
  ///
  /// @param count no more than there are
  public static long bestFits(long word, int s, int count) {
    long rest = word;
    long starts = 0;
    for (int i = 0; i < count; i++) {
      int bit = bestFit(rest, s);
      starts |= 1L << bit;
      rest &= ~(lowBits(1 << s) << bit);
    }
    return starts;
  }

  /// The first bit of the lowest run of `count` ones whose start is a multiple of 2^`align`.
  ///
  /// @param count 1..64
  /// @param align 0..6
  /// @return a bit index, or -1 if the word has no such run
  public static int lowestRun(long word, int count, int align) {
    if (word == FULL) {
      return 0;
    }
    long starts = word;
    int length = 1;
    while (length < count) {
      int step = Math.min(length, count - length);
      starts &= starts >>> step;
      length += step;
    }
    starts &= ALIGNED[align];
    return starts == 0 ? -1 : Long.numberOfTrailingZeros(starts);
  }

  /// One more than the order of the largest block in the word; 0 for an empty word.
  static int rank(long word) {
    long starts = word;
    int rank = 0;
    while (starts != 0) {
      starts = rank == WHOLE_WORD ? 0 : mergedStarts(starts, rank);
      rank++;
    }
    return rank;
  }

  /// How many ones follow each other from `bit` upward.
  static int onesFrom(long word, int bit) {
    return Long.numberOfTrailingZeros(~(word >>> bit));
  }

  /// How many ones follow each other from `bit` downward, `bit` included.
  static int onesUpTo(long word, int bit) {
    return Long.numberOfLeadingZeros(~(word << -(bit + 1)));
  }
}
