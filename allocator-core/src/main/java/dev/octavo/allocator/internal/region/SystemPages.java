package dev.octavo.allocator.internal.region;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/// The pages of the system, not ours. Read from the vector that the kernel hands to each process,
/// so that nobody needs native access to know it.
final class SystemPages {

  private static final Path VECTOR = Path.of("/proc/self/auxv");

  /// The kind of the entry that has the page size; entries are pairs of kind and value.
  private static final long AT_PAGESZ = 6;

  private SystemPages() {}

  /// The size of one in bytes, a power of two.
  static long byteSize() throws IOException {
    LongBuffer entries =
        ByteBuffer.wrap(Files.readAllBytes(VECTOR)).order(ByteOrder.nativeOrder()).asLongBuffer();
    while (entries.remaining() >= 2) {
      long kind = entries.get();
      long value = entries.get();
      if (kind == AT_PAGESZ) {
        return value;
      }
    }
    throw new IOException("system has no page size: file=" + VECTOR);
  }
}
