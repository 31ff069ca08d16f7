package dev.octavo.examples;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.PageArena;
import dev.octavo.allocator.context.check.AtomicContext;
import java.io.PrintStream;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.SplittableRandom;

/// How a server handles requests with off-heap memory: one allocator for the process, one arena for
/// each worker thread, rewound after each request. Strings and structures go to C functions as they
/// are; nothing is freed by hand, and a segment that outlives its request fails instead of reading
/// somebody else's.
///
/// Start java with `--enable-native-access=ALL-UNNAMED`: this class calls native code, and so may
/// arenas then take pages.
@SuppressWarnings("restricted")
public final class RequestScope {

  private static final long CAPACITY = 64 << 20;
  private static final int REQUESTS = 10_000;
  private static final int MOST_RECORDS = 50;

  /// A record as the C side sees it: `struct record { int32_t id; double score; }`.
  private static final StructLayout RECORD =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_INT.withName("id"),
          MemoryLayout.paddingLayout(4),
          ValueLayout.JAVA_DOUBLE.withName("score"));

  private static final VarHandle ID = RECORD.arrayElementVarHandle(PathElement.groupElement("id"));
  private static final VarHandle SCORE =
      RECORD.arrayElementVarHandle(PathElement.groupElement("score"));

  private static final Linker LINKER = Linker.nativeLinker();

  /// `size_t strlen(const char *)`
  private static final MethodHandle STRLEN =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("strlen"),
          FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
          Linker.Option.critical(false));

  /// `void *memcpy(void *, const void *, size_t)`
  private static final MethodHandle MEMCPY =
      LINKER.downcallHandle(
          LINKER.defaultLookup().findOrThrow("memcpy"),
          FunctionDescriptor.ofVoid(
              ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG),
          Linker.Option.critical(false));

  private final PageArena arena;

  private RequestScope(PageArena arena) {
    this.arena = arena;
  }

  /// Handles some requests; takes no arguments.
  public static void main(String[] args) {
    run(System.out, REQUESTS);
  }

  static void run(PrintStream out, int requests) {
    try (PageAllocator pages = PageAllocator.builder().capacity(CAPACITY).name("server").build()) {
      try (PageArena arena = pages.openArena()) {
        RequestScope worker = new RequestScope(arena);
        SplittableRandom random = new SplittableRandom(1);
        long sum = 0;
        for (int request = 0; request < requests; request++) {
          sum += worker.handle("/users/" + request, 1 + random.nextInt(MOST_RECORDS));
          arena.rewind();
        }
        out.printf(
            "%,d requests, checksum %d%n"
                + "pooled %s, peak of one request %,d bytes, reserved %,d bytes%n",
            requests, sum, arena.isPooled(), arena.peakByteSize(), arena.reservedByteSize());
        staleSegment(out, arena);
      }
      out.println("pages in use at the end: " + pages.buddyInfo().allocatedPages());
    }
  }

  /// One request: a string for C, a table of structures, a copy made by C. Others wait for the
  /// worker, so nothing in it may sleep: `NeverSleepsTest` looks.
  @AtomicContext
  private long handle(String path, int records) {
    // Written as a whole at once, so it need not be zeroed first.
    MemorySegment name = arena.uninitialized().allocateFrom(path);
    MemorySegment table = arena.allocate(RECORD, records);
    for (int i = 0; i < records; i++) {
      ID.set(table, 0L, (long) i, i);
      SCORE.set(table, 0L, (long) i, i / 2.0);
    }
    MemorySegment copy = arena.uninitialized().allocate(RECORD, records);
    copy(copy, table);
    return length(name) + (int) ID.get(copy, 0L, records - 1L);
  }

  private static long length(MemorySegment text) {
    try {
      return (long) STRLEN.invokeExact(text);
    } catch (Throwable e) {
      throw new IllegalStateException("strlen failed", e);
    }
  }

  private static void copy(MemorySegment to, MemorySegment from) {
    try {
      MEMCPY.invokeExact(to, from, from.byteSize());
    } catch (Throwable e) {
      throw new IllegalStateException("memcpy failed", e);
    }
  }

  /// What happens to who keeps a segment for longer than its request.
  private static void staleSegment(PrintStream out, PageArena arena) {
    List<MemorySegment> kept = List.of(arena.allocateFrom("kept for too long"));
    arena.rewind();
    try {
      out.println("read: " + kept.getFirst().getString(0));
    } catch (IllegalStateException e) {
      out.println("stale segment: " + e.getMessage());
    }
  }
}
