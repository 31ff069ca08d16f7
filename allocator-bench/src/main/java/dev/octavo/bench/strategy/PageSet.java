package dev.octavo.bench.strategy;

/// A set of small integers that finds its smallest member in one step a level: a bitmap with a
/// 64-way summary above it, and one above that, until one word is left. Not thread-safe.
final class PageSet {
  private static final int WORD_SHIFT = 6;

  /// `levels[0]` has a bit a member; a bit of `levels[k + 1]` says that a word of `levels[k]` is
  /// not zero.
  private final long[][] levels;

  PageSet(int size) {
    int levelCount = 1;
    for (int words = words(size); words > 1; words = words(words)) {
      levelCount++;
    }
    levels = new long[levelCount][];
    int units = size;
    for (int level = 0; level < levelCount; level++) {
      units = words(units);
      levels[level] = new long[units];
    }
  }

  private static int words(int bits) {
    return Math.max(1, (bits + 63) >>> WORD_SHIFT);
  }

  /// Returns the smallest member or -1.
  int first() {
    if (levels[levels.length - 1][0] == 0) {
      return -1;
    }
    int index = 0;
    for (int level = levels.length - 1; level >= 0; level--) {
      index = (index << WORD_SHIFT) + Long.numberOfTrailingZeros(levels[level][index]);
    }
    return index;
  }

  void add(int member) {
    int index = member;
    for (long[] level : levels) {
      int word = index >>> WORD_SHIFT;
      level[word] |= 1L << index;
      index = word;
    }
  }

  void remove(int member) {
    int index = member;
    for (long[] level : levels) {
      int word = index >>> WORD_SHIFT;
      level[word] &= ~(1L << index);
      if (level[word] != 0) {
        return;
      }
      index = word;
    }
  }
}
