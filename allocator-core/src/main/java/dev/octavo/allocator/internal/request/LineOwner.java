package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a line calls upward. No method waits.
interface LineOwner {

  /// Says that memory is needed.
  void wakeReclaimer();

  /// Called before a request sleeps.
  void sleeping(InLine request);

  /// Called by the first in line each time it has slept without success.
  ///
  /// @param domain the account without room, or null if there are no pages
  void stillWaiting(WaitingRoom place, @Nullable MemoryAccount domain);

  /// Whether requests wait for room in an account that a payer's charges count for.
  boolean isLimitAwaited(Payer payer);

  /// Whether an account was chosen by the OOM policy and still holds memory.
  boolean isVictim(@Nullable Payer payer);

  /// Pages that a request which waits must leave free.
  long markOf(@Nullable Payer payer);

  /// Logs requests that wait for pages for long.
  void dump(List<WaitingRoom.Waiting> waiting);
}
