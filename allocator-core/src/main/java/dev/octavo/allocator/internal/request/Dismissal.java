package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.oom.OomKiller;
import org.jspecify.annotations.Nullable;

/// The reason for which a request is made to leave its line, as the line passes it on. Never thrown
/// to callers.
final class Dismissal extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final Refusal refusal;
  private final transient OomKiller.Outcome.@Nullable Fail verdict;

  /// @param verdict the decision of the OOM policy, if it was one
  Dismissal(Refusal refusal, OomKiller.Outcome.@Nullable Fail verdict) {
    super(refusal.name(), null, false, false);
    this.refusal = refusal;
    this.verdict = verdict;
  }

  /// The code of the refusal, if a wait ended by a dismissal.
  ///
  /// @throws RuntimeException or an error, if it ended by that
  static long of(@Nullable Throwable cause, Demand demand) {
    if (cause instanceof Dismissal dismissal) {
      if (dismissal.verdict != null) {
        demand.refusedBy(dismissal.verdict);
      }
      return dismissal.refusal.code();
    }
    if (cause instanceof Error error) {
      throw error;
    }
    throw cause instanceof RuntimeException failure ? failure : new IllegalStateException(cause);
  }
}
