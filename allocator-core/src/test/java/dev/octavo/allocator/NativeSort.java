package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/// A native call that holds a segment while something else is done: C's `qsort`, in its comparator.
final class NativeSort {

  private final Runnable during;
  private boolean isDone;

  private NativeSort(Runnable during) {
    this.during = during;
  }

  @SuppressWarnings("unused") // called by qsort
  private int compare(MemorySegment one, MemorySegment other) {
    if (!isDone) {
      isDone = true;
      during.run();
    }
    return 0;
  }

  @SuppressWarnings("restricted")
  static void sort(MemorySegment ints, Runnable during) throws Throwable {
    Linker linker = Linker.nativeLinker();
    MethodHandle sort =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("qsort"),
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS));
    MethodHandle compare =
        MethodHandles.lookup()
            .findVirtual(
                NativeSort.class,
                "compare",
                MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class))
            .bindTo(new NativeSort(during));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stub =
          linker.upcallStub(compare, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS), arena);
      sort.invokeExact(ints, ints.byteSize() / 4, 4L, stub);
    }
  }
}
