package dev.octavo.allocator;

import dev.octavo.allocator.internal.region.RegionMemory;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// The memory that an allocator manages.
///
/// | region | memory | segments | closed with the allocator |
/// |---|---|---|---|
/// | [#ofArena] | a JDK shared arena of its own, zeroed by the JDK when built | yes | yes |
/// | [#of] | a native segment that the caller supplies | yes | no, the caller's |
/// | [#reserveOnly] | none: page numbers that stand for anything | page runs only | nothing to close |
///
/// A region serves one allocator in its life: two would hand out the same bytes (L1). The allocator
/// itself never reads or writes the memory (L12), so a region may be of memory that nobody may
/// touch.
///
/// Immutable but for the mark that it is taken; safe for any number of threads.
public final class MemoryRegion {

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

  /// A region over a native segment of the caller, who keeps it alive for as long as the allocator
  /// is used and closes it afterwards. It may be read-only; then the allocator's segments are, too.
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

  void checkAlignment(int pageSize) {
    if (base % pageSize != 0) {
      throw new IllegalArgumentException(
          "region must start at a multiple of the page size: address="
              + base
              + ", pageSize="
              + pageSize);
    }
  }

  /// Gets the memory for the one allocator that may have it.
  RegionMemory open() {
    if (!taken.compareAndSet(false, true)) {
      throw new IllegalStateException("region already serves an allocator: byteSize=" + byteSize);
    }
    return source.get();
  }
}
