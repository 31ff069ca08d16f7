package dev.octavo.allocator.internal.region;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Where the bytes of a region come from and how they go back. Opened once, by the allocator that
/// is built on it.
///
/// @param segment the bytes, or null if there are none
/// @param owner what is closed to give them back, or null if that is the caller's business
public record RegionMemory(@Nullable MemorySegment segment, @Nullable Arena owner) {

  /// The base of memory that we get ourselves is aligned to this, if it is that large: a huge page.
  private static final long LARGEST_BASE_ALIGNMENT = 2L << 20;

  /// Memory of a shared arena of its own.
  public static RegionMemory ofArena(long byteSize) {
    Arena arena = Arena.ofShared();
    try {
      long alignment = Math.min(Long.highestOneBit(byteSize), LARGEST_BASE_ALIGNMENT);
      return new RegionMemory(arena.allocate(byteSize, alignment), arena);
    } catch (RuntimeException | OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  /// Memory that somebody else owns.
  public static RegionMemory of(MemorySegment segment) {
    return new RegionMemory(segment, null);
  }

  /// Page numbers without memory.
  public static RegionMemory none() {
    return new RegionMemory(null, null);
  }

  /// Gives the memory back, if it is ours: every segment of it fails from then on. One call at a
  /// time; a second one does nothing.
  public void close() {
    if (owner != null && owner.scope().isAlive()) {
      owner.close();
    }
  }
}
