package dev.octavo.allocator.oom;

import java.util.HashMap;
import java.util.Map;

/// Victims that did not release their memory in time. None is chosen again before it has released
/// half of what it held then: an account that allocates and frees all the time would otherwise be
/// chosen again and again, and no other account ever.
///
/// Not thread-safe.
final class Skips {

  /// What a victim held when its time was over.
  private record Held(Measure measure, long byteSize) {
    boolean hasHalved(MemoryAccount account) {
      return measure.byteSize(account.victims()) <= byteSize / 2;
    }
  }

  private final Map<MemoryAccount, Held> skipped = new HashMap<>();

  void add(Victim victim) {
    victim.account().skip(true);
    skipped.put(victim.account(), new Held(victim.measure(), victim.heldByteSize()));
  }

  /// Ends the skip of each account that is closed or has released half.
  void look() {
    skipped
        .entrySet()
        .removeIf(
            entry -> {
              MemoryAccount account = entry.getKey();
              boolean isOver = account.isClosed() || entry.getValue().hasHalved(account);
              if (isOver) {
                account.skip(false);
              }
              return isOver;
            });
  }
}
