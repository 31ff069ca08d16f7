package dev.octavo.allocator.internal.region;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Where the bytes of a region come from and how they go back. Opened once, by the allocator that
/// is built on it.
///
/// @param segment the bytes, or null if there are none
/// @param owner what is closed to give them back, or null if that is the caller's business
/// @param zeroFrom from this offset on all bytes are zero at first; [#NEVER_ZERO] if none are known
///   to be
/// @param discard how free bytes go back while the region lives, or null if they cannot
public record RegionMemory(
    @Nullable MemorySegment segment,
    @Nullable Arena owner,
    long zeroFrom,
    @Nullable Discard discard) {

  /// No byte is known to be zero.
  public static final long NEVER_ZERO = Long.MAX_VALUE;

  /// The base of memory that we get ourselves is aligned to this, if it is that large: a huge page.
  static final long LARGEST_BASE_ALIGNMENT = 2L << 20;

  /// Memory of a shared arena of its own.
  public static RegionMemory ofArena(long byteSize) {
    Arena arena = Arena.ofShared();
    try {
      return new RegionMemory(arena.allocate(byteSize, baseAlignment(byteSize)), arena, 0, null);
    } catch (RuntimeException | OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  static long baseAlignment(long byteSize) {
    return Math.min(Long.highestOneBit(byteSize), LARGEST_BASE_ALIGNMENT);
  }

  /// Memory that somebody else owns.
  public static RegionMemory of(MemorySegment segment) {
    return new RegionMemory(segment, null, NEVER_ZERO, null);
  }

  /// Page numbers without memory.
  public static RegionMemory none() {
    return new RegionMemory(null, null, NEVER_ZERO, null);
  }

  /// Gives the memory back, if it is ours: every segment of it fails from then on. One call at a
  /// time; a second one does nothing.
  public void close() {
    if (owner != null && owner.scope().isAlive()) {
      owner.close();
    }
  }
}
