package dev.octavo.allocator.internal.buddy;

import java.util.Optional;
import java.util.function.IntFunction;

/// Finds the next word that may hold a block of some order, without reading the words between.
///
/// One nibble a word holds a *rank*: an upper bound of [WordRuns#rank], that is one more than the
/// order of the word's largest block. Sixteen nibbles make a long, one nibble of the layer above is
/// the maximum of a long below, and so on up to a single long:
///
/// ```
///   layer 2      [6 4 . .]
///   layer 1      [6 2 0 ...]   [1 4 ...]
///   layer 0      [6 0 3 1 ...] [2 ...] [0 ...]       one nibble a word
/// ```
///
/// The bound is *conservative*: it may be too high for a while, and is never too low unless a move
/// is announced in [Transit]. Frees raise it, from the bottom layer upward. Who empties a word
/// lowers it, and so does a search that finds less than promised; both then read again what the
/// nibble covers, and raise it again if that has grown meanwhile. A free that finds its nibble high
/// enough stops there: whoever raised it is either done with the layers above or still announced.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | nibble, up | a free, after its store to the word | CAS, bottom layer first, announced | the page is not found again; `audit()` reports L5 |
/// | nibble, down | who empties a word, a search | CAS, announced, then reads what it covers again | a free between read and CAS is lost: `SummaryTest` |
final class Summary {

  /// Longs above the lowest layer lie two cache lines apart, as threads that work far from each
  /// other still meet there.
  private static final int SPREAD_LOG2 = 4;

  /// So many layers are corrected at once when a word gets empty.
  private static final int EAGER_LAYERS = 2;

  private static final int NIBBLE_BITS = 4;
  private static final int NIBBLES_LOG2 = 4;
  private static final int LAST_NIBBLE = (1 << NIBBLES_LOG2) - 1;
  private static final long NIBBLE_MASK = (1L << NIBBLE_BITS) - 1;
  private static final long ONE_IN_EACH = 0x1111_1111_1111_1111L;
  private static final int TOP_VALUE = 1 << (NIBBLE_BITS - 1);
  private static final long TOP_OF_EACH = ONE_IN_EACH << (NIBBLE_BITS - 1);

  private final Words[] layers;
  private final Transit transit;

  /// @param wordCount how many words it covers, at least 1
  /// @param transit where changes of several layers are announced
  /// @param storage makes the words of a layer
  Summary(int wordCount, Transit transit, IntFunction<Words> storage) {
    this.transit = transit;
    int depth = 1;
    for (int longs = longsFor(wordCount); longs > 1; longs = longsFor(longs)) {
      depth++;
    }
    layers = new Words[depth];
    int covered = wordCount;
    for (int layer = 0; layer < depth; layer++) {
      covered = longsFor(covered);
      layers[layer] = storage.apply(layer == 0 ? covered : covered << SPREAD_LOG2);
    }
  }

  private static int longsFor(int nibbles) {
    return (nibbles + LAST_NIBBLE) >>> NIBBLES_LOG2;
  }

  /// The long that has this nibble.
  private long get(int layer, int index) {
    return layers[layer].get(at(layer, index));
  }

  /// Where the long stands that has this nibble.
  private static int at(int layer, int index) {
    int group = index >>> NIBBLES_LOG2;
    return layer == 0 ? group : group << SPREAD_LOG2;
  }

  /// How many longs it takes.
  int length() {
    int longs = 0;
    for (Words layer : layers) {
      longs += layer.length();
    }
    return longs;
  }

  /// The rank recorded for a word.
  int rank(int word) {
    return nibble(layers[0].get(word >>> NIBBLES_LOG2), word);
  }

  /// Records that `word`, which was changed before, has at least this rank.
  void raise(int word, int rank, Stripe stripe) {
    if (rank(word) < rank) {
      transit.begin(stripe);
      raiseFrom(0, word, rank);
      transit.end(stripe);
    }
  }

  private void raiseFrom(int lowestLayer, int index, int rank) {
    int nibbleIndex = index;
    for (int layer = lowestLayer; layer < layers.length; layer++) {
      if (!raiseNibble(layer, nibbleIndex, rank)) {
        return;
      }
      nibbleIndex >>>= NIBBLES_LOG2;
    }
  }

  /// Returns false if the nibble was high enough already.
  private boolean raiseNibble(int layer, int index, int rank) {
    Words longs = layers[layer];
    int at = at(layer, index);
    while (true) {
      long old = longs.get(at);
      if (nibble(old, index) >= rank) {
        return false;
      }
      if (longs.compareAndSet(at, old, withNibble(old, index, rank))) {
        return true;
      }
    }
  }

  /// Corrects the rank of a word that holds less than its nibble promises.
  ///
  /// @param value what the word held when that was seen
  void settle(int word, long value, Words words, Stripe stripe) {
    transit.begin(stripe);
    lowerNibble(0, word, WordRuns.rank(value));
    long now = words.get(word);
    if (now != value) {
      raiseFrom(0, word, WordRuns.rank(now));
    } else if (value == 0) {
      settleEmpty(word);
    }
    transit.end(stripe);
  }

  /// Corrects the layers above a word that is empty, as far as nothing is left below them; no
  /// higher than a search looks at anyway, so that the cost does not grow with capacity (L13).
  private void settleEmpty(int word) {
    int index = word >>> NIBBLES_LOG2;
    int layer = 1;
    while (layer < EAGER_LAYERS && isLowered(layer) && below(layer, index) == 0) {
      lowerNibble(layer, index, 0);
      long now = below(layer, index);
      if (now != 0) {
        raiseFrom(layer, index, highest(now));
        return;
      }
      index >>>= NIBBLES_LOG2;
      layer++;
    }
  }

  /// The long that a nibble of a layer above the lowest covers.
  private long below(int layer, int index) {
    return get(layer - 1, index << NIBBLES_LOG2);
  }

  /// Corrects the nibble that covers the long `group` of `layer`.
  ///
  /// @param value what the long held when that was seen
  private void settleAbove(int layer, int group, long value, Stripe stripe) {
    transit.begin(stripe);
    lowerNibble(layer + 1, group, highest(value));
    long now = get(layer, group << NIBBLES_LOG2);
    if (now != value) {
      raiseFrom(layer + 1, group, highest(now));
    }
    transit.end(stripe);
  }

  private void lowerNibble(int layer, int index, int rank) {
    Words longs = layers[layer];
    int at = at(layer, index);
    long old = longs.get(at);
    if (nibble(old, index) > rank) {
      // A lost race leaves the nibble too high, which is allowed.
      longs.compareAndSet(at, old, withNibble(old, index, rank));
    }
  }

  /// The single long at the top is written by all threads and spares no search more than sixteen
  /// reads, so above other layers it only rises.
  private boolean isLowered(int layer) {
    return layer == 0 || layer + 1 < layers.length;
  }

  /// The first word in `from..to-1`, all recorded in one long, whose recorded rank is at least
  /// `rank`, or -1.
  int nextInLong(int from, int to, int rank) {
    long fitting = atLeast(get(0, from), rank) & nibblesFrom(from);
    int word = (from & ~LAST_NIBBLE) + Long.numberOfTrailingZeros(fitting) / NIBBLE_BITS;
    return fitting != 0 && word < to ? word : -1;
  }

  /// Whether the ranks of these words are recorded in one long.
  static boolean isInLong(int from, int to) {
    return (from ^ (to - 1)) >>> NIBBLES_LOG2 == 0;
  }

  /// The first word in `from..to-1` whose recorded rank is at least `rank`, or -1. Reads at most
  /// two longs a layer on its way, more only where upper layers promised too much, which it
  /// corrects.
  int next(int from, int to, int rank, Stripe stripe) {
    int layer = 0;
    int index = from;
    while (index << (layer * NIBBLES_LOG2) < to) {
      int group = index >>> NIBBLES_LOG2;
      long value = get(layer, index);
      long fitting = atLeast(value, rank) & nibblesFrom(index);
      if (fitting != 0) {
        index = (group << NIBBLES_LOG2) + Long.numberOfTrailingZeros(fitting) / NIBBLE_BITS;
        if (layer == 0) {
          return index < to ? index : -1;
        }
        layer--;
        index <<= NIBBLES_LOG2;
      } else {
        if (layer + 1 == layers.length) {
          return -1;
        }
        boolean whole = (index & LAST_NIBBLE) == 0;
        if (whole && isLowered(layer + 1) && rankAbove(layer, group) >= rank) {
          settleAbove(layer, group, value, stripe);
        }
        layer++;
        index = group + 1;
        if (at(layer, index) >= layers[layer].length()) {
          return -1;
        }
      }
    }
    return -1;
  }

  private int rankAbove(int layer, int group) {
    return nibble(get(layer + 1, group), group);
  }

  private static long nibblesFrom(int index) {
    return -1L << ((index & LAST_NIBBLE) * NIBBLE_BITS);
  }

  /// A one at the top of each nibble that is at least `rank`. Nibbles are less than `TOP_VALUE`, so
  /// no addition carries into the next one.
  private static long atLeast(long nibbles, int rank) {
    return (nibbles + (TOP_VALUE - rank) * ONE_IN_EACH) & TOP_OF_EACH;
  }

  private static int highest(long nibbles) {
    int highest = 0;
    for (int step = TOP_VALUE / 2; step > 0; step /= 2) {
      if (atLeast(nibbles, highest + step) != 0) {
        highest += step;
      }
    }
    return highest;
  }

  private static int nibble(long nibbles, int index) {
    return (int) (nibbles >>> ((index & LAST_NIBBLE) * NIBBLE_BITS) & NIBBLE_MASK);
  }

  private static long withNibble(long nibbles, int index, int value) {
    int shift = (index & LAST_NIBBLE) * NIBBLE_BITS;
    return (nibbles & ~(NIBBLE_MASK << shift)) | ((long) value << shift);
  }

  /// The first nibble that is lower than what it covers, for the audit.
  Optional<String> firstTooLow(Words words) {
    for (int word = 0; word < words.length(); word++) {
      int rank = WordRuns.rank(words.get(word));
      int index = word;
      for (int layer = 0; layer < layers.length; layer++) {
        int recorded = nibble(get(layer, index), index);
        if (recorded < rank) {
          return Optional.of(
              "word=%d, rank=%d, layer=%d, recorded=%d".formatted(word, rank, layer, recorded));
        }
        index >>>= NIBBLES_LOG2;
      }
    }
    return Optional.empty();
  }
}
