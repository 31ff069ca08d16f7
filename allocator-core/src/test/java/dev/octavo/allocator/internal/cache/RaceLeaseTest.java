package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.RaceExplorer;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// L1, L2, L5, L8 with leases: what owners do with plain stores, while others take back what they
/// hold, in every order of steps with few preemptions.
///
/// A word has four pages. With [#ONE_WORD] an owner's requests for 1, 2 or 3 pages share a lease.
class RaceLeaseTest {

  private static final int OWNER = 0;
  private static final int OTHER = 1;
  private static final int VISITOR = StandIns.VISITOR;

  private static final int RADIX_LOG2 = 2;
  private static final Geometry EIGHT = new Geometry(8, 3, RADIX_LOG2);
  private static final Geometry SIXTEEN = new Geometry(16, 4, RADIX_LOG2);
  private static final Geometry THIRTY_TWO = new Geometry(32, 5, RADIX_LOG2);

  private static final CacheLimits ONE_WORD = new CacheLimits(4, 1 << 20);
  private static final CacheLimits ALL_KINDS = new CacheLimits(44, 1 << 20);

  private static final int MANY = 200;

  private static RaceExplorer<LeaseCalls, Integer> in(
      Geometry geometry, CacheLimits limits, Consumer<LeaseCalls> setup) {
    Function<LeaseCalls, Integer> numbered =
        calls -> {
          setup.accept(calls);
          return 0;
        };
    return RaceExplorer.of(scheduler -> new LeaseCalls(scheduler, geometry, limits), numbered);
  }

  private static BiConsumer<LeaseCalls, Integer> does(Consumer<LeaseCalls> calls) {
    return (all, none) -> calls.accept(all);
  }

  /// Page 0 is allocated, pages 1 to 3 are leased.
  private static void holdFirstWord(LeaseCalls calls) {
    assertThat(calls.take(OWNER, 1)).isZero();
    assertThat(calls.pool().cachedPages()).isEqualTo(3);
  }

  // ---- one owner, one drainer

  /// The drainer needs page 3, which the owner takes last.
  @Test
  void aTakeAndARevocationAgreeOnEachPage() {
    int runs =
        in(SIXTEEN, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 13)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void manyTakenAtOnceAndARevocationAgreeOnEachPage() {
    int runs =
        in(SIXTEEN, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(does(calls -> calls.takeMany(OWNER, 1, 2)))
            .thread(does(calls -> calls.take(VISITOR, 13)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aFreeAndARevocationAgreeOnEachPage() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  assertThat(calls.take(OWNER, 1)).isEqualTo(1);
                })
            .thread(
                does(
                    calls -> {
                      calls.free(OWNER, 1, 1);
                      calls.free(OWNER, 0, 1);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 15)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aFreedPageIsTakenAgainDuringARevocation() {
    int runs =
        in(SIXTEEN, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.free(OWNER, 0, 1);
                      int page = calls.take(OWNER, 2);
                      if (page != PagePool.NONE) {
                        calls.trim(OWNER, page, 2, 1);
                      }
                    }))
            .thread(does(calls -> calls.take(VISITOR, 14)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The word is used up, so the owner takes the next one.
  @Test
  void aRefillAndARevocationLoseNothing() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  assertThat(calls.takeMany(OWNER, 1, 3)).containsExactly(1, 2, 3);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 10)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The word has no two pages side by side, so it goes back and another one is taken.
  @Test
  void aWordLetGoAndARevocationLoseNothing() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  assertThat(calls.take(OWNER, 1)).isEqualTo(1);
                  assertThat(calls.take(OWNER, 1)).isEqualTo(2);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 2);
                      calls.take(OWNER, 1);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 11)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// Pages 1 and 3 are all that is free. The owner lets go of them, as it needs two side by side.
  @Test
  void whatIsLetGoIsNeverInvisible() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  assertThat(calls.takeMany(OWNER, 1, 3)).containsExactly(1, 2, 3);
                  assertThat(calls.take(VISITOR, 4)).isEqualTo(4);
                  calls.free(OWNER, 1, 1);
                  calls.free(OWNER, 3, 1);
                })
            .thread(does(calls -> calls.take(OWNER, 2)))
            .thread(does(calls -> calls.take(VISITOR, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The word that is taken anew is the one that was let go: what goes back twice shows.
  @Test
  void aWordTakenAnewIsNotGivenBackTwice() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.drain(VISITOR);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                    }))
            .thread(
                does(
                    calls -> {
                      calls.drain(VISITOR);
                      calls.take(VISITOR, 5);
                    }))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void anOwnerThatFailsItselfMeetsADrainer() {
    int runs =
        in(EIGHT, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 8);
                      calls.take(OWNER, 7);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 5)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// The owner has not noticed that its word went back, and frees a page that somebody took from
  /// there meanwhile: what it remembers of the page dates from before.
  @Test
  void aFreeIsNotTakenForOneThatTheDrainerHasSeen() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.drain(VISITOR);
                  assertThat(calls.take(VISITOR, 1)).isEqualTo(1);
                })
            .thread(does(calls -> calls.free(OWNER, 1, 1)))
            .thread(does(calls -> calls.take(VISITOR, 15)))
            .explore(2);
    assertThat(runs).isGreaterThan(20);
  }

  // ---- more threads

  /// A drainer comes just when the owner, whom another has revoked before, starts anew.
  @Test
  void anOwnerReopensBetweenTwoDrainers() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.drain(VISITOR);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                    }))
            .thread(does(calls -> calls.drain(VISITOR)))
            .thread(does(calls -> calls.drain(VISITOR)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// Pages 1 and 2 are all that is free, and held. A thread that takes one of them just when the
  /// search has found them must not hold the other.
  @Test
  void aThreadThatEntersDuringASearchHoldsNothing() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  calls.take(OTHER, 1);
                  assertThat(calls.takeMany(OTHER, 1, 3)).containsExactly(1, 2, 3);
                  assertThat(calls.take(VISITOR, 4)).isEqualTo(4);
                  calls.free(OTHER, 1, 1);
                  calls.free(OTHER, 2, 1);
                })
            .thread(does(calls -> calls.take(VISITOR, 1)))
            .thread(does(calls -> calls.take(OWNER, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// As above, but the thread has held words before.
  @Test
  void anOwnerDuringASearchHoldsNothing() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.drain(VISITOR);
                  assertThat(calls.take(VISITOR, 4)).isEqualTo(4);
                  assertThat(calls.takeMany(OTHER, 1, 3)).containsExactly(1, 2, 3);
                  calls.free(OTHER, 1, 1);
                  calls.free(OTHER, 2, 1);
                })
            .thread(does(calls -> calls.take(VISITOR, 1)))
            .thread(does(calls -> calls.take(OWNER, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void twoOwnersDrainEachOther() {
    int runs =
        in(
                EIGHT,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  assertThat(calls.take(OTHER, 1)).isEqualTo(4);
                })
            .thread(does(calls -> calls.take(OWNER, 4)))
            .thread(does(calls -> calls.take(OTHER, 3, 2)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aRemoteFreeIntoALeasedWordIsFound() {
    int runs =
        in(EIGHT, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.free(VISITOR, 0, 1);
                      calls.take(VISITOR, 8);
                    }))
            .thread(
                does(
                    calls -> {
                      calls.takeAndFree(OWNER, 2);
                      calls.take(OWNER, 4);
                    }))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// L8: one of three frees succeeds, wherever the page goes.
  @Test
  void oneOfThreeFreesSucceeds() {
    int runs =
        in(EIGHT, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(does(calls -> calls.free(OWNER, 0, 1)))
            .thread(does(calls -> calls.free(VISITOR, 0, 1)))
            .thread(does(calls -> calls.free(OTHER, 0, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void growingIntoALeasedWordIsExact() {
    int runs =
        in(EIGHT, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(does(calls -> calls.grow(VISITOR, 0, 1, 2)))
            .thread(does(calls -> calls.takeAndFree(OWNER, 1)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void closingTakesBackEveryLease() {
    int runs =
        in(EIGHT, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(does(calls -> calls.close(VISITOR)))
            .thread(
                does(
                    calls -> {
                      calls.free(OWNER, 0, 1);
                      calls.take(OWNER, 1);
                    }))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  // ---- few free pages: leases end without a handshake

  private static final CacheLimits ENDS_BELOW_SIX = ONE_WORD.withLow(6);

  /// The other thread leaves 4 of 16 pages in the tree.
  @Test
  void anOwnerNoticesThatItsLeaseHasEnded() {
    int runs =
        in(SIXTEEN, ENDS_BELOW_SIX, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                      calls.free(OWNER, 0, 1);
                    }))
            .thread(does(calls -> calls.take(OTHER, 8)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY / 2);
  }

  @Test
  void manyTakenFromALeaseThatEndsAreTakenOnce() {
    int runs =
        in(SIXTEEN, ENDS_BELOW_SIX, RaceLeaseTest::holdFirstWord)
            .thread(does(calls -> calls.takeMany(OWNER, 1, 3)))
            .thread(does(calls -> calls.take(OTHER, 8)))
            .explore(2);
    assertThat(runs).isGreaterThan(20);
  }

  /// A drainer comes while the owner ends its lease because it was asked to, or has not noticed.
  @Test
  void aLeaseThatEndsMeetsADrainer() {
    int runs =
        in(
                SIXTEEN,
                ENDS_BELOW_SIX,
                calls -> {
                  holdFirstWord(calls);
                  calls.take(OTHER, 8);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.free(OWNER, 0, 1);
                      calls.take(OWNER, 2);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 6)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  /// An owner starts to hold words again just when another thread asks it to end its leases.
  @Test
  void anOwnerReopensWhileItsLeasesEnd() {
    int runs =
        in(
                SIXTEEN,
                ENDS_BELOW_SIX,
                calls -> {
                  holdFirstWord(calls);
                  calls.drain(VISITOR);
                })
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.take(OWNER, 1);
                    }))
            .thread(does(calls -> calls.take(OTHER, 8)))
            .thread(does(calls -> calls.take(VISITOR, 5)))
            .explore(1);
    assertThat(runs).isGreaterThan(MANY);
  }

  // ---- dead owners

  @Test
  void whatADeadThreadHeldIsFound() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.die(OWNER);
                })
            .thread(does(calls -> calls.take(VISITOR, 15)))
            .thread(
                does(
                    calls -> {
                      calls.take(OTHER, 1);
                      calls.free(OTHER, 0, 1);
                    }))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void twoThreadsFindADeadOne() {
    int runs =
        in(
                SIXTEEN,
                ONE_WORD,
                calls -> {
                  holdFirstWord(calls);
                  calls.die(OWNER);
                })
            .thread(does(calls -> calls.take(VISITOR, 15)))
            .thread(does(calls -> calls.drain(VISITOR)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }

  @Test
  void aThreadDiesWhileItIsDrained() {
    int runs =
        in(SIXTEEN, ONE_WORD, RaceLeaseTest::holdFirstWord)
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 1);
                      calls.free(OWNER, 0, 1);
                      calls.die(OWNER);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 14)))
            .thread(does(calls -> calls.take(OTHER, 1)))
            .explore(1);
    assertThat(runs).isGreaterThan(20);
  }

  // ---- words of units

  @Test
  void wordsOfUnitsAreTakenBack() {
    int runs =
        in(THIRTY_TWO, ALL_KINDS, calls -> assertThat(calls.take(OWNER, 4)).isZero())
            .thread(
                does(
                    calls -> {
                      calls.take(OWNER, 4);
                      calls.free(OWNER, 0, 4);
                    }))
            .thread(does(calls -> calls.take(VISITOR, 24)))
            .explore(2);
    assertThat(runs).isGreaterThan(MANY);
  }
}
