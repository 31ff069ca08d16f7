package dev.octavo.allocator.internal.buddy;

import java.util.Optional;
import java.util.function.IntFunction;

/// One level of the tree: a bit for each unit, one if the unit is wholly free and owned here.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | word, one to zero | who takes the units | CAS from the value that held them | two owners: L1, `StressTest` |
/// | word, zero to one | who owns the units: a free, a merge | CAS, as others change the same word | lost frees: L2, `StressTest` |
/// | word of a unit that was just split | the splitter alone, as no other owns any part of it | one release store, announced in [Transit]; a full fence before the summary is read | `RaceOpenTest`; without the fence pages stay hidden for good |
///
/// The word is the whole state of its units, so a CAS that succeeds cannot have missed a change
/// that matters (no ABA).
final class Level {

  private final Words words;
  private final Summary summary;
  private final int unitShift;

  /// The highest rank that a word can stay at: below the top, full words merge away.
  private final int highestRank;

  Level(Geometry geometry, int level, Transit transit, IntFunction<Words> storage) {
    unitShift = geometry.unitShift(level);
    highestRank = geometry.radixLog2() + (level == geometry.topLevel() ? 1 : 0);
    words = storage.apply(geometry.wordCount(level));
    summary = new Summary(words.length(), transit, storage);
  }

  /// log2 of the pages in a unit.
  int unitShift() {
    return unitShift;
  }

  int unitPages() {
    return 1 << unitShift;
  }

  int wordCount() {
    return words.length();
  }

  /// How many longs it takes, summary included.
  int length() {
    return words.length() + summary.length();
  }

  long word(int word) {
    return words.get(word);
  }

  /// The first word in `from..to-1` that may have a block of order `s`, or -1.
  int next(int from, int to, int s, Stripe stripe) {
    if (from >= to) {
      return -1;
    }
    return Summary.isInLong(from, to)
        ? summary.nextInLong(from, to, s + 1)
        : summary.next(from, to, s + 1, stripe);
  }

  boolean has(int word, int s) {
    return WordRuns.blockStarts(words.get(word), s) != 0;
  }

  /// Takes the first `count` units of the best fitting block of order `s` in a word.
  ///
  /// @return the bit of the first unit, or -1 if there is no such block
  int takeBest(int word, int s, int count, Stripe stripe) {
    while (true) {
      long old = words.get(word);
      int bit = WordRuns.bestFit(old, s);
      if (bit < 0) {
        return bit;
      }
      long update = old & ~(WordRuns.lowBits(count) << bit);
      if (words.compareAndSet(word, old, update)) {
        settleIfEmpty(word, update, stripe);
        return bit;
      }
    }
  }

  /// Whoever empties a word corrects its rank at once, so that no search comes in vain.
  private void settleIfEmpty(int word, long value, Stripe stripe) {
    if (value == 0) {
      summary.settle(word, value, words, stripe);
    }
  }

  /// Takes the best fitting of the units of `mask`.
  ///
  /// @return its bit, or -1 if none of them is free
  int takeOne(int word, long mask) {
    while (true) {
      long old = words.get(word);
      int bit = WordRuns.bestFit(old & mask, 0);
      if (bit < 0 || words.compareAndSet(word, old, old & ~(1L << bit))) {
        return bit;
      }
    }
  }

  /// Takes up to `limit` blocks of order `s` from a word with one CAS: those that as many calls of
  /// [#takeBest] would take, in the same order.
  ///
  /// @param bits where the first bits of the blocks are put, from index `at` to its end
  /// @return how many
  int takeMany(int word, int s, long[] bits, int at) {
    while (true) {
      long old = words.get(word);
      long rest = old;
      int count = 0;
      for (int bit; at + count < bits.length && (bit = WordRuns.bestFit(rest, s)) >= 0; count++) {
        bits[at + count] = bit;
        rest &= ~(WordRuns.lowBits(1 << s) << bit);
      }
      if (count == 0 || words.compareAndSet(word, old, rest)) {
        return count;
      }
    }
  }

  /// Takes all units of a word.
  ///
  /// @return which were free
  long takeAll(int word, Stripe stripe) {
    while (true) {
      long old = words.get(word);
      if (old == 0) {
        return 0;
      }
      if (words.compareAndSet(word, old, 0)) {
        settleIfEmpty(word, 0, stripe);
        return old;
      }
    }
  }

  /// Takes exactly the units of `mask`; false if one of them is not free.
  boolean takeExactly(int word, long mask) {
    while (true) {
      long old = words.get(word);
      if ((old & mask) != mask) {
        return false;
      }
      if (words.compareAndSet(word, old, old & ~mask)) {
        return true;
      }
    }
  }

  /// One attempt to replace a word.
  boolean replace(int word, long old, long update) {
    return words.compareAndSet(word, old, update);
  }

  /// Stores the free units of a word that the caller owns as a whole. A full fence and [#raise]
  /// must follow.
  void open(int word, long freeUnits) {
    words.setRelease(word, freeUnits);
  }

  /// Makes a word findable after units were added to it.
  void raise(int word, long value, Stripe stripe) {
    if (summary.rank(word) < highestRank) {
      summary.raise(word, WordRuns.rank(value), stripe);
    }
  }

  /// Corrects what the summary promised of a word.
  void settle(int word, Stripe stripe) {
    summary.settle(word, words.get(word), words, stripe);
  }

  /// The first place where the summary hides something.
  Optional<String> firstHidden() {
    return summary.firstTooLow(words);
  }
}
