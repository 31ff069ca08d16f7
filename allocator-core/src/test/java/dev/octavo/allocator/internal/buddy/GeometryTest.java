package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GeometryTest {

  @Test
  void levelsHoldSixOrdersEach() {
    Geometry terabyte = new Geometry(1 << 28, 28, Geometry.RADIX_LOG2);
    assertThat(terabyte.topLevel()).isEqualTo(4);
    assertThat(terabyte.wordCount(4)).isEqualTo(1);
    assertThat(terabyte.wholeUnits(4)).isEqualTo(16);
    assertThat(terabyte.wordCount(0)).isEqualTo(1 << 22);
  }

  @Test
  void unitsThatDoNotFitWhollyAreNotCounted() {
    Geometry odd = new Geometry(100, 6, Geometry.RADIX_LOG2);
    assertThat(odd.wordCount(0)).isEqualTo(2);
    assertThat(odd.wholeUnits(1)).isEqualTo(1);
  }

  @Test
  void ordersAreRoundedUpForSizesAndDownForRegions() {
    assertThat(Geometry.orderFor(1)).isZero();
    assertThat(Geometry.orderFor(33)).isEqualTo(6);
    assertThat(Geometry.orderFor(64)).isEqualTo(6);
    assertThat(Geometry.orderFor(Geometry.MAX_PAGES)).isEqualTo(30);
    assertThat(Geometry.largestOrder(33)).isEqualTo(5);
    assertThat(Geometry.largestOrder(Geometry.MAX_PAGES)).isEqualTo(30);
  }

  @Test
  void aRunCanBeHeldIfOneOfItsPlacesIsInside() {
    for (int pageCount = 1; pageCount <= 20; pageCount++) {
      Geometry geometry = new Geometry(pageCount, 0, Geometry.RADIX_LOG2);
      for (int alignOrder = 0; alignOrder <= 6; alignOrder++) {
        for (int phase = -70; phase <= 70; phase++) {
          for (int pages = 1; pages <= pageCount + 2; pages++) {
            assertThat(geometry.canHold(pages, alignOrder, phase))
                .as("%s, pages=%d, align=%d, phase=%d", geometry, pages, alignOrder, phase)
                .isEqualTo(hasPlace(pageCount, pages, 1 << alignOrder, phase));
          }
        }
      }
    }
  }

  private static boolean hasPlace(int pageCount, int pages, int multiple, int phase) {
    for (int page = 0; page + pages <= pageCount; page++) {
      if (Math.floorMod(page + phase, multiple) == 0) {
        return true;
      }
    }
    return false;
  }

  @Test
  void theLargestAlignmentsDoNotOverflow() {
    Geometry largest = new Geometry(Geometry.MAX_PAGES, 30, Geometry.RADIX_LOG2);
    assertThat(largest.canHold(Geometry.MAX_PAGES, 62, 0)).isTrue();
    assertThat(largest.canHold(1, 62, 1)).isFalse();
    assertThat(largest.canHold(1, 62, (1L << 62) - 1)).isTrue();
    assertThat(largest.canHold(Geometry.MAX_PAGES, 62, (1L << 62) - 1)).isFalse();
    assertThat(largest.canHold(1, 62, (1L << 62) - Geometry.MAX_PAGES)).isFalse();
    assertThat(largest.canHold(1, 62, (1L << 62) - Geometry.MAX_PAGES + 1)).isTrue();
    assertThat(largest.canHold(Long.MAX_VALUE, 0, 0)).isFalse();
    assertThat(largest.canHold(1, 62, Long.MIN_VALUE)).isTrue();
  }

  @Test
  void whatDoesNotFitIsRejected() {
    assertRejected(0, 0, 6, "page count out of range: value=0");
    assertRejected(Geometry.MAX_PAGES + 1, 0, 6, "page count out of range: value=1073741825");
    assertRejected(8, 4, 6, "max order out of range: value=4");
    assertRejected(8, -1, 6, "max order out of range: value=-1");
    assertRejected(8, 3, 5, "radix log2 out of range: value=5");
  }

  private static void assertRejected(int pages, int maxOrder, int radixLog2, String message) {
    assertThatThrownBy(() -> new Geometry(pages, maxOrder, radixLog2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(message);
  }
}
