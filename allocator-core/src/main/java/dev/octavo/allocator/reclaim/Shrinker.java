package dev.octavo.allocator.reclaim;

/// Memory that its owner can do without, such as a cache, which tells how much it could free and
/// frees it when an allocator runs short.
///
/// An allocator asks its shrinkers when free memory falls below the low watermark, until it has
/// reached the high one; when a request waits for memory, until it is served; and when an account
/// is above its high mark. Over time each frees in proportion to what all say they could free.
///
/// - *Thread.* Both methods are called on a daemon thread of the allocator, one for all shrinkers,
///   never on the thread that requests memory, and never at the same time for one registration.
///   They must be safe against all other threads of the application, which go on.
/// - *Allocating.* A call runs in a no-reclaim scope: what it requests from the allocator neither
///   reclaims nor waits, may use the whole reserve, and fails at once if there is nothing.
/// - *Locks.* It must not wait for a lock that a thread may hold while it requests memory: that
///   thread may be waiting for this very call. Use `tryLock`, and free nothing if it is taken.
/// - *If it throws*, that is logged once for the shrinker and counted; it is asked again after a
///   second, and after twice as long each time it throws again, up to a minute.
/// - *If it lies*, nothing happens: only what the calling thread frees during the call counts, by
///   the allocator's own counters. A shrinker that said it freed something when there was nothing
///   to see is asked after the others. One that did not help 16 times in a row is left out until
///   [#count] grows, or for 100 ms, and then for twice as long, up to 3.2 s.
/// - *If it hangs*, that is, runs longer than the deadline for one call (1 s), another thread goes
///   on with the other shrinkers; it is counted, logged, and not asked again until the call
///   returns. Its thread stays, and with it all that the call refers to.
///
/// Source of the idea: `count_objects` and `scan_objects` of Linux's shrinkers.
public interface Shrinker {

  /// Estimates how much could be freed now. Called often, every 10 ms while a request waits.
  ///
  /// @return bytes; 0 or less means nothing
  long count();

  /// Tries to free a number of bytes, on the calling thread.
  ///
  /// @param byteSize positive; no more than [#count] has just returned. More or less may be freed
  /// @return bytes that it estimates it freed; only compared with the allocator's counters
  long scan(long byteSize);

  /// A registration of a shrinker with an allocator, until it is closed.
  interface Registration extends AutoCloseable {

    /// Ends the registration: no call begins any more, one that is under way is not waited for.
    /// Does nothing the second time. Thread-safe, never sleeps.
    @Override
    void close();
  }
}
