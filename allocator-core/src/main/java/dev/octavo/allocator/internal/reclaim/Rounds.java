package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.internal.reclaim.Reclaimer.Host;
import dev.octavo.allocator.internal.reclaim.Reclaimer.Need;
import dev.octavo.allocator.internal.reclaim.Reclaimer.Settings;
import dev.octavo.allocator.internal.reclaim.Shares.Offer;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/// The work of one worker of a reclaimer: rounds of shrinkers for each need, until all needs are
/// met or exhausted. A worker that replaces another begins with rounds of its own, so that a call
/// which returns late meets nothing that others write.
///
/// Each turn gives each need one round, in the host's order, so that none waits for another to come
/// to its end. A turn looks for the first stage in which there is a shrinker to ask. If there is
/// none in any stage, the need is exhausted: this look began after the need was seen, and found
/// only shrinkers that have nothing, are left out ([Shortage]), throw or hang.
///
/// `exhausted` is the only field that other threads read: written here, concurrent map, each value
/// immutable.
final class Rounds {

  /// What a credit may lack of a page because of rounding.
  private static final double ROUNDING = 1e-6;

  /// Goal of a round for a need for which no request waits, in pages, as in Linux.
  private static final int LEAST_GOAL_PAGES = 32;

  private static final int MOST_KEYS = 1024;

  private final Settings settings;
  private final Host host;
  private final Shrinkers shrinkers;
  private final Parts parts;

  private final Shares shares = new Shares();
  private final Map<Object, Shortage> shortages = new HashMap<>();
  private final Map<Object, Exhaustion> exhausted = new ConcurrentHashMap<>();

  /// When the next look is due though nothing wakes the worker; if `hasDue`.
  private long dueAt;

  private boolean hasDue;

  /// @param clock the time
  /// @param worker whose work this is
  /// @param counts what is counted for all workers
  record Parts(WaitClock clock, Worker worker, Counts counts) {}

  /// Sums over all workers.
  record Counts(AtomicLong rounds, AtomicLong reclaimedBytes, AtomicLong exhausted) {
    Counts() {
      this(new AtomicLong(), new AtomicLong(), new AtomicLong());
    }
  }

  /// A look that found nothing to ask.
  ///
  /// @param additions number of registrations when it began
  /// @param eligible shrinkers that may be asked for the need, in any stage
  private record Exhaustion(long additions, List<Entry> eligible) {}

  /// What shrinkers say during one look; each is asked once.
  private final class Look {
    private final long additions = shrinkers.additions();
    private final Set<Entry> eligible = new HashSet<>();
    private final Map<Entry, Long> counts = new HashMap<>();
    private boolean isPending;

    /// What can be asked for in a stage. Sets `isPending` if an eligible shrinker is in a call.
    private List<Offer> offers(Need need, Shortage shortage, int stage) {
      List<Offer> offers = new ArrayList<>();
      long now = parts.clock.nanoTime();
      for (Entry entry : shrinkers.entries()) {
        long most = entry.isOpen() ? need.mostBytes(entry.owner(), stage) : 0;
        if (most > 0) {
          eligible.add(entry);
          isPending |= shrinkers.isUnderWay(entry);
          Offer offer = new Offer(entry, Math.min(most, count(entry)));
          if (offer.bytes() > 0 && !shortage.isLeftOut(offer, stage, now, settings.againNanos())) {
            offers.add(offer);
          }
        }
      }
      return offers;
    }

    private long count(Entry entry) {
      if (!isAtWork()) {
        return 0;
      }
      Long known = counts.get(entry);
      if (known == null) {
        known = shrinkers.count(parts.worker, entry);
        counts.put(entry, known);
      }
      return known;
    }
  }

  Rounds(Settings settings, Host host, Shrinkers shrinkers, Parts parts) {
    this.settings = settings;
    this.host = host;
    this.shrinkers = shrinkers;
    this.parts = parts;
  }

  Worker worker() {
    return parts.worker;
  }

  // ---- asked by any thread

  /// Whether the last look for a need found nothing to ask, no shrinker was added since, and none
  /// that could help is in a scan.
  boolean isExhausted(Object key) {
    Exhaustion last = exhausted.get(key);
    return last != null
        && last.additions == shrinkers.additions()
        && last.eligible.stream().noneMatch(shrinkers::isScanUnderWay);
  }

  boolean hasExhausted() {
    return !exhausted.isEmpty();
  }

  // ---- the worker's

  private boolean isAtWork() {
    return !parts.worker.isReplaced();
  }

  /// Nanoseconds until the next look is due, at most as many as given.
  long nanosLeft(long most) {
    return hasDue ? Math.clamp(dueAt - parts.clock.nanoTime(), 0, most) : most;
  }

  private void look(long at) {
    if (!hasDue || at - dueAt < 0) {
      dueAt = at;
      hasDue = true;
    }
  }

  /// Works until each need is met or exhausted.
  void run() {
    boolean isBusy = true;
    while (isBusy && isAtWork()) {
      hasDue = false;
      List<? extends Need> needs = host.needs();
      forgetGone(needs);
      isBusy = false;
      for (Need need : needs) {
        isBusy |= isAtWork() && serve(need);
      }
    }
  }

  /// Forgets needs that are gone. What did not help them is kept until it might be tried again
  /// anyhow, because the next request may be short of the same.
  private void forgetGone(List<? extends Need> needs) {
    shrinkers.removeClosed();
    shares.forgetClosed();
    Set<Object> keys = new HashSet<>();
    needs.forEach(need -> keys.add(need.key()));
    exhausted.keySet().retainAll(keys);
    long now = parts.clock.nanoTime();
    boolean isFull = shortages.size() > MOST_KEYS;
    shortages
        .entrySet()
        .removeIf(
            known ->
                !keys.contains(known.getKey())
                    && (isFull || now - known.getValue().seenAt > Shortage.MOST_BACKOFF_NANOS));
    for (Map.Entry<Object, Shortage> known : shortages.entrySet()) {
      known.getValue().forgetClosed();
      known.getValue().isExhausted &= keys.contains(known.getKey());
    }
  }

  /// Runs one round for a need, if there is a shrinker to ask.
  ///
  /// @return whether any was asked to free something
  private boolean serve(Need need) {
    Shortage shortage = shortages.computeIfAbsent(need.key(), _ -> new Shortage());
    long now = parts.clock.nanoTime();
    shortage.seenAt = now;
    if (need.missingBytes() <= 0) {
      hasSomething(need, shortage);
      return false;
    }
    long rest = need.isAwaited() ? settings.againNanos() : settings.restNanos();
    if (shortage.isExhausted
        && shortage.additions == shrinkers.additions()
        && now - shortage.lookedAt < rest) {
      look(shortage.lookedAt + rest);
      return false;
    }
    Look look = new Look();
    for (int stage = 0; stage < need.stages() && !look.isPending; stage++) {
      List<Offer> offers = look.offers(need, shortage, stage);
      if (!offers.isEmpty() && isAtWork()) {
        hasSomething(need, shortage);
        shortage.beginRound(stage);
        return runRound(need, shortage, offers);
      }
    }
    if (look.isPending) {
      hasSomething(need, shortage);
      look(now + settings.againNanos());
    } else if (isAtWork()) {
      exhaust(need, shortage, look);
    }
    return false;
  }

  private void hasSomething(Need need, Shortage shortage) {
    shortage.isExhausted = false;
    exhausted.remove(need.key());
  }

  private void exhaust(Need need, Shortage shortage, Look look) {
    if (!shortage.isExhausted) {
      parts.counts.exhausted.incrementAndGet();
    }
    shortage.exhaust(look.additions, parts.clock.nanoTime());
    exhausted.put(need.key(), new Exhaustion(look.additions, List.copyOf(look.eligible)));
    if (need.isAwaited()) {
      look(shortage.lookedAt + settings.againNanos());
    }
  }

  /// Asks each shrinker for its share, until nothing is missing.
  ///
  /// @return whether any was asked
  private boolean runRound(Need need, Shortage shortage, List<Offer> offers) {
    parts.counts.rounds.incrementAndGet();
    shares.deal(offers, goal(need, shortage));
    boolean isAsked = false;
    boolean hasProgress = false;
    for (Offer offer : offers) {
      double goal = goal(need, shortage);
      if (isAtWork() && goal > 0) {
        isAsked = true;
        hasProgress |= scan(need, shortage, offer, portion(offer, goal));
      }
    }
    shortage.endRound(hasProgress);
    return isAsked;
  }

  /// Bytes to aim at: what is missing, since a request needs no more; twice as much after each
  /// round without progress; for a background need at least what is worth a round.
  private double goal(Need need, Shortage shortage) {
    long missing = need.missingBytes();
    long least = need.isAwaited() ? 0 : (long) LEAST_GOAL_PAGES * settings.pageSize();
    return missing <= 0 ? 0 : Math.scalb((double) Math.max(missing, least), shortage.doublings());
  }

  /// A shrinker's credit in whole pages, at least one, and no more than the goal or its offer. What
  /// is cut off here goes to the largest credits in the next round, a page each.
  private long portion(Offer offer, double goal) {
    int pageSize = settings.pageSize();
    double most = Math.ceil(Math.min(goal, (double) offer.bytes()) / pageSize);
    double pages =
        Math.max(1, Math.min(Math.floor(shares.credit(offer) / pageSize + ROUNDING), most));
    return Math.min((long) (pages * pageSize), offer.bytes());
  }

  /// @return whether it helped
  private boolean scan(Need need, Shortage shortage, Offer offer, long byteSize) {
    long before = need.helpedBytes();
    long said = shrinkers.scan(parts.worker, offer.entry(), byteSize);
    if (!isAtWork()) {
      return false;
    }
    long seen = Math.max(0, need.helpedBytes() - before);
    parts.counts.reclaimedBytes.addAndGet(seen);
    // What is freed after the request was served is not seen; it counts for the shares all the
    // same.
    boolean isOver = need.missingBytes() <= 0;
    long helped = isOver ? Math.max(seen, Math.clamp(said, 0, byteSize)) : seen;
    shares.settle(offer, byteSize, said, helped);
    if (helped > 0) {
      shortage.helped(offer);
    } else {
      shortage.didNotHelp(offer, parts.clock.nanoTime());
    }
    return helped > 0;
  }
}
