package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.InvalidFreeException.Reason;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// After close every call says so, and the memory is gone.
class ClosedTest {

  private final PageAllocator allocator = Bare.builder().capacity(1 << 20).name("gone").build();
  private final MemorySegment old = allocator.allocate(100);

  @BeforeEach
  void close() {
    allocator.free(old);
    allocator.close();
  }

  private static void assertClosed(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("allocator is closed: name=gone");
  }

  @Test
  void allocating() {
    assertClosed(() -> allocator.allocate(1));
    assertClosed(() -> allocator.allocate(0));
    assertClosed(() -> allocator.tryAllocate(1, 8192));
    assertClosed(() -> allocator.allocatePages(0));
    assertClosed(() -> allocator.tryAllocatePages(3));
    assertClosed(() -> allocator.allocatePageRun(1));
    assertClosed(() -> allocator.tryAllocatePageRun(33));
    assertClosed(() -> allocator.allocateBulk(1, new MemorySegment[3]));
    assertClosed(() -> allocator.tryAllocateBulk(1, new MemorySegment[3]));
    assertClosed(allocator::buddyInfo);
  }

  @Test
  void freeing() {
    for (ThrowingCallable call :
        new ThrowingCallable[] {
          () -> allocator.free(old),
          () -> allocator.trim(old, 1),
          () -> allocator.resize(old, 9999),
          () -> allocator.freePageRun(0, 1),
          () -> allocator.free(MemorySegment.ofArray(new byte[1]))
        }) {
      assertThatThrownBy(call)
          .isInstanceOfSatisfying(
              InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED))
          .hasMessageStartingWith("allocator is closed: ");
    }
  }

  @Test
  void oldSegmentsFail() {
    assertThatThrownBy(() -> old.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closingAgainDoesNothing() {
    allocator.close();
    assertThat(allocator.audit()).isEmpty();
  }
}
