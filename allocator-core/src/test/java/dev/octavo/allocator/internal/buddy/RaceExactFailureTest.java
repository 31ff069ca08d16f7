package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/// L5: a call fails only if at some moment of it no fitting run was free, whatever the others do
/// meanwhile. Each test sets up the moment where it is closest, and tries every order of steps.
///
/// Slot [#LOW] has its home at the first page, slot [#HIGH] in the middle of the region: so they
/// search in different orders.
class RaceExactFailureTest {

  private static final int LOW = 0;
  private static final int HIGH = 1;
  private static final int SLOTS = 2;

  private static final int RADIX_LOG2 = 2;
  private static final Geometry EIGHT = new Geometry(8, 3, RADIX_LOG2);
  private static final Geometry THIRTY_TWO = new Geometry(32, 5, RADIX_LOG2);

  /// One word more than one layer of a summary covers.
  private static final Geometry TWO_LAYERS = new Geometry(68, 6, RADIX_LOG2);

  /// Two preemptions in anything but the shortest calls.
  private static final int MANY = 200;

  private static final int SOME = 20;

  /// Allocates every page by itself.
  private static void fill(RaceCalls calls) {
    int pageCount = calls.pages().geometry().pageCount();
    for (int page = 0; page < pageCount; page++) {
      calls.take(LOW, 1);
    }
  }

  /// Lets the summary promise free pages in a full word: the page is freed, which raises it, and
  /// appended to the one before, which looks at no summary.
  private static void promise(RaceCalls calls, int page) {
    calls.free(LOW, page, 1);
    calls.grow(LOW, page - 1, 1, 2);
  }

  /// A search that finds nothing: after it, the next one of that slot changes no summary, which
  /// would make it start over.
  private static void correctAllButTheFirst(RaceCalls calls) {
    calls.take(HIGH, 1);
  }

  private static BiConsumer<RaceCalls, Integer> take(int slot, int pages) {
    return (calls, none) -> calls.take(slot, pages);
  }

  // ---- moves

  @Test
  void aSplitHidesNothing() {
    int runs =
        RaceExplorer.of(EIGHT, SLOTS, calls -> calls.take(LOW, 4))
            .thread((calls, none) -> calls.free(LOW, calls.take(LOW, 1), 1))
            .thread(take(LOW, 1))
            .thread(take(LOW, 2))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aSplitFarFromTheSlotHidesNothing() {
    int runs =
        RaceExplorer.of(
                THIRTY_TWO,
                SLOTS,
                calls -> {
                  fill(calls);
                  for (int page = 20; page < 24; page++) {
                    calls.free(LOW, page, 1);
                  }
                  return 0;
                })
            .thread((calls, none) -> calls.free(LOW, calls.take(LOW, 1), 1))
            .thread(take(HIGH, 1))
            .explore(2);
    assertThat(runs).isGreaterThan(SOME);
  }

  @Test
  void aMergeHidesNothing() {
    int runs =
        RaceExplorer.of(
                EIGHT,
                SLOTS,
                calls -> {
                  fill(calls);
                  calls.free(LOW, 1, 1);
                  calls.free(LOW, 2, 1);
                  return calls.free(LOW, 3, 1) ? 1 : 0;
                })
            .thread((calls, none) -> calls.free(LOW, 0, 1))
            .thread(take(LOW, 1))
            .thread(take(LOW, 2))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aClaimThatIsUndoneHidesNothing() {
    int runs =
        RaceExplorer.of(
                EIGHT,
                SLOTS,
                calls -> {
                  fill(calls);
                  for (int page = 1; page <= 5; page++) {
                    calls.free(LOW, page, 1);
                  }
                  return 0;
                })
            .thread(take(LOW, 5))
            .thread(take(LOW, 1))
            .thread(take(LOW, 3))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void growingInPlaceFailsOnlyIfSomethingIsInTheWay() {
    int runs =
        RaceExplorer.of(EIGHT, SLOTS, calls -> calls.take(LOW, 3) + calls.take(LOW, 1))
            .thread((calls, none) -> calls.free(LOW, 3, 1))
            .thread((calls, none) -> calls.grow(LOW, 0, 3, 5))
            .thread((calls, none) -> calls.free(LOW, calls.take(LOW, 3), 3))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void takingTheWholeRegionHidesNothing() {
    int runs =
        RaceExplorer.of(EIGHT, SLOTS, calls -> calls.take(LOW, 3))
            .thread((calls, none) -> calls.takeAll(LOW))
            .thread((calls, none) -> calls.free(LOW, 0, 3))
            .thread(take(LOW, 2))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  // ---- frees

  /// The search meets the word at 16 first and page 1 last; a thread frees there and then takes
  /// here.
  @Test
  void aPageFreedBehindTheSearchIsFound() {
    int runs =
        RaceExplorer.of(
                THIRTY_TWO,
                SLOTS,
                calls -> {
                  fill(calls);
                  promise(calls, 17);
                  correctAllButTheFirst(calls);
                  return calls.free(LOW, 1, 1) ? 1 : 0;
                })
            .thread((calls, none) -> calls.takeAgain(HIGH, 1))
            .thread(
                (calls, none) -> {
                  calls.trim(LOW, 16, 2, 1);
                  calls.take(LOW, 1);
                })
            .explore(2);
    assertThat(runs).isGreaterThan(SOME);
  }

  @Test
  void aRunFreedBehindTheSearchIsFound() {
    int runs =
        RaceExplorer.of(
                THIRTY_TWO,
                SLOTS,
                calls -> {
                  fill(calls);
                  for (int page : new int[] {2, 3, 21, 22, 23}) {
                    calls.free(LOW, page, 1);
                  }
                  return 0;
                })
            .thread(
                (calls, none) -> {
                  calls.free(HIGH, 4, 1);
                  calls.take(HIGH, 3);
                })
            .thread(take(LOW, 3))
            .explore(2);
    assertThat(runs).isGreaterThan(SOME);
  }

  @Test
  void aRunFreedInPiecesIsFreeAtOnceOrNotYet() {
    int runs =
        RaceExplorer.of(EIGHT, SLOTS, calls -> calls.take(LOW, 1) + calls.take(LOW, 7))
            .thread((calls, none) -> calls.free(LOW, 1, 7))
            .thread(
                (calls, none) -> {
                  calls.take(LOW, 2);
                  calls.take(LOW, 4);
                })
            .explore(2);
    assertThat(runs).isGreaterThan(SOME);
  }

  /// The search has passed two pages when they are freed; the free stands still, and another thread
  /// takes one of the two and then the page before the search. One of the two is left, so the
  /// search must not fail.
  @Test
  void aFreeIsDoneOnceSomebodyTookOfIt() {
    int runs =
        RaceExplorer.of(
                THIRTY_TWO,
                SLOTS,
                calls -> {
                  fill(calls);
                  promise(calls, 17);
                  correctAllButTheFirst(calls);
                  return calls.free(LOW, 1, 1) ? 1 : 0;
                })
            .thread((calls, none) -> calls.takeAgain(HIGH, 1))
            .thread((calls, none) -> calls.free(LOW, 16, 2))
            .thread(
                (calls, none) -> {
                  calls.take(HIGH, 1);
                  calls.take(LOW, 1);
                })
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  // ---- summaries

  @Test
  void aSearchThatCorrectsSummariesLosesNoFree() {
    int runs =
        RaceExplorer.of(
                EIGHT,
                SLOTS,
                calls -> {
                  fill(calls);
                  promise(calls, 1);
                  promise(calls, 5);
                  return 0;
                })
            .thread(take(LOW, 1))
            .thread((calls, none) -> calls.free(LOW, 4, 2))
            .thread(take(LOW, 1))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The first word of which the summary promises too much is passed over, the second is corrected:
  /// it is the only one that its long covers, so the layer above is corrected, too.
  @Test
  void aCorrectionOfTheUpperLayerLosesNoFree() {
    int runs =
        RaceExplorer.of(
                TWO_LAYERS,
                SLOTS,
                calls -> {
                  fill(calls);
                  calls.take(LOW, 1);
                  promise(calls, 1);
                  promise(calls, 65);
                  return calls.pages().allocate(calls.pages().slot(LOW), 1, 0);
                })
            .thread((calls, none) -> calls.takeAgain(LOW, 1))
            .thread((calls, none) -> calls.free(HIGH, 64, 2))
            .thread((calls, none) -> calls.takeAgain(LOW, 1))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The second free finds the lowest layer raised by the first, which stands before the next
  /// layer.
  @Test
  void aRaiseHalfDoneHidesNothing() {
    int runs =
        RaceExplorer.of(
                TWO_LAYERS,
                SLOTS,
                calls -> {
                  fill(calls);
                  return calls.take(LOW, 1) + calls.take(LOW, 1);
                })
            .thread((calls, none) -> calls.free(HIGH, 65, 1))
            .thread(
                (calls, none) -> {
                  calls.free(LOW, 66, 1);
                  calls.take(LOW, 1);
                })
            .explore(2);
    assertThat(runs).isGreaterThan(SOME);
  }
}
