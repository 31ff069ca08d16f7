package dev.octavo.bench.peer;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The JDK's arenas, one for each buffer, which is how a buffer gets a lifetime of its own. Memory
/// is zeroed.
final class ArenaPeer implements Peer {
  private final boolean shared;

  /// Makes a peer of confined arenas, which only their own thread may close, or of shared ones.
  ArenaPeer(boolean shared) {
    this.shared = shared;
  }

  @Override
  public Slots slots(int count) {
    return shared ? new Shared(count) : new Confined(count);
  }

  private abstract static class Arenas implements Slots {
    final Arena[] arenas;
    final MemorySegment[] segments;

    Arenas(int count) {
      arenas = new Arena[count];
      segments = new MemorySegment[count];
    }

    @Override
    public final void free(int slot, long byteSize) {
      arenas[slot].close();
    }

    @Override
    public final long address(int slot) {
      return segments[slot].address();
    }
  }

  private static final class Confined extends Arenas {
    Confined(int count) {
      super(count);
    }

    @Override
    public void allocate(int slot, long byteSize) {
      Arena arena = Arena.ofConfined();
      segments[slot] = arena.allocate(byteSize);
      arenas[slot] = arena;
    }
  }

  private static final class Shared extends Arenas {
    Shared(int count) {
      super(count);
    }

    @Override
    public void allocate(int slot, long byteSize) {
      Arena arena = Arena.ofShared();
      segments[slot] = arena.allocate(byteSize);
      arenas[slot] = arena;
    }
  }
}
