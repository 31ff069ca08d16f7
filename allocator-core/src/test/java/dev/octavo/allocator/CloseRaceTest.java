package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Close among threads that use the allocator: whatever they are doing, they succeed or get an
/// exception, no segment that can be used lies in memory that went back, and all memory goes back.
@Timeout(120)
class CloseRaceTest {

  private static final int ROUNDS = 80;
  private static final long PAGE = 4096;

  /// So many that threads hold words.
  private static final long BYTES = (1 << 14) * PAGE;

  /// One turn of a thread's work.
  private interface Work {

    /// @param made to be told of a segment
    void run(PageAllocator allocator, int number, AtomicReference<MemorySegment> made);
  }

  private static boolean close(PageAllocator allocator) {
    try {
      allocator.close();
    } catch (LiveAllocationsException e) {
      assertThat(e.count()).isPositive();
    }
    return true;
  }

  /// Works until that fails for the only reason that is right.
  private static boolean workUntilClosed(PageAllocator allocator, Runnable work) {
    try {
      while (true) {
        work.run();
      }
    } catch (InvalidFreeException e) {
      assertThat(e.reason()).isEqualTo(InvalidFreeException.Reason.CLOSED);
    } catch (IllegalStateException e) {
      assertThat(e).isNotInstanceOf(OutOfPagesException.class);
    }
    awaitClosed(allocator);
    return true;
  }

  /// While another thread closes it, a call that needs no pages from the tree may still succeed.
  private static void awaitClosed(PageAllocator allocator) {
    try {
      while (true) {
        allocator.tryAllocatePageRun(1);
      }
    } catch (IllegalStateException e) {
      assertThat(e).hasMessageStartingWith("allocator is closed");
    }
  }

  private static void write(MemorySegment segment) {
    segment.set(ValueLayout.JAVA_BYTE, segment.byteSize() - 1, (byte) 1);
  }

  private static void race(CheckLevel level, Work work) throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      PageAllocator allocator =
          Bare.builder().region(MemoryRegion.mapped(BYTES)).checks(level).build();
      long address = allocator.segment(0, 1).address();
      AtomicReference<MemorySegment> last = new AtomicReference<>(allocator.segment(0, 1));
      Threads.together(
          3,
          number ->
              number == 0
                  ? close(allocator)
                  : workUntilClosed(allocator, () -> work.run(allocator, number, last)));
      allocator.close();
      assertThat(last.get().scope().isAlive()).isFalse();
      assertThat(ProcMaps.isMapped(address)).as("round=%d", round).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BASIC", "FULL"})
  void segments(CheckLevel level) throws Exception {
    race(
        level,
        (allocator, number, made) -> {
          MemorySegment segment = allocator.allocate(33 * PAGE * number);
          made.set(segment);
          write(segment);
          segment = allocator.resize(allocator.trim(segment, 10), 3 * PAGE);
          write(segment);
          allocator.free(segment);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"BASIC", "FULL"})
  void confinedArenas(CheckLevel level) throws Exception {
    race(
        level,
        (allocator, number, made) -> {
          try (PageArena arena = allocator.openArena()) {
            for (int i = 0; i < 4; i++) {
              MemorySegment segment = arena.allocate(20 * PAGE * number);
              made.set(segment);
              write(segment);
              write(arena.allocateUninitialized(10, 1));
            }
            arena.rewind();
            write(arena.allocate(100));
          }
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"BASIC", "FULL"})
  void sharedArenas(CheckLevel level) throws Exception {
    race(
        level,
        (allocator, number, made) -> {
          try (PageArena arena = allocator.openSharedArena()) {
            MemorySegment segment = arena.allocate(20 * PAGE * number);
            made.set(segment);
            write(segment);
          }
        });
  }

  /// Whoever comes too late to pin the memory must not keep it by having tried.
  @Test
  void pinsThatComeTooLate() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      PageAllocator allocator = Bare.builder().region(MemoryRegion.mapped(BYTES)).build();
      long address = allocator.segment(0, 1).address();
      AtomicBoolean isClosed = new AtomicBoolean();
      Threads.together(
          2,
          number ->
              number == 0
                  ? close(allocator) && isClosed.compareAndSet(false, true)
                  : pinUntil(isClosed, allocator));
      assertThat(ProcMaps.isMapped(address)).as("round=%d", round).isFalse();
    }
  }

  private static boolean pinUntil(AtomicBoolean isClosed, PageAllocator allocator) {
    while (!isClosed.get()) {
      if (allocator.arenas().pin()) {
        allocator.arenas().unpin();
      }
    }
    return true;
  }

  /// Threads in the names of two accounts: whoever ends an allocation, it is paid back once, to
  /// whom it was charged.
  @ParameterizedTest
  @EnumSource(names = {"BASIC", "FULL"})
  void accounts(CheckLevel level) throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      MemoryAccount root = MemoryAccount.root("engine").open();
      List<MemoryAccount> paying = List.of(root.child("one").open(), root.child("two").open());
      PageAllocator allocator =
          Bare.builder()
              .region(MemoryRegion.mapped(BYTES))
              .checks(level)
              .accounts(root)
              .oomPolicy(OomPolicy.none())
              .build();
      List<AccountAllocator> names = paying.stream().map(allocator::under).toList();
      paying.forEach(account -> account.charge(BYTES)); // so that what is paid back twice shows
      Threads.together(
          3,
          number ->
              number == 0
                  ? close(allocator)
                  : workUntilClosed(allocator, () -> work(allocator, names.get(number - 1))));
      assertThat(root.usage()).isEqualTo(2 * BYTES);
      assertThat(paying).allMatch(account -> account.ownUsage() == BYTES);
    }
  }

  private static void work(PageAllocator pages, AccountAllocator allocator) {
    MemorySegment segment = pages.resize(allocator.allocate(3 * PAGE, 1), 40 * PAGE);
    write(segment);
    if (pages.freePages() < BYTES / PAGE / 2) {
      pages.free(segment);
    }
    try (PageArena arena = allocator.openArena()) {
      write(arena.allocate(20 * PAGE));
    }
  }
}
