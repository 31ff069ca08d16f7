package dev.octavo.bench;

import dev.octavo.bench.peer.Slots;

/// The buffers of one thread, all of one size and all live; one at a time is freed and allocated
/// again.
final class LiveBuffers {
  private final Slots slots;
  private final int count;
  private final int byteSize;
  private final Victims victims;
  private int oldest;

  /// Allocates all of them.
  LiveBuffers(PeerState shared) {
    slots = shared.join();
    count = shared.liveBuffers();
    byteSize = shared.byteSize();
    victims = new Victims(count);
    for (int slot = 0; slot < count; slot++) {
      slots.allocate(slot, byteSize);
    }
  }

  /// Frees a random one and allocates one.
  int replaceRandom() {
    return replace(victims.next());
  }

  /// Frees the one that has lived longest and allocates one.
  int replaceOldest() {
    int slot = oldest;
    oldest = slot + 1 == count ? 0 : slot + 1;
    return replace(slot);
  }

  private int replace(int slot) {
    slots.free(slot, byteSize);
    slots.allocate(slot, byteSize);
    return slot;
  }

  /// Frees all of them.
  void close(PeerState shared) {
    for (int slot = 0; slot < count; slot++) {
      slots.free(slot, byteSize);
    }
    shared.leave();
  }
}
