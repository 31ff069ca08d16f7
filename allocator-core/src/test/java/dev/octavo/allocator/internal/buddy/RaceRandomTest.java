package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Small random programs of three threads in random orders of their steps, in regions that are
/// almost full: every result must have an explanation.
class RaceRandomTest {

  private static final int PROGRAMS = 250;
  private static final int SCHEDULES = 12;
  private static final int THREADS = 3;
  private static final int SLOTS = 2;
  private static final int LONGEST_RUN = 6;

  private static final List<Geometry> GEOMETRIES =
      List.of(
          new Geometry(4, 2, 2),
          new Geometry(8, 3, 2),
          new Geometry(23, 4, 2),
          new Geometry(32, 5, 2),
          new Geometry(80, 6, 2));

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyResultHasAnExplanation(long seed) {
    for (int program = 0; program < PROGRAMS; program++) {
      long programSeed = seed * PROGRAMS + program;
      for (int schedule = 0; schedule < SCHEDULES; schedule++) {
        run(programSeed, schedule);
      }
    }
    assertThat(seed).isPositive();
  }

  private static void run(long programSeed, int schedule) {
    Random random = new Random(programSeed);
    Geometry geometry = GEOMETRIES.get(random.nextInt(GEOMETRIES.size()));
    long setupSeed = random.nextLong();
    RaceExplorer<RaceCalls, List<List<int[]>>> explorer =
        RaceExplorer.of(geometry, SLOTS, calls -> fill(calls, new Random(setupSeed)));
    for (int thread = 0; thread < THREADS; thread++) {
      long threadSeed = random.nextLong();
      int number = thread;
      explorer.thread((calls, live) -> act(calls, live.get(number), new Random(threadSeed)));
    }
    Random order = new Random(programSeed * SCHEDULES + schedule);
    explorer.run(
        RaceSchedule.random(order, 3 + order.nextInt(12)),
        "seed=" + programSeed + ", schedule=" + schedule);
  }

  /// Fills the region, deals out what is live to the threads, and frees a little.
  private static List<List<int[]>> fill(RaceCalls calls, Random random) {
    List<List<int[]>> live = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      live.add(new ArrayList<>());
    }
    int failures = 0;
    while (failures < 3) {
      int length = 1 + random.nextInt(LONGEST_RUN);
      int page = calls.take(random.nextInt(SLOTS), length);
      if (page == BuddyPages.NONE) {
        failures++;
      } else {
        live.get(random.nextInt(THREADS)).add(new int[] {page, length});
      }
    }
    for (List<int[]> runs : live) {
      if (!runs.isEmpty() && random.nextInt(3) == 0) {
        free(calls, runs, random);
      }
    }
    return live;
  }

  private static void act(RaceCalls calls, List<int[]> live, Random random) {
    for (int left = 1 + random.nextInt(3); left > 0; left--) {
      int slot = random.nextInt(SLOTS);
      switch (random.nextInt(8)) {
        case 0, 1 -> take(calls, live, random, 1, 0);
        case 2 -> take(calls, live, random, 1 + random.nextInt(LONGEST_RUN), 0);
        case 3 -> take(calls, live, random, 1 + random.nextInt(3), random.nextInt(3));
        case 4 -> resize(calls, live, random, slot);
        default -> free(calls, live, random);
      }
    }
  }

  private static void take(
      RaceCalls calls, List<int[]> live, Random random, int length, int alignOrder) {
    int page = calls.take(random.nextInt(SLOTS), length, alignOrder);
    if (page != BuddyPages.NONE) {
      live.add(new int[] {page, length});
    }
  }

  private static void free(RaceCalls calls, List<int[]> live, Random random) {
    if (!live.isEmpty()) {
      int[] run = live.remove(random.nextInt(live.size()));
      calls.free(random.nextInt(SLOTS), run[0], run[1]);
    }
  }

  private static void resize(RaceCalls calls, List<int[]> live, Random random, int slot) {
    if (live.isEmpty()) {
      return;
    }
    int[] run = live.get(random.nextInt(live.size()));
    int length = 1 + random.nextInt(run[1] + 3);
    boolean done =
        length > run[1]
            ? calls.grow(slot, run[0], run[1], length)
            : calls.trim(slot, run[0], run[1], length);
    if (done) {
      run[1] = length;
    }
  }
}
