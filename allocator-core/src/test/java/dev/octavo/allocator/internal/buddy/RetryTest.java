package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every CAS of a script fails once, then another call comes in before every CAS: retries change
/// nothing, and nothing is lost between.
class RetryTest {

  private static final int STEPS = 60;
  private static final Geometry SMALL = new Geometry(43, 5, 2);
  private static final Geometry WIDE = new Geometry(9_000, 13, Geometry.RADIX_LOG2);

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aFailedCasChangesNoResult(long seed) {
    for (Geometry geometry : List.of(SMALL, WIDE)) {
      Faults none = new Faults();
      Script reference = new Script(none.pages(geometry, 2), seed);
      long born = none.casCount();
      reference.run();
      long total = none.casCount() - born;
      assertThat(total).isGreaterThan(STEPS);
      for (long n = 1; n <= total; n++) {
        Faults faults = new Faults();
        Script script = new Script(faults.pages(geometry, 2), seed);
        faults.failNth(n);
        script.run();
        assertThat(script.log).as("seed=%d, n=%d", seed, n).isEqualTo(reference.log);
        assertThat(script.pages.audit()).as("seed=%d, n=%d", seed, n).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
  void aCallInBetweenBreaksNoLaw(long seed) {
    for (Geometry geometry : List.of(SMALL, WIDE)) {
      for (long n = 1; n <= 3 * STEPS; n++) {
        Faults faults = new Faults();
        Script script = new Script(faults.pages(geometry, 2), seed);
        Script other = new Script(script.pages, seed + n);
        other.prepare();
        faults.interruptNth(n, other::step);
        script.run();
        script.freeAll();
        other.freeAll();
        faults.end();
        assertThat(script.pages.audit()).as("seed=%d, n=%d", seed, n).isEmpty();
        assertThat(script.pages.freeAreas().blocks())
            .as("seed=%d, n=%d", seed, n)
            .isEqualTo(new BuddyPages(geometry, 1).freeAreas().blocks());
      }
    }
  }

  @Test
  void aRegionIsTakenWholeOrNotAtAllWhateverFails() {
    for (long n = 1; n <= 20; n++) {
      Faults faults = new Faults();
      BuddyPages pages = faults.pages(SMALL, 1);
      int live = pages.allocate(pages.slot(0), 1, 0);
      faults.failNth(n);
      assertThat(pages.takeAll(pages.slot(0))).isFalse();
      assertThat(pages.audit()).isEmpty();
      assertThat(pages.free(pages.slot(0), live, 1)).isTrue();
      faults.failNth(n);
      assertThat(pages.takeAll(pages.slot(0))).isTrue();
      assertThat(pages.freeAreas().pages()).isZero();
    }
  }

  /// A random but repeatable sequence of calls on one slot.
  private static final class Script {

    private final BuddyPages pages;
    private final Random random;
    private final Slot slot;
    private final List<int[]> live = new ArrayList<>();
    private final List<Object> log = new ArrayList<>();

    Script(BuddyPages pages, long seed) {
      this.pages = pages;
      random = new Random(seed);
      slot = pages.slot(random.nextInt(pages.slotCount()));
    }

    void run() {
      for (int i = 0; i < STEPS; i++) {
        step();
      }
    }

    /// Something to free or to trim.
    void prepare() {
      allocate(1 + random.nextInt(5), 0);
      allocate(1 + random.nextInt(3), 0);
    }

    void step() {
      int largest = pages.geometry().pageCount() / 6;
      switch (random.nextInt(10)) {
        case 0, 1 -> allocate(1, 0);
        case 2 -> allocate(1 << random.nextInt(4), 0);
        case 3 -> allocate(1 + random.nextInt(largest), 0);
        case 4 -> allocate(1 + random.nextInt(5), random.nextInt(4));
        case 5 -> allocateMany(random.nextInt(3));
        case 6 -> change(true);
        case 7 -> change(false);
        default -> free();
      }
    }

    private void allocate(int length, int alignOrder) {
      int page = pages.allocate(slot, length, alignOrder);
      if (page != BuddyPages.NONE) {
        live.add(new int[] {page, length});
      }
      log.add(page);
    }

    private void allocateMany(int order) {
      long[] into = new long[1 + random.nextInt(6)];
      int count = pages.allocateMany(slot, order, into);
      for (int i = 0; i < count; i++) {
        live.add(new int[] {(int) into[i], 1 << order});
        log.add(into[i]);
      }
    }

    private void change(boolean grows) {
      if (live.isEmpty()) {
        return;
      }
      int[] run = live.get(random.nextInt(live.size()));
      if (!grows) {
        int newLength = 1 + random.nextInt(run[1]);
        assertThat(pages.trim(slot, run[0], run[1], newLength)).isTrue();
        run[1] = newLength;
        return;
      }
      int newLength = run[1] + 1 + random.nextInt(9);
      assertThat(pages.hold(run[0], run[1])).isTrue();
      boolean grown = pages.growHeld(slot, run[0], run[1], newLength);
      if (grown) {
        run[1] = newLength;
      } else {
        pages.release(run[0], run[1]);
      }
      log.add(grown);
    }

    private void free() {
      if (live.isEmpty()) {
        return;
      }
      int[] run = live.remove(random.nextInt(live.size()));
      assertThat(pages.free(slot, run[0], run[1])).isTrue();
      log.add(run[0]);
    }

    void freeAll() {
      while (!live.isEmpty()) {
        free();
      }
    }
  }
}
