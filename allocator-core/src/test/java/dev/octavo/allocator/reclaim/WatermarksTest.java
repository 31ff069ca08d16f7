package dev.octavo.allocator.reclaim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WatermarksTest {

  private static final long MIB = 1L << 20;

  /// The worked values of Linux.
  @ParameterizedTest
  @CsvSource({
    "16, 128, 160, 192",
    "1024, 1024, 1286, 1548",
    "4096, 2048, 3096, 4144",
    "16384, 4096, 8290, 12484"
  })
  void defaultsAreThoseOfLinux(long capacityMib, long min, long low, long high) {
    assertThat(Watermarks.byDefault(capacityMib * MIB).inPages(4096))
        .isEqualTo(new Watermarks.Pages(min, low, high));
  }

  @ParameterizedTest
  @CsvSource({
    // A 32nd is reserved below 16 MiB.
    "4194304, 4096, 32, 40, 48",
    "131072, 4096, 1, 1, 1",
    // Less than a page is nothing.
    "131071, 4096, 0, 0, 0",
    "1, 4096, 0, 0, 0",
    "16777216, 2097152, 0, 0, 0",
    // No more than 256 MiB, and a thousandth of the memory twice above it.
    "1125899906842624, 4096, 65536, 274943442, 549821348",
    "1048576, 64, 512, 640, 768"
  })
  void defaultsOfOtherSizes(long capacityBytes, int pageSize, long min, long low, long high) {
    assertThat(Watermarks.byDefault(capacityBytes, pageSize).inPages(pageSize))
        .isEqualTo(new Watermarks.Pages(min, low, high));
  }

  @Property
  void defaultsLeaveRoomForUse(
      @ForAll @LongRange(min = 1) long capacityBytes,
      @ForAll @IntRange(min = 6, max = 21) int log) {
    Watermarks marks = Watermarks.byDefault(capacityBytes, 1 << log);
    assertThat(marks.minBytes()).isBetween(0L, capacityBytes / 32);
    assertThat(marks.highBytes()).isBetween(marks.lowBytes(), capacityBytes / 16);
    assertThat(marks.inPages(1 << log).min() << log).isEqualTo(marks.minBytes());
  }

  @Test
  void bytesAreRoundedUpToPages() {
    assertThat(Watermarks.of(1, 4096, 4097).inPages(4096)).isEqualTo(new Watermarks.Pages(1, 1, 2));
    assertThat(Watermarks.of(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE).inPages(1).high())
        .isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void noneAreZero() {
    assertThat(Watermarks.none()).isEqualTo(Watermarks.of(0, 0, 0));
  }

  @ParameterizedTest
  @CsvSource({"128, 48, 64", "8, 3, 4", "7, 2, 3", "1, 0, 0", "0, 0, 0"})
  void theReserveIsOpenInParts(long min, long atomic, long victim) {
    Watermarks.Pages marks = new Watermarks.Pages(min, min, min);
    assertThat(marks.atomicMark()).isEqualTo(atomic);
    assertThat(marks.victimMark()).isEqualTo(victim);
  }

  @Test
  void theGreatestReserveHasParts() {
    Watermarks.Pages marks = new Watermarks.Pages(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
    assertThat(marks.atomicMark()).isEqualTo(3_458_764_513_820_540_927L);
    assertThat(marks.victimMark()).isEqualTo(Long.MAX_VALUE / 2);
  }

  @ParameterizedTest
  @CsvSource({"130, 2, 128, true", "129, 2, 128, false", "5, 5, 0, true", "5, 6, 0, false"})
  void aRequestLeavesTheMark(long freePages, long pages, long mark, boolean isEnough) {
    assertThat(Watermarks.Pages.isEnough(freePages, pages, mark)).isEqualTo(isEnough);
  }

  @ParameterizedTest
  @CsvSource({"-1, 0, 0", "2, 1, 3", "1, 3, 2"})
  void marksAscend(long min, long low, long high) {
    assertThatThrownBy(() -> Watermarks.of(min, low, high))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "watermarks must ascend from 0: minBytes=%d, lowBytes=%d, highBytes=%d"
                .formatted(min, low, high));
  }

  @Test
  void sizesArePositive() {
    assertThatThrownBy(() -> Watermarks.byDefault(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("capacity must be positive: capacityBytes=0");
    assertThatThrownBy(() -> Watermarks.byDefault(1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("page size must be positive: pageSize=0");
    assertThatThrownBy(() -> Watermarks.none().inPages(-4096))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("page size must be positive: pageSize=-4096");
  }
}
