package dev.octavo.allocator.internal.request;

/// Decides how long something is kept for the first in line that makes no progress.
///
/// What is kept is given up after [#nanos] without progress. When nothing is left to be kept
/// instead, the reservation lapses for the same time, in which other requests may take everything;
/// then it is made again, with twice the patience. So a request that can be served as soon as
/// others free what they hold gets its memory even from a steady stream of requests, once patience
/// exceeds the time for which those live; and a request without hope holds up others for at most
/// [#MOST_NANOS] at a time.
///
/// Used by the thread of the first in line only.
final class Patience {

  /// Patience at first, in nanoseconds.
  static final long LEAST_NANOS = 50_000_000;

  /// Patience at last, in nanoseconds.
  static final long MOST_NANOS = 800_000_000;

  private long nanos = LEAST_NANOS;
  private long since;
  private long lapsedUntil;
  private boolean isLapsed;

  /// Begins to wait for progress.
  void begin(long now) {
    since = now;
    isLapsed = false;
  }

  /// Whether there was no progress for too long.
  ///
  /// @param hasProgress whether there was some since the last call
  boolean isOver(boolean hasProgress, long now) {
    if (hasProgress) {
      since = now;
    }
    return now - since > nanos;
  }

  /// Keeps nothing for a while.
  void lapse(long now) {
    isLapsed = true;
    lapsedUntil = now + nanos;
    nanos = Math.min(2 * nanos, MOST_NANOS);
  }

  boolean isLapsed(long now) {
    return isLapsed && now - lapsedUntil < 0;
  }
}
