package dev.octavo.allocator.oom;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Decisions that had no effect, and are not made again for a while: dry runs, for all shortages,
/// and verdicts to do nothing, for the requester.
///
/// Not thread-safe.
final class Quiet {

  /// The source of a shortage.
  private record Asker(
      OomKiller.Shortage.Kind kind, MemoryAccount domain, MemoryAccount requester) {
    static Asker of(OomKiller.Shortage shortage) {
      return new Asker(shortage.kind(), shortage.domain(), shortage.requester());
    }
  }

  private final long lengthNanos;
  private final Map<Asker, Long> quietSince = new HashMap<>();
  private @Nullable Long dryRunAt;

  Quiet(long lengthNanos) {
    this.lengthNanos = lengthNanos;
  }

  void afterDryRun(long now) {
    dryRunAt = now;
  }

  void afterNothing(OomKiller.Shortage shortage, long now) {
    quietSince.put(Asker.of(shortage), now);
  }

  boolean isQuiet(OomKiller.Shortage shortage, long now) {
    Long dryRun = dryRunAt;
    if (dryRun != null && isRecent(dryRun, now)) {
      return true;
    }
    quietSince.values().removeIf(since -> !isRecent(since, now));
    return quietSince.containsKey(Asker.of(shortage));
  }

  private boolean isRecent(long since, long now) {
    return now - since < lengthNanos;
  }
}
