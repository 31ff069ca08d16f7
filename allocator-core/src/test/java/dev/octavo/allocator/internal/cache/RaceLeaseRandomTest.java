package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.RaceExplorer;
import dev.octavo.allocator.internal.buddy.RaceSchedule;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Small random programs of three threads, most of them owners, in random orders of their steps, in
/// regions that are almost full: every result must have an explanation.
class RaceLeaseRandomTest {

  private static final int PROGRAMS = 200;
  private static final int SCHEDULES = 10;
  private static final int THREADS = 3;
  private static final int LONGEST_RUN = 6;

  private static final List<Geometry> GEOMETRIES =
      List.of(
          new Geometry(8, 3, 2),
          new Geometry(16, 4, 2),
          new Geometry(23, 4, 2),
          new Geometry(32, 5, 2),
          new Geometry(80, 6, 2));

  /// Of one owner and of all: none, one lease, those of pages, all, and all for one owner alone.
  private static final List<CacheLimits> LIMITS =
      List.of(
          new CacheLimits(0, 0),
          new CacheLimits(4, 100),
          new CacheLimits(12, 100),
          new CacheLimits(44, 200),
          new CacheLimits(44, 44));

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
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
    CacheLimits limits = LIMITS.get(random.nextInt(LIMITS.size()));
    int[] actors = new int[THREADS];
    for (int thread = 0; thread < THREADS; thread++) {
      actors[thread] = random.nextInt(4) == 0 ? StandIns.VISITOR : thread;
    }
    long setupSeed = random.nextLong();
    RaceExplorer<LeaseCalls, List<List<int[]>>> explorer =
        RaceExplorer.of(
            scheduler -> new LeaseCalls(scheduler, geometry, limits),
            calls -> fill(calls, actors, new Random(setupSeed)));
    for (int thread = 0; thread < THREADS; thread++) {
      long threadSeed = random.nextLong();
      int number = thread;
      explorer.thread(
          (calls, live) -> act(calls, actors[number], live.get(number), new Random(threadSeed)));
    }
    Random order = new Random(programSeed * SCHEDULES + schedule);
    explorer.run(
        RaceSchedule.random(order, 3 + order.nextInt(20)),
        "seed=" + programSeed + ", schedule=" + schedule);
  }

  /// Fills the region, deals out what is live to the threads, and frees a little. So owners hold
  /// words from the start.
  private static List<List<int[]>> fill(LeaseCalls calls, int[] actors, Random random) {
    List<List<int[]>> live = new ArrayList<>();
    for (int thread = 0; thread < THREADS; thread++) {
      live.add(new ArrayList<>());
    }
    int failures = random.nextInt(3);
    while (failures < 3) {
      int length = 1 + random.nextInt(LONGEST_RUN);
      int page = calls.take(actors[random.nextInt(THREADS)], length);
      if (page == PagePool.NONE) {
        failures++;
      } else {
        live.get(random.nextInt(THREADS)).add(new int[] {page, length});
      }
    }
    for (int thread = 0; thread < THREADS; thread++) {
      free(calls, actors[thread], live.get(thread), random);
      take(calls, actors[thread], live.get(thread), 1 + random.nextInt(2), 0);
    }
    return live;
  }

  private static void act(LeaseCalls calls, int actor, List<int[]> live, Random random) {
    for (int left = 1 + random.nextInt(3); left > 0; left--) {
      switch (random.nextInt(10)) {
        case 0, 1 -> take(calls, actor, live, 1, 0);
        case 2 -> take(calls, actor, live, 1 + random.nextInt(LONGEST_RUN), 0);
        case 3 -> take(calls, actor, live, 1 + random.nextInt(3), random.nextInt(3));
        case 4 -> takeMany(calls, actor, live, 1 + random.nextInt(4), 1 + random.nextInt(4));
        case 5 -> resize(calls, actor, live, random);
        case 6 -> calls.drain(actor);
        default -> free(calls, actor, live, random);
      }
    }
    if (actor != StandIns.VISITOR && random.nextInt(6) == 0) {
      calls.die(actor);
    }
  }

  private static void take(
      LeaseCalls calls, int actor, List<int[]> live, int length, int alignOrder) {
    int page = calls.take(actor, length, alignOrder);
    if (page != PagePool.NONE) {
      live.add(new int[] {page, length});
    }
  }

  private static void takeMany(
      LeaseCalls calls, int actor, List<int[]> live, int length, int count) {
    for (long page : calls.takeMany(actor, length, count)) {
      live.add(new int[] {(int) page, length});
    }
  }

  private static void free(LeaseCalls calls, int actor, List<int[]> live, Random random) {
    if (!live.isEmpty()) {
      int[] run = live.remove(random.nextInt(live.size()));
      calls.free(actor, run[0], run[1]);
    }
  }

  private static void resize(LeaseCalls calls, int actor, List<int[]> live, Random random) {
    if (live.isEmpty()) {
      return;
    }
    int[] run = live.get(random.nextInt(live.size()));
    int length = 1 + random.nextInt(run[1] + 3);
    boolean done =
        length > run[1]
            ? calls.grow(actor, run[0], run[1], length)
            : calls.trim(actor, run[0], run[1], length);
    if (done) {
      run[1] = length;
    }
  }
}
