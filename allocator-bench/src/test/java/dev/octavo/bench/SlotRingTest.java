package dev.octavo.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class SlotRingTest {
  private static final int SIZE = 8;
  private static final int HANDED_OVER = 100_000;

  @Test
  void everySlotIsHandedOverOnceInOrder() throws InterruptedException, ExecutionException {
    SlotRing ring = new SlotRing(SIZE);
    int[] contents = new int[SIZE];
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      Future<Integer> consumed = threads.submit(() -> consume(ring, contents));
      for (int i = 1; i <= HANDED_OVER; i++) {
        contents[ring.awaitEmpty()] = i;
        ring.filled();
      }
      ring.end();
      assertThat(consumed.get()).isEqualTo(HANDED_OVER);
    }
  }

  private static int consume(SlotRing ring, int[] contents) {
    int count = 0;
    int slot = ring.awaitFilled();
    while (slot != SlotRing.ENDED) {
      count++;
      assertThat(contents[slot]).isEqualTo(count);
      ring.emptied();
      slot = ring.awaitFilled();
    }
    return count;
  }
}
