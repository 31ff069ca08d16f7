package dev.octavo.bench.peer;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;

/// Netty's direct buffers, by `directBuffer` and `release`, with the defaults that Netty gives to a
/// thread that is not one of its own: no cache of the thread's own, a leak detector that samples.
final class NettyPeer implements Peer {
  private final ByteBufAllocator allocator;

  private NettyPeer(ByteBufAllocator allocator) {
    this.allocator = allocator;
  }

  static NettyPeer pooled() {
    return new NettyPeer(new PooledByteBufAllocator(true));
  }

  static NettyPeer adaptive() {
    return new NettyPeer(new AdaptiveByteBufAllocator(true));
  }

  @Override
  public Slots slots(int count) {
    return new Buffers(allocator, count);
  }

  private static final class Buffers implements Slots {
    private final ByteBufAllocator allocator;
    private final ByteBuf[] buffers;

    Buffers(ByteBufAllocator allocator, int count) {
      this.allocator = allocator;
      buffers = new ByteBuf[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      buffers[slot] = allocator.directBuffer((int) byteSize);
    }

    @Override
    public void free(int slot, long byteSize) {
      buffers[slot].release();
    }

    @Override
    public long address(int slot) {
      return buffers[slot].memoryAddress();
    }
  }
}
