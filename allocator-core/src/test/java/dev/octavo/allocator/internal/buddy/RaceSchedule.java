package dev.octavo.allocator.internal.buddy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Decides which thread of a [RaceScheduler] goes on.
public interface RaceSchedule {

  /// What `running` is when the thread that ran has ended, or none has run yet.
  int NOBODY = -1;

  /// Chooses before each step.
  ///
  /// @param running the thread that took the last step, or [#NOBODY]
  /// @param ready the threads that have not ended, by number, at least one
  /// @return one of `ready`
  int next(int running, List<Integer> ready);

  /// Each thread goes on to its end, but now and then another one gets its turn.
  ///
  /// @param stay how many steps come before a preemption, on average
  static RaceSchedule random(Random random, int stay) {
    return (running, ready) ->
        running == NOBODY || random.nextInt(stay) == 0
            ? ready.get(random.nextInt(ready.size()))
            : running;
  }

  /// Thread 0 takes `counts[0]` steps, then thread 1 takes `counts[1]`, and so on; the last goes to
  /// its end, and after it the others, the first one last.
  static RaceSchedule chain(int... counts) {
    int[] left = Arrays.copyOf(counts, counts.length + 1);
    left[counts.length] = Integer.MAX_VALUE;
    return (running, ready) -> {
      for (int thread : ready) {
        if (left[thread] > 0) {
          left[thread]--;
          return thread;
        }
      }
      return ready.getLast();
    };
  }

  /// One of *all* schedules with at most so many preemptions.
  ///
  /// It is a list of choices: at every point where somebody else could go on, which of those that
  /// could. Choice 0 is to stay; what the list does not say is 0.
  final class Bounded implements RaceSchedule {

    private final List<Integer> choices;
    private final List<Integer> alternatives = new ArrayList<>();
    private int preemptionsLeft;

    Bounded(List<Integer> choices, int preemptions) {
      this.choices = choices;
      preemptionsLeft = preemptions;
    }

    @Override
    public int next(int running, List<Integer> ready) {
      if (running != NOBODY && preemptionsLeft == 0) {
        return running;
      }
      List<Integer> order = new ArrayList<>(ready);
      if (running != NOBODY) {
        order.remove(Integer.valueOf(running));
        order.addFirst(running);
      }
      int point = alternatives.size();
      alternatives.add(order.size());
      int next = order.get(choice(point));
      if (running != NOBODY && next != running) {
        preemptionsLeft--;
      }
      return next;
    }

    private int choice(int point) {
      return point < choices.size() ? choices.get(point) : 0;
    }

    /// The choices of the schedule after this one, as digits are counted: the last that has an
    /// alternative left takes it, those behind it start from the first again. Empty after the last
    /// schedule. To be called after a run with this one.
    List<Integer> following() {
      int last = alternatives.size() - 1;
      while (last >= 0 && choice(last) + 1 >= alternatives.get(last)) {
        last--;
      }
      List<Integer> following = new ArrayList<>();
      for (int point = 0; point <= last; point++) {
        following.add(choice(point) + (point == last ? 1 : 0));
      }
      return following;
    }

    @Override
    public String toString() {
      return "choices=" + choices;
    }
  }
}
