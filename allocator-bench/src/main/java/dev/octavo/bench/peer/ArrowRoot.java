package dev.octavo.bench.peer;

import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.memory.unsafe.UnsafeAllocationManager;

/// Arrow's allocator as it is compared: a root without a limit whose memory comes from `Unsafe`.
public final class ArrowRoot {
  private ArrowRoot() {}

  /// Opens an allocator. Its `close` fails if a buffer was not freed.
  public static BufferAllocator open() {
    return new RootAllocator(
        RootAllocator.configBuilder()
            .allocationManagerFactory(UnsafeAllocationManager.FACTORY)
            .build());
  }
}
