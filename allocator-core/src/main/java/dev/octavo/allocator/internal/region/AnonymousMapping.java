package dev.octavo.allocator.internal.region;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Memory straight from the system: committed when touched, zero at first, between two guards.
///
/// ```
///   reserved: nobody may touch it      |guard      |memory                   |guard      |
///                                      ^start      ^base, aligned            ^rounded up to pages
/// ```
///
/// More addresses are reserved than are needed, so that the base can be aligned; what is left over
/// makes the guards longer. The order is that of transparent huge pages: reserve, align, advise,
/// and only then may anybody touch.
public final class AnonymousMapping {

  private static final Logger LOG = LoggerFactory.getLogger(AnonymousMapping.class);

  /// More than any system has addresses: it refuses, and no sum overflows.
  private static final long TOO_LARGE = 1L << 62;

  private final long start;
  private final long reserved;
  private final long base;
  private final long size;
  private final long granule;

  private AnonymousMapping(long byteSize, boolean hugePages) throws IOException {
    long page = SystemPages.byteSize();
    long alignment =
        Math.max(
            page,
            hugePages ? RegionMemory.LARGEST_BASE_ALIGNMENT : RegionMemory.baseAlignment(byteSize));
    granule = hugePages ? alignment : page;
    size = roundUp(Math.min(byteSize, TOO_LARGE), page);
    reserved = page + alignment + size + page;
    start = NativeMemory.reserve(reserved);
    base = roundUp(start + page, alignment);
  }

  /// Maps memory. What is only advice is left out where the system does not take it, and the log
  /// says so.
  ///
  /// @param hugePages whether huge pages are wanted; then only whole ones go back while it lives
  /// @param interleaved whether it shall be spread over NUMA nodes
  /// @throws UncheckedIOException if the system refuses
  public static RegionMemory open(long byteSize, boolean hugePages, boolean interleaved) {
    try {
      AnonymousMapping mapping = new AnonymousMapping(byteSize, hugePages);
      try {
        NativeMemory.allow(mapping.base, mapping.size);
      } catch (IOException e) {
        mapping.unmap();
        throw e;
      }
      if (hugePages) {
        mapping.wantHugePages();
      }
      if (interleaved) {
        mapping.interleave(NumaNodes.withMemory());
      }
      return mapping.memory(byteSize);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void wantHugePages() {
    try {
      NativeMemory.advise(base, size, NativeMemory.MADV_HUGEPAGE);
    } catch (IOException e) {
      LOG.warn("no huge pages: {}", e.getMessage());
    }
  }

  private void interleave(NumaNodes nodes) {
    if (nodes.count() < 2) {
      LOG.debug("nothing to interleave: nodes={}", nodes.count());
      return;
    }
    try {
      NativeMemory.interleave(base, size, nodes.bits());
    } catch (IOException e) {
      LOG.warn("not interleaved: nodes={}, {}", nodes.count(), e.getMessage());
    }
  }

  @SuppressWarnings("restricted") // NativeAccess has looked before
  private RegionMemory memory(long byteSize) {
    Arena arena = Arena.ofShared();
    MemorySegment segment =
        MemorySegment.ofAddress(base).reinterpret(byteSize, arena, memory -> unmap());
    return new RegionMemory(segment, arena, 0, new Discard(NativeMemory.MADV_DONTNEED, granule));
  }

  private void unmap() {
    try {
      NativeMemory.unmap(start, reserved);
    } catch (IOException e) {
      LOG.warn("memory stays mapped: {}", e.getMessage());
    }
  }

  private static long roundUp(long value, long powerOfTwo) {
    return (value + powerOfTwo - 1) & -powerOfTwo;
  }
}
