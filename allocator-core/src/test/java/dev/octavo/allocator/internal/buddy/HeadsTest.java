package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// The byte code of allocation lengths.
class HeadsTest {

  private static final int PAGES = 1 << 20;

  private final Heads heads = heads(PAGES);

  Heads heads(int pageCount) {
    return new Heads(pageCount);
  }

  @Test
  void everyLengthIsReadBackAndClearedByItsOwnLengthOnly() {
    for (int pages = 1; pages <= PAGES; pages += pages < 5_000 ? 1 : 4_999) {
      heads.set(0, pages);
      assertThat(heads.pages(0)).isEqualTo(pages);
      assertThat(heads.clear(0, pages + 1)).isFalse();
      assertThat(heads.clear(0, pages == 1 ? 3 : pages - 1)).isFalse();
      assertThat(heads.clear(0, pages)).isTrue();
      assertThat(heads.pages(0)).isZero();
      assertThat(heads.next(0)).isEqualTo(PAGES);
    }
  }

  @Test
  void theCountOfALongRunIsNeverTakenForAHead() {
    for (int pages = 97; pages < 40_000; pages += 7) {
      heads.set(8, pages);
      for (int inner = 9; inner < 16; inner++) {
        assertThat(heads.pages(inner)).isZero();
        assertThat(heads.clear(inner, 1)).isFalse();
        assertThat(heads.hold(inner, 1 << (pages & 7))).isFalse();
      }
      assertThat(heads.clear(8, pages)).isTrue();
    }
  }

  @Test
  void aHeldHeadRefusesEveryOtherCall() {
    for (int pages : new int[] {1, 33, 64, 1000}) {
      heads.set(5, pages);
      assertThat(heads.hold(5, pages)).isTrue();
      assertThat(heads.pages(5)).isEqualTo(Heads.HELD);
      assertThat(heads.hold(5, pages)).isFalse();
      assertThat(heads.clear(5, pages)).isFalse();
      heads.set(5, pages + 1);
      assertThat(heads.clear(5, pages + 1)).isTrue();
    }
  }

  @Test
  void aHeldHeadMayBeCleared() {
    heads.set(5, 1000);
    assertThat(heads.hold(5, 1000)).isTrue();
    heads.clearHeld(5);
    assertThat(heads.next(0)).isEqualTo(PAGES);
  }

  /// Another thread frees the run and allocates a longer one at the same place, between the look at
  /// the count and the CAS of the head: the count is looked at again, and the new run stays.
  @Test
  void aLongRunThatChangedUnderTheCallIsLeftAlone() {
    Faults faults = new Faults();
    Heads racy = faults.heads(PAGES);
    racy.set(0, 1000);
    faults.interruptNth(
        1,
        () -> {
          assertThat(racy.clear(0, 1000)).isTrue();
          racy.set(0, 2000);
        });
    assertThat(racy.clear(0, 1000)).isFalse();
    assertThat(racy.pages(0)).isEqualTo(2000);
    assertThat(racy.clear(0, 2000)).isTrue();
  }

  @Test
  void aLostRaceForALongRunIsReported() {
    Faults faults = new Faults();
    Heads racy = faults.heads(PAGES);
    racy.set(0, 1000);
    faults.interruptNth(1, () -> assertThat(racy.clear(0, 1000)).isTrue());
    assertThat(racy.clear(0, 1000)).isFalse();
    assertThat(racy.pages(0)).isZero();
  }
}
