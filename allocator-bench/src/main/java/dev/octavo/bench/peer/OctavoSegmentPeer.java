package dev.octavo.bench.peer;

import dev.octavo.allocator.PageAllocator;
import java.lang.foreign.MemorySegment;

/// Octavo's segments, by `allocate` and `free`.
final class OctavoSegmentPeer implements Peer {
  private final PageAllocator allocator;

  OctavoSegmentPeer(long capacity) {
    allocator = PageAllocator.builder().capacity(capacity).build();
  }

  @Override
  public Slots slots(int count) {
    return new Segments(allocator, count);
  }

  @Override
  public void close() {
    allocator.close();
  }

  private static final class Segments implements Slots {
    private final PageAllocator allocator;
    private final MemorySegment[] segments;

    Segments(PageAllocator allocator, int count) {
      this.allocator = allocator;
      segments = new MemorySegment[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      segments[slot] = allocator.allocate(byteSize);
    }

    @Override
    public void free(int slot, long byteSize) {
      allocator.free(segments[slot]);
    }

    @Override
    public long address(int slot) {
      return segments[slot].address();
    }
  }
}
