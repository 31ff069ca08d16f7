package dev.octavo.bench.peer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/// `mi_malloc` and `mi_free` of mimalloc 2, wherever the system's loader finds it.
public final class Mimalloc {
  private static final String LIBRARY = "libmimalloc.so.2";
  private static final Optional<SymbolLookup> LOADED = load();

  private Mimalloc() {}

  @SuppressWarnings("restricted") // calling C is the point
  private static Optional<SymbolLookup> load() {
    try {
      return Optional.of(SymbolLookup.libraryLookup(LIBRARY, Arena.global()));
    } catch (IllegalArgumentException notFound) {
      return Optional.empty();
    }
  }

  /// Says whether the library is there; if not, nothing else here may be called.
  public static boolean isPresent() {
    return LOADED.isPresent();
  }

  /// Allocates memory, not zeroed.
  ///
  /// @param byteSize the size in bytes, 1 or more
  /// @return the address
  public static long allocate(long byteSize) {
    try {
      return (long) Handles.MALLOC.invokeExact(byteSize);
    } catch (Throwable thrown) {
      throw Downcalls.unexpected(thrown);
    }
  }

  /// Frees memory.
  ///
  /// @param address what [#allocate] returned
  public static void free(long address) {
    try {
      Handles.FREE.invokeExact(address);
    } catch (Throwable thrown) {
      throw Downcalls.unexpected(thrown);
    }
  }

  /// Linked on first use, so that asking for presence needs no library.
  private static final class Handles {
    private static final MethodHandle MALLOC = Downcalls.allocate(function("mi_malloc"));
    private static final MethodHandle FREE = Downcalls.free(function("mi_free"));

    private static MemorySegment function(String name) {
      return LOADED.orElseThrow().findOrThrow(name);
    }
  }
}
