package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SummaryTest {

  private final Transit transit = new Transit();
  private final Stripe stripe = transit.open(false);

  /// Whatever the words are and however often the search corrects itself, it finds the next word
  /// that holds such a block.
  @Property(tries = 200)
  void findsWhatAScanFinds(@ForAll @IntRange(min = 1, max = 5_000) int count, @ForAll long seed) {
    Random random = new Random(seed);
    Words words = new Words(count);
    Summary summary = new Summary(count, transit, Words::new);
    int density = 1 + random.nextInt(200);
    for (int round = 0; round < 30; round++) {
      int word = random.nextInt(count);
      words.setRelease(word, random.nextInt(density) == 0 ? random.nextLong() : 0);
      summary.raise(word, WordRuns.rank(words.get(word)), stripe);
      int from = random.nextInt(count + 1);
      int to = from + random.nextInt(count - from + 1);
      int rank = 1 + random.nextInt(6);
      assertThat(search(summary, words, from, to, rank)).isEqualTo(scan(words, from, to, rank));
      assertThat(summary.firstTooLow(words)).isEmpty();
    }
    assertThat(transit.stamp()).isNotEqualTo(Transit.MOVING);
  }

  private static int scan(Words words, int from, int to, int rank) {
    for (int word = from; word < to; word++) {
      if (WordRuns.rank(words.get(word)) >= rank) {
        return word;
      }
    }
    return -1;
  }

  private int search(Summary summary, Words words, int from, int to, int rank) {
    int word = summary.next(from, to, rank, stripe);
    while (word >= 0 && WordRuns.rank(words.get(word)) < rank) {
      summary.settle(word, words.get(word), words, stripe);
      word = summary.next(word + 1, to, rank, stripe);
    }
    return word;
  }

  /// A free comes between the look at a word and the lowering of its rank: it must not be lost, on
  /// any layer.
  @Test
  void aFreeDuringACorrectionIsNotLost() {
    for (int n = 1; n <= 4; n++) {
      Faults faults = new Faults();
      Words words = new Words(1_000);
      Summary summary = new Summary(1_000, transit, faults.words());
      words.setRelease(777, 0b11);
      summary.raise(777, 2, stripe);
      words.setRelease(777, 0);
      faults.interruptNth(
          n,
          () -> {
            words.setRelease(777, 0b1111);
            summary.raise(777, 3, stripe);
          });
      search(summary, words, 0, 1_000, 1);
      search(summary, words, 0, 1_000, 1);
      if (words.get(777) != 0) {
        assertThat(summary.firstTooLow(words)).as("n=%d", n).isEmpty();
        assertThat(search(summary, words, 0, 1_000, 3)).isEqualTo(777);
      }
    }
  }

  @Test
  void aRaiseThatLosesARaceTriesAgain() {
    for (int n = 1; n <= 3; n++) {
      Faults faults = new Faults();
      Words words = new Words(1_000);
      Summary summary = new Summary(1_000, transit, faults.words());
      words.setRelease(500, 1);
      faults.failNth(n);
      summary.raise(500, 1, stripe);
      assertThat(summary.firstTooLow(words)).isEmpty();
    }
  }

  @Test
  void saysWhereItHidesAWord() {
    Words words = new Words(20);
    Summary summary = new Summary(20, transit, Words::new);
    words.setRelease(18, 0b1111);
    assertThat(summary.firstTooLow(words)).contains("word=18, rank=3, layer=0, recorded=0");
  }
}
