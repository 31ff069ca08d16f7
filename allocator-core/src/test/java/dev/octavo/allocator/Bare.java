package dev.octavo.allocator;

import dev.octavo.allocator.reclaim.Watermarks;
import java.time.Duration;

/// Allocators for tests of what is free and what is not: every page to everybody, nobody waits.
public final class Bare {

  private Bare() {}

  public static PageAllocatorBuilder builder() {
    return PageAllocator.builder().watermarks(Watermarks.none()).waitAtMost(Duration.ZERO);
  }
}
