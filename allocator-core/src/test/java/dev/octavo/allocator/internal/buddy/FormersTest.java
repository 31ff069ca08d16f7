package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Which owners can form a run, against a look at each place of it.
class FormersTest {

  private static final int ROUNDS = 4_000;
  private static final int MOST_PAGES = 120;
  private static final int OWNERS = 3;
  private static final int FREE = -2;
  private static final int FIXED = -1;

  /// Tags 1 and 5 are of one owner, 4 of none; tags above are not known.
  private static final int[] OWNER_OF_TAG = {FIXED, 0, 1, 2, FIXED, 0};

  private static final int TAGS = 7;

  private BuddyPages buddy = new BuddyPages(new Geometry(1, 0, Geometry.RADIX_LOG2), 1);

  /// The owner of each page, or [#FREE] or [#FIXED].
  private int[] ownerOf = {};

  private void fill(Random random, int radixLog2) {
    int pageCount = 1 + random.nextInt(MOST_PAGES);
    Geometry geometry = new Geometry(pageCount, Geometry.largestOrder(pageCount), radixLog2);
    buddy = new BuddyPages(geometry, 1, false, true);
    ownerOf = new int[pageCount];
    Arrays.fill(ownerOf, FREE);
    int longest = 1 + random.nextInt(12);
    int freePart = random.nextInt(100);
    int oddPart = random.nextInt(3) * 10;
    for (int page = 0; page < pageCount; ) {
      int pages = Math.min(1 + random.nextInt(longest), pageCount - page);
      if (random.nextInt(100) >= freePart) {
        assertThat(buddy.takeAt(buddy.slot(0), page, pages)).isTrue();
        buddy.record(page, pages);
        int tag = random.nextInt(100) < oddPart ? random.nextInt(TAGS) : 1 + random.nextInt(3);
        buddy.setTag(page, tag);
        if (random.nextInt(100) < oddPart) {
          assertThat(buddy.hold(page, pages)).isTrue(); // changes nothing
        }
        int owner = tag >= OWNER_OF_TAG.length ? FIXED : OWNER_OF_TAG[tag];
        Arrays.fill(ownerOf, page, page + pages, owner);
      }
      page += pages;
    }
  }

  /// How many pages of a place are not free, or -1 if one is fixed or not of the owner.
  private int used(int from, int to, int only) {
    int used = 0;
    for (int page = from; page < to; page++) {
      if (ownerOf[page] == FIXED || (only >= 0 && ownerOf[page] >= 0 && ownerOf[page] != only)) {
        return -1;
      }
      used += ownerOf[page] >= 0 ? 1 : 0;
    }
    return used;
  }

  /// The place with the fewest pages that are not free.
  private int nearest(int pages, int alignOrder, long phase, int only) {
    int nearest = -1;
    for (int page = 0; page + pages <= ownerOf.length; page++) {
      boolean aligned = Math.floorMod(page + phase, 1L << alignOrder) == 0;
      int used = aligned ? used(page, page + pages, only) : -1;
      if (used >= 0 && (nearest < 0 || used < used(nearest, nearest + pages, only))) {
        nearest = page;
      }
    }
    return nearest;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, Geometry.RADIX_LOG2})
  void eachOwnerIsJudgedAsByALookAtEachPlace(int radixLog2) {
    int[] reached = new int[4];
    for (int seed = 0; seed < ROUNDS; seed++) {
      Random random = new Random(seed);
      fill(random, radixLog2);
      int pages = 1 + random.nextInt(20);
      int alignOrder = random.nextBoolean() ? 0 : random.nextInt(5);
      long phase = random.nextInt(50);
      Formers formers = buddy.formers(pages, alignOrder, phase, OWNER_OF_TAG);
      int nearest = nearest(pages, alignOrder, phase, -1);
      boolean exists = nearest >= 0 && used(nearest, nearest + pages, -1) == 0;
      assertThat(formers.runExists()).as("seed=%d", seed).isEqualTo(exists);
      reached[exists ? 0 : nearest < 0 ? 1 : 2]++;
      for (int owner = 0; owner < OWNERS; owner++) {
        int number = owner;
        boolean alone = !exists && nearest(pages, alignOrder, phase, owner) >= 0;
        boolean together =
            !exists
                && nearest >= 0
                && Arrays.stream(ownerOf, nearest, nearest + pages).anyMatch(o -> o == number);
        assertThat(formers.alone(owner))
            .as("seed=%d, owner=%d, pages=%d", seed, owner, pages)
            .isEqualTo(alone);
        assertThat(formers.together(owner))
            .as("seed=%d, owner=%d, pages=%d", seed, owner, pages)
            .isEqualTo(together);
        reached[3] += alone && !together ? 1 : 0;
      }
    }
    assertThat(reached).as("cases").doesNotContain(0);
  }
}
