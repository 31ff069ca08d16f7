package dev.octavo.bench.peer;

/// [Mimalloc] behind the common face.
final class MimallocPeer implements Peer {

  @Override
  public Slots slots(int count) {
    return new Addresses(count);
  }

  private static final class Addresses implements Slots {
    private final long[] addresses;

    Addresses(int count) {
      addresses = new long[count];
    }

    @Override
    public void allocate(int slot, long byteSize) {
      addresses[slot] = Mimalloc.allocate(byteSize);
    }

    @Override
    public void free(int slot, long byteSize) {
      Mimalloc.free(addresses[slot]);
    }

    @Override
    public long address(int slot) {
      return addresses[slot];
    }
  }
}
