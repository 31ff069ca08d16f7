package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/// Close among threads that allocate: it takes the region whole or refuses, and nobody gets pages
/// afterwards.
class CloseRaceTest {

  private static final int ROUNDS = 300;

  @Test
  void closeTakesEverythingOrNothing() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      PageAllocator allocator =
          Bare.builder().region(MemoryRegion.reserveOnly(4096L * 300)).build();
      List<Boolean> outcomes =
          Threads.together(3, number -> number == 0 ? closes(allocator) : gets(allocator));
      boolean hasClosed = outcomes.getFirst();
      boolean somebodyHolds = outcomes.get(1) || outcomes.get(2);
      assertThat(hasClosed && somebodyHolds).isFalse();
      assertThat(hasClosed || somebodyHolds).isTrue();
      assertThat(allocator.audit()).isEmpty();
    }
  }

  private static boolean closes(PageAllocator allocator) {
    try {
      allocator.close();
      return true;
    } catch (LiveAllocationsException e) {
      assertThat(e.count()).isPositive();
      return false;
    }
  }

  /// Whether this thread got pages, which it keeps.
  private static boolean gets(PageAllocator allocator) {
    try {
      return allocator.tryAllocatePageRun(33) >= 0;
    } catch (IllegalStateException e) {
      return false;
    }
  }
}
