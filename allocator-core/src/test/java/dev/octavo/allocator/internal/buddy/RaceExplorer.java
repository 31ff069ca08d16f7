package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/// Runs a few calls of a few threads in chosen orders of their steps, for example in *every* order
/// in which threads are preempted at most so many times. Checks after each run that the calls'
/// results have an explanation, that the audit is silent, and that all merges again once all is
/// free.
///
/// Most concurrency bugs need no more than two preemptions (Musuvathi and Qadeer, "Iterative
/// context bounding for systematic testing of multithreaded programs", PLDI 2007).
final class RaceExplorer<S> {

  /// Of words with 64 units; those of the small trees here are mostly empty.
  private static final String METADATA_ARE_SMALL = "L12";

  private final Geometry geometry;
  private final int slotCount;
  private final Function<RaceCalls, S> setup;
  private final List<BiConsumer<RaceCalls, S>> threads = new ArrayList<>();

  private RaceExplorer(Geometry geometry, int slotCount, Function<RaceCalls, S> setup) {
    this.geometry = geometry;
    this.slotCount = slotCount;
    this.setup = setup;
  }

  /// @param setup makes the calls that come before, and returns what the threads need to know
  static <S> RaceExplorer<S> of(Geometry geometry, int slotCount, Function<RaceCalls, S> setup) {
    return new RaceExplorer<>(geometry, slotCount, setup);
  }

  RaceExplorer<S> thread(BiConsumer<RaceCalls, S> calls) {
    threads.add(calls);
    return this;
  }

  /// Runs all schedules with at most so many preemptions.
  ///
  /// @return how many there were
  int explore(int preemptions) {
    int runs = 0;
    List<Integer> choices = List.of();
    do {
      RaceSchedule.Bounded schedule = new RaceSchedule.Bounded(choices, preemptions);
      run(schedule, schedule);
      choices = schedule.following();
      runs++;
    } while (!choices.isEmpty());
    return runs;
  }

  /// Runs one schedule.
  ///
  /// @param description of the schedule, for messages
  void run(RaceSchedule schedule, Object description) {
    RaceScheduler scheduler = new RaceScheduler(schedule);
    RaceCalls calls = new RaceCalls(scheduler, geometry, slotCount);
    S state = setup.apply(calls);
    Stream<Runnable> bodies = threads.stream().map(thread -> () -> thread.accept(calls, state));
    assertThatCode(() -> scheduler.run(bodies.toList()))
        .as("%s", description)
        .doesNotThrowAnyException();
    assertThat(calls.unexplained()).as("%s", description).isEmpty();
    if (!calls.isClosed()) {
      checkTree(calls.pages(), description);
    }
  }

  private void checkTree(BuddyPages pages, Object description) {
    assertThat(pages.audit())
        .as("%s", description)
        .noneMatch(broken -> !broken.law().equals(METADATA_ARE_SMALL));
    for (int page = pages.nextHead(0);
        page < geometry.pageCount();
        page = pages.nextHead(page + 1)) {
      assertThat(pages.free(pages.slot(0), page, pages.pagesAt(page))).isTrue();
    }
    assertThat(pages.freeAreas().blocks())
        .as("%s", description)
        .isEqualTo(new BuddyPages(geometry, 1).freeAreas().blocks());
  }
}
