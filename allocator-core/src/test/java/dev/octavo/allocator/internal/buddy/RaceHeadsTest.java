package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// L8: of calls that race for one allocation exactly one has it, in every order of steps; and a
/// wrong call disturbs no right one.
class RaceHeadsTest {

  private static final int SLOT = 0;

  /// Wide enough for a run whose length does not fit into its head.
  private static final Geometry WIDE = new Geometry(160, 7, Geometry.RADIX_LOG2);

  private static final Geometry NARROW = new Geometry(16, 4, 2);

  /// A region and a run's length: a page, a block, a run of three words, and the shortest lengths
  /// beyond 96, which are counted in bytes of their own.
  static Stream<RaceExplorer<RaceCalls, Integer>> regions() {
    return Stream.of(
        at(NARROW, 1), at(NARROW, 4), at(NARROW, 11), at(WIDE, 96), at(WIDE, 97), at(WIDE, 150));
  }

  private static RaceExplorer<RaceCalls, Integer> at(Geometry geometry, int length) {
    return RaceExplorer.of(
        geometry,
        1,
        calls -> {
          assertThat(calls.take(SLOT, length)).isZero();
          return length;
        });
  }

  private static void takeAndFree(RaceCalls calls, int length) {
    int page = calls.take(SLOT, length);
    if (page != BuddyPages.NONE) {
      calls.free(SLOT, page, length);
    }
  }

  @ParameterizedTest
  @MethodSource("regions")
  void oneOfThreeFreesSucceeds(RaceExplorer<RaceCalls, Integer> region) {
    int runs =
        region
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .explore(2);
    assertThat(runs).isGreaterThan(10);
  }

  @ParameterizedTest
  @MethodSource("regions")
  void aLateFreeDisturbsNoLaterOwner(RaceExplorer<RaceCalls, Integer> region) {
    int runs =
        region
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .thread(
                (calls, length) -> {
                  if (calls.free(SLOT, 0, length)) {
                    takeAndFree(calls, Math.max(1, length - 1));
                  }
                })
            .explore(2);
    assertThat(runs).isGreaterThan(10);
  }

  @ParameterizedTest
  @MethodSource("regions")
  void aTrimAndAFreeAgreeOnTheLength(RaceExplorer<RaceCalls, Integer> region) {
    int runs =
        region
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .thread((calls, length) -> calls.trim(SLOT, 0, length, 1 + length / 2))
            .thread(
                (calls, length) -> {
                  if (calls.trim(SLOT, 0, length, Math.max(1, length - 2))) {
                    calls.free(SLOT, 0, Math.max(1, length - 2));
                  }
                })
            .explore(2);
    assertThat(runs).isGreaterThan(10);
  }

  @ParameterizedTest
  @MethodSource("regions")
  void aGrowAndAFreeAgreeOnTheLength(RaceExplorer<RaceCalls, Integer> region) {
    int runs =
        region
            .thread((calls, length) -> calls.free(SLOT, 0, length))
            .thread((calls, length) -> calls.grow(SLOT, 0, length, length + 2))
            .thread((calls, length) -> calls.take(SLOT, 3))
            .explore(1);
    assertThat(runs).isGreaterThan(10);
  }

  /// A wrong length is refused even where the right one changes meanwhile.
  @ParameterizedTest
  @ValueSource(ints = {97, 100, 160})
  void aWrongLengthNeverFrees(int wrong) {
    int runs =
        at(WIDE, 150)
            .thread((calls, length) -> calls.free(SLOT, 0, wrong))
            .thread(
                (calls, length) -> {
                  calls.trim(SLOT, 0, length, 120);
                  calls.free(SLOT, 0, 120);
                  takeAndFree(calls, wrong - 1);
                  takeAndFree(calls, wrong);
                })
            .explore(2);
    assertThat(runs).isGreaterThan(10);
  }
}
