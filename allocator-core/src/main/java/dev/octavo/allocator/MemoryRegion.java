package dev.octavo.allocator;

import dev.octavo.allocator.internal.region.AnonymousMapping;
import dev.octavo.allocator.internal.region.FileMapping;
import dev.octavo.allocator.internal.region.NativeAccess;
import dev.octavo.allocator.internal.region.RegionMemory;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// The memory that an allocator manages.
///
/// | region | memory | segments | free memory goes back | native access | closed with the allocator |
/// |---|---|---|---|---|---|
/// | [#ofArena] | a JDK shared arena of its own, zeroed by the JDK when built | yes | no | no | yes |
/// | [#mapped] | an anonymous mapping, committed when touched, between guards | yes | yes | needed | yes |
/// | [#ofFile] | a part of a file | yes | with native access | not needed | the mapping; not the channel |
/// | [#of] | a native segment that the caller supplies | yes | no | no | no, the caller's |
/// | [#reserveOnly] | none: page numbers that stand for anything | page runs only | no | no | nothing to close |
///
/// "Free memory goes back" to the system while the allocator lives: [PageAllocator#purge] and
/// [PageAllocatorBuilder#purgeDelay]. "Native access" is the flag
/// `--enable-native-access=dev.octavo.allocator` of the `java` command, on the class path
/// `--enable-native-access=ALL-UNNAMED`. Without it no system call is made, also where the JVM
/// would only warn.
///
/// A region serves one allocator in its life: two would hand out the same bytes (L1). The allocator
/// itself never reads or writes the memory (L12), so a region may be of memory that nobody may
/// touch.
///
/// Immutable but for the mark that it is taken; safe for any number of threads.
public final class MemoryRegion {

  /// What an anonymous mapping may be asked for. Advice: a system that does not take it leaves it
  /// out, and the log says so.
  public enum MapOption {
    /// Huge pages of 2 MiB (Linux's transparent ones): the base is aligned to 2 MiB, and the advice
    /// is given before anything is touched. Free memory then goes back in huge pages only.
    HUGE_PAGES,

    /// Memory is spread over the NUMA nodes in turn, page by page. Does nothing on a system with
    /// one node.
    INTERLEAVED
  }

  private final long byteSize;
  private final long base;
  private final Supplier<RegionMemory> source;
  private final AtomicBoolean taken = new AtomicBoolean();

  private MemoryRegion(long byteSize, long base, Supplier<RegionMemory> source) {
    this.byteSize = byteSize;
    this.base = base;
    this.source = source;
  }

  /// A region in a JDK shared arena of its own, the default of an allocator. The memory is
  /// requested when the allocator is built, and counts against the JVM's limit of direct memory.
  /// Its base is aligned to its size rounded down to a power of two, 2 MiB at most.
  ///
  /// @param byteSize the size in bytes, at least 1
  /// @return the region
  /// @throws IllegalArgumentException if `byteSize < 1`
  public static MemoryRegion ofArena(long byteSize) {
    checkSize(byteSize);
    return new MemoryRegion(byteSize, 0, () -> RegionMemory.ofArena(byteSize));
  }

  /// A region of memory straight from the system, an anonymous mapping. It is committed when it is
  /// touched, does not count against the JVM's limit of direct memory, gives free memory back while
  /// it lives, and lies between two guards: to touch a byte before or behind it ends the JVM. The
  /// addresses are requested when the allocator is built, with the alignment of [#ofArena].
  ///
  /// Memory is promised, not set aside (`MAP_NORESERVE`): if the system runs out of it, the process
  /// is killed when it touches more.
  ///
  /// @param byteSize the size in bytes, at least 1
  /// @param options what else is wanted
  /// @return the region
  /// @throws IllegalArgumentException if `byteSize < 1`
  /// @throws UnsupportedOperationException if this system is not Linux on amd64, aarch64 or riscv64
  /// @throws IllegalCallerException if native access is denied; the message names the flag
  public static MemoryRegion mapped(long byteSize, MapOption... options) {
    List<MapOption> wanted = List.of(options);
    checkSize(byteSize);
    NativeAccess.check("anonymous mapping");
    boolean hugePages = wanted.contains(MapOption.HUGE_PAGES);
    boolean interleaved = wanted.contains(MapOption.INTERLEAVED);
    return new MemoryRegion(
        byteSize, 0, () -> AnonymousMapping.open(byteSize, hugePages, interleaved));
  }

  /// A region over a part of a file, through a shared mapping: what is written to the memory is in
  /// the file, and stays there when the allocator is closed. The file is mapped when the allocator
  /// is built; one that is too short is made longer then, by a hole that takes no space.
  ///
  /// Free pages have no contents. With native access those of a unit of 64 pages in which something
  /// was freed are punched out of the file as free memory goes back, and read as zeroes; without,
  /// they stay as they are. What stood in the file before stays until something of its unit was
  /// allocated and freed.
  ///
  /// If the file system has no space left for a page that is written to for the first time, or the
  /// file was made shorter, the access throws [InternalError].
  ///
  /// @param channel open for reading and writing; it may be closed when the allocator is built
  /// @param offset where in the file the region starts, in bytes, 0 or more
  /// @param byteSize the size in bytes, at least 1
  /// @return the region; its base is aligned to a page of the system, if `offset` is, and not
  ///   always to more, so that [PageAllocatorBuilder#build] may refuse larger pages
  /// @throws IllegalArgumentException if `byteSize < 1` or `offset` is negative or too large
  public static MemoryRegion ofFile(FileChannel channel, long offset, long byteSize) {
    Objects.requireNonNull(channel, "channel");
    checkSize(byteSize);
    Checks.range("file offset", offset, 0, Long.MAX_VALUE - byteSize);
    return new MemoryRegion(byteSize, 0, () -> FileMapping.open(channel, offset, byteSize));
  }

  /// A region over a native segment of the caller, who keeps it alive for as long as the allocator
  /// and its arenas are used and closes it afterwards. It may be read-only; then the allocator's
  /// segments are, too.
  ///
  /// @param segment the memory; its address must be a multiple of the allocator's page size
  /// @return the region
  /// @throws IllegalArgumentException if `segment` is empty or not native
  public static MemoryRegion of(MemorySegment segment) {
    Objects.requireNonNull(segment, "segment");
    if (!segment.isNative()) {
      throw new IllegalArgumentException("region must be native memory: segment=" + segment);
    }
    checkSize(segment.byteSize());
    return new MemoryRegion(segment.byteSize(), segment.address(), () -> RegionMemory.of(segment));
  }

  /// A region without memory: the allocator deals in page numbers, and what they stand for (device
  /// memory, file blocks, address space) is the caller's business. Calls that need a segment throw
  /// [UnsupportedOperationException].
  ///
  /// @param byteSize the size in bytes that the pages stand for, at least 1
  /// @return the region
  /// @throws IllegalArgumentException if `byteSize < 1`
  public static MemoryRegion reserveOnly(long byteSize) {
    checkSize(byteSize);
    return new MemoryRegion(byteSize, 0, RegionMemory::none);
  }

  private static void checkSize(long byteSize) {
    if (byteSize < 1) {
      throw new IllegalArgumentException("region size out of range: byteSize=" + byteSize);
    }
  }

  /// The size in bytes.
  ///
  /// @return at least 1
  public long byteSize() {
    return byteSize;
  }

  private static void checkAlignment(long base, int pageSize) {
    if (base % pageSize != 0) {
      throw new IllegalArgumentException(
          "region must start at a multiple of the page size: address="
              + base
              + ", pageSize="
              + pageSize);
    }
  }

  /// Gets the memory for the one allocator that may have it. If that fails, nothing has changed.
  ///
  /// @throws IllegalArgumentException if the memory does not start at a multiple of the page size
  /// @throws IllegalStateException if the region serves an allocator
  /// @throws java.io.UncheckedIOException if the system refuses
  RegionMemory open(int pageSize) {
    checkAlignment(base, pageSize);
    if (!taken.compareAndSet(false, true)) {
      throw new IllegalStateException("region already serves an allocator: byteSize=" + byteSize);
    }
    RegionMemory memory = null;
    try {
      memory = source.get();
      MemorySegment segment = memory.segment();
      checkAlignment(segment == null ? 0 : segment.address(), pageSize);
      return memory;
    } catch (RuntimeException | OutOfMemoryError e) {
      if (memory != null) {
        memory.close();
      }
      taken.set(false);
      throw e;
    }
  }
}
