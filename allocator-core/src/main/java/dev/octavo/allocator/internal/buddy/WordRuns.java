package dev.octavo.allocator.internal.buddy;

/// Runs of ones inside one word: the bit arithmetic under the tree.
///
/// A word is a set of units, one bit each, lowest address first; a one is a free unit. A *block of
/// order s* is an aligned run of 2^s ones, a *free block* is one that is not part of a larger block
/// in the same word. Words may be narrower than 64 bits (tests use 4); the bits above are zero.
final class WordRuns {

  /// The largest order in a 64-bit word: the word as a whole.
  private static final int WHOLE_WORD = 6;

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
  static long lowBits(int count) {
    return count == 0 ? 0 : -1L >>> -count;
  }

  /// The first bits of all blocks of order `s`, parts of larger blocks included.
  static long blockStarts(long word, int s) {
    long starts = word;
    for (int j = 0; j < s; j++) {
      starts &= starts >>> (1 << j);
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
  static int bestFit(long word, int s) {
    long starts = blockStarts(word, s);
    if (starts == 0) {
      return -1;
    }
    for (int j = s; j < WHOLE_WORD; j++) {
      long merged = mergedStarts(starts, j);
      long lone = lone(starts, merged, j);
      if (lone != 0) {
        return Long.numberOfTrailingZeros(lone);
      }
      starts = merged;
    }
    return 0;
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
