package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.internal.reclaim.Shares.Offer;
import java.util.HashMap;
import java.util.Map;

/// What one worker knows of one shortage: which shrinkers did not help, and whether nothing is
/// left. Of one thread.
///
/// A shrinker whose scans did not help [#MOST_FRUITLESS] times in a row is left out of a stage,
/// until it has more to offer than then, or for 100 ms; for twice as long after each further scan
/// that does not help, up to 3.2 s. It is left out for the settings' `againNanos` in any case, so
/// that a shrinker which says more each time is not scanned without pause.
final class Shortage {

  /// Fruitless scans of one shrinker in a row, and rounds of which each doubles the last one's
  /// goal, as in Linux.
  static final int MOST_FRUITLESS = 16;

  static final long FIRST_BACKOFF_NANOS = 100_000_000;
  static final int MOST_DOUBLINGS = 5;
  static final long MOST_BACKOFF_NANOS = FIRST_BACKOFF_NANOS << MOST_DOUBLINGS;

  private final Map<Place, Trial> trials = new HashMap<>();

  /// When it was last among the needs.
  long seenAt;

  /// Whether the last look found nothing to ask.
  boolean isExhausted;

  /// When the last look was that found nothing, and how many registrations there had been.
  long lookedAt;

  long additions;

  /// Stage of the last round, and rounds in a row in this stage without progress.
  private int stage;

  private int fruitlessRounds;

  /// A shrinker in a stage.
  private record Place(Entry entry, int stage) {}

  /// Scans of one shrinker without progress.
  private static final class Trial {
    private int fruitless;
    private long offer;
    private long failedAt;
  }

  /// Begins a round. In another stage than the last one's, rounds count from anew.
  void beginRound(int inStage) {
    if (inStage != stage) {
      stage = inStage;
      fruitlessRounds = 0;
    }
  }

  void endRound(boolean hasProgress) {
    fruitlessRounds = hasProgress ? 0 : fruitlessRounds + 1;
  }

  /// How often the goal of the round is doubled.
  int doublings() {
    return Math.min(fruitlessRounds, MOST_FRUITLESS);
  }

  /// Notes that a look found nothing to ask.
  ///
  /// @param registrations number of registrations when it began
  void exhaust(long registrations, long now) {
    isExhausted = true;
    fruitlessRounds = 0;
    additions = registrations;
    lookedAt = now;
  }

  /// Whether a shrinker is left out of a stage.
  ///
  /// @param offer what it would be asked for at most
  boolean isLeftOut(Offer offer, int inStage, long now, long againNanos) {
    Trial trial = trials.get(new Place(offer.entry(), inStage));
    if (trial == null || trial.fruitless < MOST_FRUITLESS) {
      return false;
    }
    long since = now - trial.failedAt;
    int doublings = Math.min(trial.fruitless - MOST_FRUITLESS, MOST_DOUBLINGS);
    return since < againNanos
        || (offer.bytes() <= trial.offer && since < FIRST_BACKOFF_NANOS << doublings);
  }

  /// Notes a scan of the round that helped.
  void helped(Offer offer) {
    trials.remove(new Place(offer.entry(), stage));
  }

  /// Notes a scan of the round that did not help.
  void didNotHelp(Offer offer, long now) {
    Trial trial = trials.computeIfAbsent(new Place(offer.entry(), stage), _ -> new Trial());
    trial.fruitless++;
    trial.offer = offer.bytes();
    trial.failedAt = now;
  }

  void forgetClosed() {
    trials.keySet().removeIf(place -> !place.entry.isOpen());
  }
}
