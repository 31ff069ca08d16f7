package dev.octavo.bench.peer;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;

/// Arrow's buffers, by `buffer` and `close`, of a root allocator over `Unsafe`.
final class ArrowPeer implements Peer {
  private final BufferAllocator allocator = ArrowRoot.open();

  @Override
  public Slots slots(int count) {
    return new Buffers(allocator, count);
  }

  /// Fails if a buffer was not freed.
  @Override
  public void close() {
    allocator.close();
  }

  private static final class Buffers implements Slots {
    private final BufferAllocator allocator;
    private final ArrowBuf[] buffers;

    Buffers(BufferAllocator allocator, int count) {
      this.allocator = allocator;
      buffers = new ArrowBuf[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      buffers[slot] = allocator.buffer(byteSize);
    }

    @Override
    public void free(int slot, long byteSize) {
      buffers[slot].close();
    }

    @Override
    public long address(int slot) {
      return buffers[slot].memoryAddress();
    }
  }
}
