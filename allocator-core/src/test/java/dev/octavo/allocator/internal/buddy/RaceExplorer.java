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
///
/// @param <C> what the calls are made on
/// @param <S> what the threads need to know
public final class RaceExplorer<C extends RaceSubject, S> {

  private final Function<RaceScheduler, C> subject;
  private final Function<C, S> setup;
  private final List<BiConsumer<C, S>> threads = new ArrayList<>();

  private RaceExplorer(Function<RaceScheduler, C> subject, Function<C, S> setup) {
    this.subject = subject;
    this.setup = setup;
  }

  /// Calls on a tree.
  ///
  /// @param setup makes the calls that come before, and returns what the threads need to know
  static <S> RaceExplorer<RaceCalls, S> of(
      Geometry geometry, int slotCount, Function<RaceCalls, S> setup) {
    return of(scheduler -> new RaceCalls(scheduler, geometry, slotCount), setup);
  }

  /// Calls on anything whose steps a scheduler can see.
  ///
  /// @param subject makes what each run is about
  /// @param setup makes the calls that come before, and returns what the threads need to know
  public static <C extends RaceSubject, S> RaceExplorer<C, S> of(
      Function<RaceScheduler, C> subject, Function<C, S> setup) {
    return new RaceExplorer<>(subject, setup);
  }

  /// Adds a thread that makes these calls.
  public RaceExplorer<C, S> thread(BiConsumer<C, S> calls) {
    threads.add(calls);
    return this;
  }

  /// Runs all schedules with at most so many preemptions.
  ///
  /// @return how many there were
  public int explore(int preemptions) {
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
  public void run(RaceSchedule schedule, Object description) {
    RaceScheduler scheduler = new RaceScheduler(schedule);
    C calls = subject.apply(scheduler);
    S state = setup.apply(calls);
    Stream<Runnable> bodies = threads.stream().map(thread -> () -> thread.accept(calls, state));
    assertThatCode(() -> scheduler.run(bodies.toList()))
        .as("%s", description)
        .doesNotThrowAnyException();
    assertThat(calls.unexplained()).as("%s", description).isEmpty();
    calls.checkAtRest(description);
  }
}
