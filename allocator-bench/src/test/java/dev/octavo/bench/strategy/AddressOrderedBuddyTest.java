package dev.octavo.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/// Lowest address first, and the set that finds it.
class AddressOrderedBuddyTest {

  @Test
  void takesTheLowestAddressOfTheSmallestSufficientOrder() {
    AddressOrderedBuddy buddy = new AddressOrderedBuddy(64, 6);
    for (int page = 0; page < 64; page++) {
      assertThat(buddy.allocate(0)).isEqualTo(page);
    }
    for (int page : new int[] {40, 8, 24, 2, 3}) {
      buddy.free(page, 0);
    }
    assertThat(buddy.allocate(0)).as("single pages first").isEqualTo(8);
    assertThat(buddy.allocate(0)).isEqualTo(24);
    assertThat(buddy.allocate(0)).isEqualTo(40);
    assertThat(buddy.allocate(0)).as("then a split").isEqualTo(2);
    assertThat(buddy.allocate(0)).isEqualTo(3);
    assertThat(buddy.allocate(0)).isEqualTo(PageStrategy.NO_PAGE);
  }

  @Property(tries = 200)
  void pageSetAgreesWithATreeSet(
      @ForAll @IntRange(min = 1, max = 300_000) int size, @ForAll @Size(max = 200) int[] toggles) {
    PageSet set = new PageSet(size);
    TreeSet<Integer> naive = new TreeSet<>();
    for (int toggle : toggles) {
      int member = Math.floorMod(toggle, size);
      if (naive.remove(member)) {
        set.remove(member);
      } else {
        naive.add(member);
        set.add(member);
      }
      assertThat(set.first()).isEqualTo(naive.isEmpty() ? -1 : naive.first());
    }
  }
}
