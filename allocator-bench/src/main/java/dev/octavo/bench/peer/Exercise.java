package dev.octavo.bench.peer;

import java.util.SplittableRandom;

/// What a program has done before the moment that is measured: buffers of other sizes, from other
/// call sites. Without it the JIT knows one size and one caller, and specialises for them.
public final class Exercise {
  private static final long[] BYTE_SIZES = {
    64, 256, 1000, 4096, 5000, 12_288, 16_384, 65_536, 135_168, 1 << 20
  };

  private static final int SLOTS = 24;
  private static final int OPERATIONS = 20_000;
  private static final int OPERATIONS_PER_CHECK = 64;

  /// For peers that need tens of microseconds an operation.
  private static final long LONGEST_NANOS = 20_000_000;

  private Exercise() {}

  /// Fills and empties slots at random, and leaves all empty. Takes 20 ms at most.
  public static void run(Peer peer) {
    Slots slots = peer.slots(SLOTS);
    long[] live = new long[SLOTS];
    SplittableRandom random = new SplittableRandom(42);
    long start = System.nanoTime();
    for (int i = 0; i < OPERATIONS; i++) {
      step(slots, live, random);
      if (i % OPERATIONS_PER_CHECK == 0 && System.nanoTime() - start > LONGEST_NANOS) {
        break;
      }
    }
    for (int slot = 0; slot < SLOTS; slot++) {
      if (live[slot] != 0) {
        slots.free(slot, live[slot]);
      }
    }
  }

  private static void step(Slots slots, long[] live, SplittableRandom random) {
    int slot = random.nextInt(SLOTS);
    if (live[slot] == 0) {
      live[slot] = BYTE_SIZES[random.nextInt(BYTE_SIZES.length)];
      slots.allocate(slot, live[slot]);
    } else {
      slots.free(slot, live[slot]);
      live[slot] = 0;
    }
  }
}
