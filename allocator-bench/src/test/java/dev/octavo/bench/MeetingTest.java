package dev.octavo.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class MeetingTest {
  private static final int EACH = 1000;

  @Test
  void exchangeKeepsEverythingAndMixesIt() throws Exception {
    Meeting meeting = new Meeting(3, 1);
    List<long[]> held = List.of(numbers(0), numbers(EACH), numbers(2 * EACH));
    List<Callable<Boolean>> threads = new ArrayList<>();
    for (long[] mine : held) {
      threads.add(
          () -> {
            meeting.exchange(mine);
            meeting.leave();
            return true;
          });
    }
    run(threads);
    assertThat(held.stream().flatMapToLong(Arrays::stream).sorted().toArray())
        .isEqualTo(numbers(0, 3 * EACH));
    for (long[] mine : held) {
      assertThat(Arrays.stream(mine).filter(number -> number < EACH).count())
          .isBetween(EACH / 4L, EACH / 2L);
    }
  }

  @Test
  void nobodyWaitsForThoseWhoLeft() throws Exception {
    Meeting meeting = new Meeting(2, 1);
    run(
        List.of(
            () -> {
              meeting.leave();
              return true;
            },
            () -> {
              meeting.await();
              meeting.exchange(numbers(0));
              return true;
            }));
  }

  private static long[] numbers(int from) {
    return numbers(from, EACH);
  }

  private static long[] numbers(int from, int count) {
    return LongStream.range(from, from + count).toArray();
  }

  private static void run(List<Callable<Boolean>> calls) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(calls.size())) {
      for (Future<Boolean> done : threads.invokeAll(calls)) {
        assertThat(done.get()).isTrue();
      }
    }
  }
}
