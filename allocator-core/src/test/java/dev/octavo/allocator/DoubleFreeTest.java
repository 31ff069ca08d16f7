package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.InvalidFreeException.Reason;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// L8: of calls that race for one live block exactly one succeeds, and the others are told so.
class DoubleFreeTest {

  private static final int ROUNDS = 300;
  private static final int THREADS = 3;
  private static final Optional<Reason> DONE = Optional.empty();

  private static PageAllocator allocator(CheckLevel checks) {
    return Bare.builder().region(MemoryRegion.reserveOnly(4096L * 4096)).checks(checks).build();
  }

  /// Why a call was refused; empty if it was not.
  private static Optional<Reason> outcome(Runnable call) {
    try {
      call.run();
      return Optional.empty();
    } catch (InvalidFreeException e) {
      return Optional.of(e.reason());
    }
  }

  private static List<Optional<Reason>> race(Runnable... calls) throws Exception {
    return Threads.together(calls.length, number -> outcome(calls[number]));
  }

  @ParameterizedTest
  @CsvSource({
    "1, BASIC",
    "8, BASIC",
    "33, BASIC",
    "64, BASIC",
    "1000, BASIC",
    "64, FULL",
    "1000, FULL"
  })
  void ofRacingFreesOneSucceeds(int pages, CheckLevel checks) throws Exception {
    try (PageAllocator allocator = allocator(checks)) {
      for (int round = 0; round < ROUNDS; round++) {
        long page = allocator.allocatePageRun(pages);
        List<Optional<Reason>> outcomes =
            Threads.together(THREADS, number -> outcome(() -> allocator.freePageRun(page, pages)));
        assertThat(outcomes)
            .containsOnlyOnce(DONE)
            .containsOnly(DONE, Optional.of(Reason.DOUBLE_FREE));
        assertThat(allocator.buddyInfo().freePages()).isEqualTo(allocator.pageCount());
      }
      assertThat(allocator.audit()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"3, BASIC", "8, BASIC", "33, BASIC", "1000, BASIC", "33, FULL", "1000, FULL"})
  void ofAFreeAndATrimOneSucceeds(int pages, CheckLevel checks) throws Exception {
    try (PageAllocator allocator = allocator(checks)) {
      for (int round = 0; round < ROUNDS; round++) {
        long page = allocator.allocatePageRun(pages);
        List<Optional<Reason>> outcomes =
            race(
                () -> allocator.freePageRun(page, pages),
                () -> allocator.trimPageRun(page, pages, pages - 1));
        assertThat(outcomes).containsOnlyOnce(DONE);
        if (outcomes.getFirst().isEmpty()) {
          assertThat(outcomes.get(1)).contains(Reason.DOUBLE_FREE);
        } else {
          assertThat(outcomes.getFirst().orElseThrow()).isIn(Reason.WRONG_SIZE, Reason.BUSY);
          allocator.freePageRun(page, pages - 1);
        }
        assertThat(allocator.buddyInfo().freePages()).isEqualTo(allocator.pageCount());
      }
      assertThat(allocator.audit()).isEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource({"1, BASIC", "33, BASIC", "1000, BASIC", "33, FULL", "1000, FULL"})
  void ofAFreeAndAGrowingOneSucceeds(int pages, CheckLevel checks) throws Exception {
    try (PageAllocator allocator = allocator(checks)) {
      for (int round = 0; round < ROUNDS; round++) {
        long page = allocator.allocatePageRun(pages);
        List<Optional<Reason>> outcomes =
            race(
                () -> allocator.freePageRun(page, pages),
                () -> assertThat(allocator.tryGrowPageRun(page, pages, pages + 5)).isTrue());
        assertThat(outcomes).containsOnlyOnce(DONE);
        if (outcomes.getFirst().isPresent()) {
          allocator.freePageRun(page, pages + 5);
        }
        assertThat(allocator.buddyInfo().freePages()).isEqualTo(allocator.pageCount());
      }
      assertThat(allocator.audit()).isEmpty();
    }
  }
}
