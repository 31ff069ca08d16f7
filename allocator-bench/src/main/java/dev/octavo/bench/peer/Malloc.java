package dev.octavo.bench.peer;

import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// `malloc` and `free` of the C library that the JVM runs on.
public final class Malloc {
  private static final MethodHandle MALLOC = Downcalls.allocate(function("malloc"));
  private static final MethodHandle FREE = Downcalls.free(function("free"));

  private Malloc() {}

  private static MemorySegment function(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name);
  }

  /// Allocates memory, not zeroed.
  ///
  /// @param byteSize the size in bytes, 1 or more
  /// @return the address
  public static long allocate(long byteSize) {
    try {
      return (long) MALLOC.invokeExact(byteSize);
    } catch (Throwable thrown) {
      throw Downcalls.unexpected(thrown);
    }
  }

  /// Frees memory.
  ///
  /// @param address what [#allocate] returned
  public static void free(long address) {
    try {
      FREE.invokeExact(address);
    } catch (Throwable thrown) {
      throw Downcalls.unexpected(thrown);
    }
  }
}
