package dev.octavo.allocator.internal.region;

import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How bytes that nobody needs go back to the system, which reads them as zeroes from then on.
public final class Discard {

  private static final Logger LOG = LoggerFactory.getLogger(Discard.class);

  private final int advice;
  private final long granule;

  /// @param advice what `madvise` is told
  /// @param granule in bytes, a power of two: only whole aligned pieces of this size go back
  Discard(int advice, long granule) {
    this.advice = advice;
    this.granule = granule;
  }

  /// The size of the smallest piece that can go back, in bytes, a power of two.
  public long granule() {
    return granule;
  }

  /// Gives bytes back. They must be alive until it returns.
  ///
  /// @param address a multiple of the granule, as is `byteSize`
  /// @return false if the system refused, which the log says; nobody should ask again
  public boolean giveBack(long address, long byteSize) {
    try {
      NativeMemory.advise(address, byteSize, advice);
      return true;
    } catch (IOException e) {
      LOG.warn("free memory stays with the process, no purge from now on: {}", e.getMessage());
      return false;
    }
  }
}
