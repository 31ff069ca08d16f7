package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.oom.MemoryAccount;
import org.jspecify.annotations.Nullable;

/// How much of an account's memory its shrinkers may be asked for.
///
/// Stage by stage: others down to their low mark, the requester's own account down to low, others
/// down to min, the requester's own down to min. So memory below low is taken only when all others
/// have nothing above theirs, the requester gives last in both, and nothing is taken below min.
final class Spare {

  /// Number of stages for a request.
  static final int STAGES = 4;

  private Spare() {}

  /// Bytes that an account may be asked for in a stage.
  ///
  /// @param requester the account that needs memory, or null
  static long inStage(MemoryAccount account, @Nullable MemoryAccount requester, int stage) {
    boolean isOwn = requester != null && isOwn(account, requester);
    boolean isTurnOfOwn = (stage & 1) != 0;
    if (isOwn != isTurnOfOwn) {
      return 0;
    }
    return stage < STAGES / 2 ? aboveLow(account) : aboveMin(account);
  }

  /// Whether an account is the requester or below it. All are below the root, which pays for
  /// requests without an account: of those only the root itself is the requester.
  private static boolean isOwn(MemoryAccount account, MemoryAccount requester) {
    return requester.parent().isEmpty()
        ? account.equals(requester)
        : isAtOrBelow(account, requester);
  }

  static long aboveLow(MemoryAccount account) {
    return Math.max(0, account.usage() - account.limits().lowByteSize());
  }

  static long aboveMin(MemoryAccount account) {
    return Math.max(0, account.usage() - account.limits().minByteSize());
  }

  static boolean isAtOrBelow(MemoryAccount account, MemoryAccount top) {
    for (MemoryAccount at = account; at != null; at = at.parent().orElse(null)) {
      if (at.equals(top)) {
        return true;
      }
    }
    return false;
  }
}
