package dev.octavo.allocator.internal.region;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// The system calls on memory that a mapping needs, of Linux; see their manual pages (section 2).
///
/// To be touched only behind [NativeAccess]. Sizes and addresses are in bytes and multiples of
/// [SystemPages#byteSize], unless something else is said. A call that the system refuses throws an
/// [IOException] with the error number and its text.
@SuppressWarnings("restricted") // NativeAccess has looked before
final class NativeMemory {

  /// Pages of a private mapping go back; when touched again they are zero.
  static final int MADV_DONTNEED = 4;

  /// A hole is punched into the file behind a shared mapping; it reads as zeroes.
  static final int MADV_REMOVE = 9;

  /// Huge pages are wanted where the mapping is touched from now on.
  static final int MADV_HUGEPAGE = 14;

  private static final int PROT_NONE = 0;
  private static final int PROT_READ_WRITE = 1 | 2;
  private static final int MAP_PRIVATE = 2;
  private static final int MAP_ANONYMOUS = 0x20;
  private static final int MAP_NORESERVE = 0x4000;
  private static final int NO_FILE = -1;
  private static final int MPOL_INTERLEAVE = 3;
  private static final long FAILED = -1;
  private static final long LONGEST_REASON = 1 << 10;

  private static final long SYS_MBIND = System.getProperty("os.arch").equals("amd64") ? 237 : 235;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private static final MethodHandle MMAP =
      handle(
          "mmap",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MPROTECT =
      handle("mprotect", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MADVISE =
      handle("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle SYSCALL_6 =
      handle(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private NativeMemory() {}

  private static MethodHandle handle(
      String name, FunctionDescriptor type, Linker.Option... options) {
    Linker.Option[] all = new Linker.Option[options.length + 1];
    System.arraycopy(options, 0, all, 0, options.length);
    all[options.length] = Linker.Option.captureCallState("errno");
    return Linker.nativeLinker().downcallHandle(symbol(name), type, all);
  }

  private static MemorySegment symbol(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name);
  }

  /// Takes addresses that nobody may touch, backed by nothing.
  ///
  /// @return the first
  static long reserve(long byteSize) throws IOException {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return call(
        "mmap",
        "byteSize=" + byteSize,
        state -> (long) MMAP.invokeExact(state, 0L, byteSize, PROT_NONE, flags, NO_FILE, 0L));
  }

  /// Makes reserved addresses memory that is committed when touched.
  static void allow(long address, long byteSize) throws IOException {
    call(
        "mprotect",
        "byteSize=" + byteSize,
        state -> (int) MPROTECT.invokeExact(state, address, byteSize, PROT_READ_WRITE));
  }

  /// Gives addresses back.
  static void unmap(long address, long byteSize) throws IOException {
    call(
        "munmap",
        "byteSize=" + byteSize,
        state -> (int) MUNMAP.invokeExact(state, address, byteSize));
  }

  /// Says what memory is wanted for.
  static void advise(long address, long byteSize, int advice) throws IOException {
    call(
        "madvise",
        "advice=" + advice + ", byteSize=" + byteSize,
        state -> (int) MADVISE.invokeExact(state, address, byteSize, advice));
  }

  /// Spreads what will be touched over NUMA nodes in turn.
  ///
  /// @param nodes their bits
  static void interleave(long address, long byteSize, long[] nodes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      long mask = arena.allocateFrom(JAVA_LONG, nodes).address();
      // The kernel takes one bit less than it is told.
      long bits = (long) nodes.length * Long.SIZE + 1;
      long policy = MPOL_INTERLEAVE;
      call(
          "mbind",
          "byteSize=" + byteSize,
          state ->
              (long)
                  SYSCALL_6.invokeExact(
                      state, SYS_MBIND, address, byteSize, policy, mask, bits, 0L));
    }
  }

  private interface Call {
    long run(MemorySegment state) throws Throwable;
  }

  private static long call(String name, String operands, Call call) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate((MemoryLayout) STATE);
      long result = call.run(state);
      if (result == FAILED) {
        int errno = (int) ERRNO.get(state, 0L);
        throw new IOException(
            "system refused: call=%s, %s, errno=%d, reason=%s"
                .formatted(name, operands, errno, reason(errno)));
      }
      return result;
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static String reason(int errno) throws Throwable {
    MethodHandle strerror =
        Linker.nativeLinker()
            .downcallHandle(symbol("strerror"), FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
    long text = (long) strerror.invokeExact(errno);
    return MemorySegment.ofAddress(text).reinterpret(LONGEST_REASON).getString(0);
  }

  /// A downcall itself throws nothing but errors of the JVM.
  private static IllegalStateException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException("system call not made: reason=" + e, e);
  }
}
