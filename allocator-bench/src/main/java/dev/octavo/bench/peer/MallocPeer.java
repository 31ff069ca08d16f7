package dev.octavo.bench.peer;

/// [Malloc] behind the common face.
final class MallocPeer implements Peer {

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
      addresses[slot] = Malloc.allocate(byteSize);
    }

    @Override
    public void free(int slot, long byteSize) {
      Malloc.free(addresses[slot]);
    }

    @Override
    public long address(int slot) {
      return addresses[slot];
    }
  }
}
