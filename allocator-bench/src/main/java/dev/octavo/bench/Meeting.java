package dev.octavo.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Phaser;

/// Where the threads of a benchmark wait for each other, and may exchange what they hold. A thread
/// that has left is not waited for.
final class Meeting {
  private final SplittableRandom random;
  private final Phaser phaser;

  /// Guarded by itself.
  private final List<long[]> offered = new ArrayList<>();

  /// Makes a meeting of so many threads, all of which are waited for from the first moment.
  Meeting(int threads, long seed) {
    random = new SplittableRandom(seed);
    phaser =
        new Phaser(threads) {
          @Override
          protected boolean onAdvance(int phase, int registeredParties) {
            shuffle();
            return false;
          }
        };
  }

  void leave() {
    phaser.arriveAndDeregister();
  }

  /// Waits until all have come.
  void await() {
    phaser.arriveAndAwaitAdvance();
  }

  /// Offers what an array holds and fills it, when all have come, with as much of what was offered,
  /// chosen at random.
  void exchange(long[] held) {
    long[] offer = held.clone();
    synchronized (offered) {
      offered.add(offer);
    }
    phaser.arriveAndAwaitAdvance();
    System.arraycopy(offer, 0, held, 0, held.length);
    phaser.arriveAndAwaitAdvance();
  }

  /// Shuffles all offers over each other, in place; run by the thread that comes last.
  private void shuffle() {
    synchronized (offered) {
      if (offered.isEmpty()) {
        return;
      }
      int each = offered.getFirst().length;
      for (int i = each * offered.size() - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        long[] a = offered.get(i / each);
        long[] b = offered.get(j / each);
        long swapped = a[i % each];
        a[i % each] = b[j % each];
        b[j % each] = swapped;
      }
      offered.clear();
    }
  }
}
