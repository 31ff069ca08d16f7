package dev.octavo.allocator.internal.buddy;

import java.util.Optional;

/// What a [RaceExplorer] runs calls on.
public interface RaceSubject {

  /// Empty if there is an order of the calls that keeps to their times and explains every result,
  /// else the calls as text.
  Optional<String> unexplained();

  /// Fails unless every law holds now that no call runs, and all is as new once it is freed.
  ///
  /// @param description of the schedule, for messages
  void checkAtRest(Object description);
}
