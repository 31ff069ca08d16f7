package dev.octavo.bench;

import java.util.Random;

/// An endless series of slot numbers from `Random(42)`, drawn beforehand: the generator is not
/// measured.
final class Victims {
  private static final int DRAWN = 1 << 16;
  private static final long SEED = 42;

  private final char[] slots = new char[DRAWN];
  private int next;

  /// Draws numbers in 0..slotCount - 1; at most 2^16 slots.
  Victims(int slotCount) {
    Random random = new Random(SEED);
    for (int i = 0; i < DRAWN; i++) {
      slots[i] = (char) random.nextInt(slotCount);
    }
  }

  int next() {
    int slot = slots[next];
    next = (next + 1) & (DRAWN - 1);
    return slot;
  }
}
