package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LeaseKindsTest {

  private static final int EVERYTHING = 1 << 20;
  private static final int NARROW = 2;

  private static final Geometry LARGE = new Geometry(1 << 20, 20, Geometry.RADIX_LOG2);

  /// The lease of each order from 0 to 20, a dot for none, then that of odd runs.
  private static String leases(LeaseKinds kinds) {
    String byOrder =
        IntStream.rangeClosed(0, 20)
            .mapToObj(order -> text(LeaseKinds.leaseOf(kinds.byOrder(), order)))
            .collect(Collectors.joining());
    return byOrder + " " + text(kinds.leaseOfRuns());
  }

  private static String text(int lease) {
    return lease < 0 ? "." : Integer.toString(lease);
  }

  @ParameterizedTest
  @CsvSource({
    "0,        0,    ..................... .",
    "63,       0,    ..................... .",
    "64,       64,   000000............... 0",
    "127,      64,   000000............... 0",
    "128,      128,  000111............... 1",
    "192,      192,  000111............... 2",
    "4287,     192,  000111............... 2",
    "4288,     4288, 000111333333......... 2",
    "8383,     4288, 000111333333......... 2",
    "8384,     8384, 000111333444......... 2",
    "99999999, 8384, 000111333444......... 2",
  })
  void kindsShareLeasesWithinALimit(int limit, int mostPages, String leases) {
    LeaseKinds kinds = LeaseKinds.within(LARGE, limit);
    assertThat(leases(kinds)).isEqualTo(leases);
    assertThat(kinds.mostPages()).isEqualTo(mostPages);
  }

  @ParameterizedTest
  @CsvSource({
    "0,  6, 0.................... 2",
    "3,  6, 0001................. 2",
    "5,  6, 000111............... 2",
    "6,  6, 0001113.............. 2",
    "10, 6, 00011133344.......... 2",
    "12, 6, 000111333444......... 2",
    "0,  2, 0.................... 2",
    "1,  2, 01................... 2",
    "2,  2, 013.................. 2",
    "7,  2, 0134................. 2",
  })
  void ordersThatTheRegionHasNotHaveNone(int maxOrder, int radixLog2, String leases) {
    Geometry geometry = new Geometry(5_000, maxOrder, radixLog2);
    assertThat(leases(LeaseKinds.within(geometry, EVERYTHING))).isEqualTo(leases);
  }

  @Test
  void theyHoldNoMoreThanTheLimit() {
    for (int limit = 0; limit < 100; limit++) {
      LeaseKinds kinds = LeaseKinds.within(new Geometry(80, 6, NARROW), limit);
      assertThat(kinds.mostPages()).isBetween(0, limit);
    }
  }

  /// What a request of some pages and alignment is served from.
  @ParameterizedTest
  @CsvSource({
    "1,    0,  0",
    "1,    2,  0",
    "1,    3,  1",
    "1,    5,  1",
    "1,    6,  -1",
    "32,   0,  1",
    "64,   0,  3",
    "64,   9,  4",
    "128,  12, -1",
    "2048, 0,  4",
    "4096, 0,  -1",
    "3,    0,  2",
    "63,   5,  2",
    "3,    6,  -1",
    "65,   0,  -1",
    "3,    40, -1",
    "1,    62, -1",
  })
  void aRequestHasOneLease(int pages, int alignOrder, int lease) {
    LeaseKinds kinds = LeaseKinds.within(LARGE, EVERYTHING);
    assertThat(kinds.leaseFor(pages, alignOrder)).isEqualTo(lease);
  }

  @Test
  void aLimitForAllIsKeptByWhoComesLater() {
    CacheLimits limits = new CacheLimits(100, 250);
    assertThat(limits.left(0)).isEqualTo(100);
    assertThat(limits.left(200)).isEqualTo(50);
    assertThat(limits.left(250)).isZero();
    assertThat(limits.left(1L << 40)).isZero();
    assertThat(new CacheLimits(100, 1L << 40).left(1L << 39)).isEqualTo(100);
  }
}
