package dev.octavo.allocator.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every state that a tiny region can be in, and in each state every call that there is.
///
/// Breadth first from the new region: two states are the same if the same runs are allocated and
/// the slot remembers the same chunks. To be in a state, a region starts anew and takes the first
/// way that was found there.
///
/// The counts are exact, so that the test cannot shrink unnoticed. With one chunk the hints never
/// change, and the states are the ways to tile a row of n pages with free pages and runs: the
/// Fibonacci number F(2n+1), 2, 5, 13, 34 and so on. What succeeds does not depend on the largest
/// order or on the radix (L5), so neither do the counts.
class ExhaustiveTest {

  private static final int SLOT = 0;
  private static final int MAX_PHASE_ORDER = 3;

  private record State(NavigableMap<Integer, Integer> allocations, List<Long> hints) {

    static State of(ComparedPages pages) {
      return new State(pages.model().allocations(), pages.model().hints(SLOT));
    }
  }

  /// A way to a state: the steps from the new region, linked from the last one.
  private record Way(@Nullable Way before, @Nullable Step last) {

    List<Step> steps() {
      List<Step> steps = new ArrayList<>();
      for (Way way = this; way != null && way.last != null; way = way.before) {
        steps.addFirst(way.last);
      }
      return steps;
    }
  }

  /// @param states how many states there are
  /// @param changes how many steps from them change something
  /// @param refusals how many steps from them change nothing
  private record Counts(long states, long changes, long refusals) {}

  private final Set<State> seen = new HashSet<>();
  private final Queue<Way> ways = new ArrayDeque<>();
  private long changes;
  private long refusals;

  @ParameterizedTest
  @CsvSource({
    "1,    2,     9,     34",
    "2,    5,    50,    180",
    "3,   13,   191,    709",
    "4,   34,   689,   2687",
    "5,   89,  2231,   8915",
    "6,  233,  7008,  28657",
    "7,  610, 21149,  89136",
    "8, 1597, 64424, 287580",
  })
  void everyStateOfOneChunkDoesAsTheModel(int pageCount, long states, long steps, long refusals) {
    for (int maxOrder = 0; maxOrder <= Geometry.largestOrder(pageCount); maxOrder++) {
      assertThat(explore(new Geometry(pageCount, maxOrder, 2)))
          .isEqualTo(new Counts(states, steps, refusals));
      assertThat(explore(new Geometry(pageCount, maxOrder, Geometry.RADIX_LOG2)))
          .isEqualTo(new Counts(states, steps, refusals));
    }
  }

  /// The ninth page lies in the second chunk, so that hints matter.
  @Test
  void everyStateOfTwoChunksDoesAsTheModel() {
    assertThat(explore(new Geometry(9, 3, 2))).isEqualTo(new Counts(8362, 376_238, 1_722_046));
  }

  private static Counts explore(Geometry geometry) {
    return new ExhaustiveTest().exploreAll(geometry);
  }

  private Counts exploreAll(Geometry geometry) {
    Way start = new Way(null, null);
    seen.add(State.of(arrive(geometry, start)));
    ways.add(start);
    for (Way way = ways.poll(); way != null; way = ways.poll()) {
      exploreFrom(geometry, way);
    }
    return new Counts(seen.size(), changes, refusals);
  }

  private static ComparedPages arrive(Geometry geometry, Way way) {
    ComparedPages pages = new ComparedPages(geometry, 1);
    way.steps().forEach(step -> step.run(pages));
    return pages;
  }

  private void exploreFrom(Geometry geometry, Way way) {
    ComparedPages pages = arrive(geometry, way);
    State state = State.of(pages);
    tryBadFrees(pages, state);
    for (Step step : steps(geometry, state)) {
      step.run(pages);
      pages.assertSame();
      State next = State.of(pages);
      if (next.equals(state)) {
        refusals++;
        continue;
      }
      changes++;
      Way wayOn = new Way(way, step);
      if (seen.add(next)) {
        ways.add(wayOn);
      }
      pages = arrive(geometry, way);
    }
  }

  private static void tryBadFrees(ComparedPages pages, State state) {
    int pageCount = pages.model().geometry().pageCount();
    for (int page = 0; page < pageCount; page++) {
      for (int length = 1; length <= pageCount + 1; length++) {
        if (state.allocations.getOrDefault(page, 0) != length) {
          pages.refuse(SLOT, page, length);
        }
      }
    }
    pages.assertSame();
  }

  private static List<Step> steps(Geometry geometry, State state) {
    List<Step> steps = new ArrayList<>();
    addAllocations(geometry, steps);
    int which = 0;
    for (Map.Entry<Integer, Integer> live : state.allocations.entrySet()) {
      addChanges(geometry, which, live.getValue(), steps);
      which++;
    }
    steps.add(new Step.TakeAll(SLOT));
    return steps;
  }

  private static void addAllocations(Geometry geometry, List<Step> steps) {
    int largestOrder = Geometry.largestOrder(geometry.pageCount());
    for (int length = 1; length <= geometry.pageCount(); length++) {
      for (int order = 0; order <= largestOrder + 1; order++) {
        steps.add(new Step.Allocate(SLOT, length, order));
      }
      for (int order = 0; order <= MAX_PHASE_ORDER; order++) {
        for (int phase = 0; phase < 1 << order; phase++) {
          steps.add(new Step.AllocateInPhase(SLOT, length, order, phase));
        }
      }
    }
    for (int order = 0; order <= largestOrder; order++) {
      for (int count = 2; count <= (geometry.pageCount() >> order) + 1; count++) {
        steps.add(new Step.AllocateMany(SLOT, order, count));
      }
    }
  }

  private static void addChanges(Geometry geometry, int which, int length, List<Step> steps) {
    steps.add(new Step.Free(SLOT, which, 1));
    for (int newLength = 1; newLength <= length; newLength++) {
      steps.add(new Step.Trim(SLOT, which, newLength));
    }
    for (int more = 1; more <= geometry.pageCount() - length + 1; more++) {
      steps.add(new Step.Grow(SLOT, which, more));
    }
    Step meanwhile = new Step.Allocate(SLOT, 1, 0);
    steps.add(new Step.Hold(SLOT, which, meanwhile, false));
    steps.add(new Step.Hold(SLOT, which, meanwhile, true));
  }
}
