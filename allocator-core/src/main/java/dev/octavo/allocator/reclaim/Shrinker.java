package dev.octavo.allocator.reclaim;

/// Memory that its owner can do without, such as a cache: says how much it could free, and frees it
/// when an allocator runs short.
///
/// An allocator asks its shrinkers when free memory falls below the low watermark, until it has
/// reached the high one and nobody waits; and when a request waits for memory.
///
/// - *Thread.* Both methods are called on a daemon thread of the allocator, never on the thread
///   that requests memory, and never at the same time for one registration. They must be safe
///   against all other threads of the application, who go on.
/// - *Allocating.* A call runs in a no-reclaim scope: what it requests from the allocator neither
///   reclaims nor waits, may use the whole reserve, and fails at once if there is nothing.
/// - *Locks.* It must not wait for a lock that a thread may hold while it requests memory: that
///   thread may be waiting for this very call. Use `tryLock`, and free nothing if it is taken.
/// - *If it throws*, that is logged once for the shrinker and counted; it is asked again after a
///   second, and after twice as long each time it throws again, up to a minute.
/// - *If it lies*, nothing happens: what counts is what the allocator's own counters say. A
///   shrinker that said it freed something when there was nothing to see is asked after the others.
/// - *If it hangs*, that is, runs longer than the deadline for one call (1 s if nothing else is
///   said), another thread goes on with the other shrinkers; it is counted, logged, and not asked
///   again until the call returns. Its thread stays, and with it all that the call refers to.
///
/// Source of the idea: `count_objects` and `scan_objects` of Linux's shrinkers.
public interface Shrinker {

  /// How much could be freed now: a guess, quickly made.
  ///
  /// @return bytes; 0 or less means nothing
  long count();

  /// Tries to free about so many bytes.
  ///
  /// @param byteSize positive; no more than [#count] has just said. More or less may be freed
  /// @return how many bytes it thinks it freed; believed by nobody
  long scan(long byteSize);

  /// A shrinker that an allocator asks, until this is closed.
  interface Registration extends AutoCloseable {

    /// Ends it: no call begins any more, one that is under way is not waited for. Nothing happens
    /// the second time. Thread-safe, never sleeps.
    @Override
    void close();
  }
}
