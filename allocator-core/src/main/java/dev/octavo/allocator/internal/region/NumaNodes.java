package dev.octavo.allocator.internal.region;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;

/// The NUMA nodes that have memory.
///
/// @param set their numbers
record NumaNodes(BitSet set) {

  private static final Path LIST = Path.of("/sys/devices/system/node/has_memory");

  /// Those of this system; none if it does not tell.
  static NumaNodes withMemory() {
    try {
      return parse(Files.readString(LIST));
    } catch (IOException | NumberFormatException e) {
      return new NumaNodes(new BitSet());
    }
  }

  /// Reads the kernel's way to write sets: `0-3,8`.
  static NumaNodes parse(String list) {
    BitSet set = new BitSet();
    for (String range : list.strip().split(",", -1)) {
      if (!range.isEmpty()) {
        int dash = range.indexOf('-');
        int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash));
        int last = dash < 0 ? first : Integer.parseInt(range.substring(dash + 1));
        set.set(first, last + 1);
      }
    }
    return new NumaNodes(set);
  }

  int count() {
    return set.cardinality();
  }

  /// A bit for each node.
  long[] bits() {
    return set.toLongArray();
  }
}
