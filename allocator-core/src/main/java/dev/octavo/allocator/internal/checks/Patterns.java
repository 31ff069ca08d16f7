package dev.octavo.allocator.internal.checks;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What stands in memory that nobody may write to. Leaves memory alone that is not there, or that
/// the calling thread may not touch.
final class Patterns {

  /// Behind the last byte of a live allocation.
  static final byte RED_ZONE = (byte) 0xFD;

  /// In free pages.
  static final byte POISON = (byte) 0xDD;

  private static final int CHUNK_BYTES = 4096;
  private static final MemorySegment RED_ZONES = chunkOf(RED_ZONE);
  private static final MemorySegment POISONS = chunkOf(POISON);

  private final @Nullable MemorySegment memory;

  /// @param memory the region, or null if it has none
  Patterns(@Nullable MemorySegment memory) {
    this.memory = memory;
  }

  private static MemorySegment chunkOf(byte pattern) {
    byte[] chunk = new byte[CHUNK_BYTES];
    Arrays.fill(chunk, pattern);
    return MemorySegment.ofArray(chunk).asReadOnly();
  }

  /// Fills the bytes `from`..`to`-1.
  ///
  /// @return false if the memory could not be written, or there was nothing to fill
  boolean fill(long from, long to, byte pattern) {
    MemorySegment bytes = memory;
    if (from == to || bytes == null || bytes.isReadOnly() || !isAccessible(bytes)) {
      return false;
    }
    bytes.asSlice(from, to - from).fill(pattern);
    return true;
  }

  /// The first byte of `from`..`to`-1 that does not hold a pattern, or -1.
  long firstOther(long from, long to, byte pattern) {
    MemorySegment bytes = memory;
    if (bytes == null || !isAccessible(bytes)) {
      return -1;
    }
    MemorySegment expected = pattern == POISON ? POISONS : RED_ZONES;
    for (long at = from; at < to; at += CHUNK_BYTES) {
      long length = Math.min(CHUNK_BYTES, to - at);
      long other = MemorySegment.mismatch(bytes, at, at + length, expected, 0, length);
      if (other >= 0) {
        return at + other;
      }
    }
    return -1;
  }

  byte valueAt(long offset) {
    MemorySegment bytes = memory;
    return bytes == null ? 0 : bytes.get(ValueLayout.JAVA_BYTE, offset);
  }

  private static boolean isAccessible(MemorySegment bytes) {
    return bytes.scope().isAlive() && bytes.isAccessibleBy(Thread.currentThread());
  }
}
