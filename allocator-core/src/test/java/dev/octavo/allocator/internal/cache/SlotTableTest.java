package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SlotTableTest {

  @Test
  void threadsGetSlotsInTheOrderOfTheirArrival() {
    SlotTable table = new SlotTable(4);
    assertThat(table.slotOf(77)).isZero();
    assertThat(table.slotOf(12)).isEqualTo(1);
    assertThat(table.slotOf(77)).isZero();
    assertThat(table.slotOf(13)).isEqualTo(2);
    assertThat(table.slotOf(14)).isEqualTo(3);
    assertThat(table.slotOf(15)).isZero();
  }

  @Test
  void anyNumberOfThreadsShareTheSlots() {
    SlotTable table = new SlotTable(3);
    for (long id = 0; id < 100_000; id++) {
      assertThat(table.slotOf(id * 31)).isBetween(0, 2);
    }
  }
}
