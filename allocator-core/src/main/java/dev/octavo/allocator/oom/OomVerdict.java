package dev.octavo.allocator.oom;

import java.util.Optional;

/// What an [OomPolicy] decides.
public sealed interface OomVerdict {

  /// An account shall give up its memory.
  ///
  /// @param candidate which
  record Kill(OomCandidate candidate) implements OomVerdict {}

  /// All members of a group shall give up their memory, but for those that are spared.
  ///
  /// @param candidate the group
  record KillGroup(OomCandidate candidate) implements OomVerdict {}

  /// Who asks for memory shall get an exception.
  ///
  /// @param reason for its message
  record FailRequester(String reason) implements OomVerdict {}

  /// Who asks for memory shall wait for what the last victim gives.
  ///
  /// @param victimId the number of the victim
  record WaitForVictim(long victimId) implements OomVerdict {}

  /// Nothing shall be done: who asks for memory waits as long as it may.
  record Nothing() implements OomVerdict {}

  /// The verdict on a candidate.
  ///
  /// @param candidate an account or a group
  /// @return [Kill] or [KillGroup]
  static OomVerdict kill(OomCandidate candidate) {
    return candidate.isGroup() ? new KillGroup(candidate) : new Kill(candidate);
  }

  /// Who shall give.
  ///
  /// @return empty if nobody
  default Optional<OomCandidate> victim() {
    return switch (this) {
      case Kill kill -> Optional.of(kill.candidate());
      case KillGroup kill -> Optional.of(kill.candidate());
      case FailRequester _, WaitForVictim _, Nothing _ -> Optional.empty();
    };
  }
}
