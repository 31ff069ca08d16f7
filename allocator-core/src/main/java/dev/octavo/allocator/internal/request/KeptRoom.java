package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import org.jspecify.annotations.Nullable;

/// Keeps room below an account's max for the first in line: as many bytes as it needs.
///
/// If the usage does not fall for a while ([Patience]), nothing is kept for as long.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | kept | the thread of the first in line | volatile | others take room of the first for as long as they see the old value |
/// | all others | the same | plain | |
final class KeptRoom {

  private record Kept(WaitingRoom.Request request, long byteSize) {}

  private volatile @Nullable Kept kept;

  private WaitingRoom.@Nullable Request request;
  private Patience patience = new Patience();
  private long leastReserved;

  /// Bytes that are kept for a request.
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  long byteSizeFor(WaitingRoom.@Nullable Request first) {
    Kept now = kept;
    return now != null && now.request == first ? now.byteSize : 0;
  }

  /// Looks after the room, before the first in line sleeps.
  ///
  /// @param byteSize what it needs
  /// @param reserved what counts against the max now
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  void lookAfter(WaitingRoom.Request first, long byteSize, long reserved, long now) {
    if (first != request) {
      request = first;
      patience = new Patience();
      keep(first, byteSize, reserved, now);
    } else if (kept == null) {
      if (!patience.isLapsed(now)) {
        keep(first, byteSize, reserved, now);
      }
    } else {
      boolean hasProgress = reserved < leastReserved;
      leastReserved = Math.min(reserved, leastReserved);
      if (patience.isOver(hasProgress, now)) {
        kept = null;
        patience.lapse(now);
      }
    }
  }

  private void keep(WaitingRoom.Request first, long byteSize, long reserved, long now) {
    leastReserved = reserved;
    patience.begin(now);
    kept = new Kept(first, byteSize);
  }
}
