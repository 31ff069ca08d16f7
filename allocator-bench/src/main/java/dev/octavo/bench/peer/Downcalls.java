package dev.octavo.bench.peer;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Calls of `malloc` and `free` as fast as Java can make them: addresses as plain numbers, and
/// without the change of the thread's state that lets the garbage collector run meanwhile.
final class Downcalls {
  private static final Linker LINKER = Linker.nativeLinker();

  private Downcalls() {}

  /// Returns a handle of type `(long byteSize)long`.
  static MethodHandle allocate(MemorySegment function) {
    return link(function, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
  }

  /// Returns a handle of type `(long address)void`.
  static MethodHandle free(MemorySegment function) {
    return link(function, FunctionDescriptor.ofVoid(JAVA_LONG));
  }

  @SuppressWarnings("restricted") // calling C is the point
  private static MethodHandle link(MemorySegment function, FunctionDescriptor type) {
    return LINKER.downcallHandle(function, type, Linker.Option.critical(false));
  }

  /// Wraps what a downcall handle is declared, but never known, to throw.
  static AssertionError unexpected(Throwable thrown) {
    return new AssertionError("downcall failed: thrown=" + thrown, thrown);
  }
}
