package dev.octavo.allocator.oom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Gets memory back when it has run out: lets an [OomPolicy] choose a victim, tells its owner,
/// waits for a grace period, then takes the memory of accounts that are
/// [reapable][MemoryAccount#isReapable], and goes on to another victim if that does not help.
///
/// A thread that waits for memory, and has tried everything else, calls [#tick] until it has what
/// it needs, about every 10 ms. Nothing happens except in these calls. States, times and texts are
/// in docs/oom.md.
///
/// **One victim in flight**, whatever the domain: while it holds memory that helps, no other
/// account is chosen, until it has not released its memory in time. Progress is what counters say,
/// never what a callback returned.
///
/// **The last look.** Before the policy is asked, after it has decided, and before each try of the
/// reaper, the killer looks once more at what this shortage needs. After the look that precedes a
/// kill nothing is computed: what arrives later arrives too late by a few instructions only.
///
/// Thread-safe. One thread at a time does the work, all others return at once. A tick takes no lock
/// that is held for long and never sleeps; only for a policy that is not built in it waits, at most
/// for the policy's limit. A decision looks at each account of the domain.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | isBusy | the ticking thread: true by CAS before the work, false after it | volatile; so a word that is not listed here is written by one thread at a time | `OomKillerStressTest` |
/// | inFlight | the thread that has set isBusy | volatile, for [#isVictim] | |
public final class OomKiller {

  /// The owner of the memory. All methods but [#call] are called by the ticking thread, while no
  /// other tick does anything: they must not wait. The exceptions of [#reap] and [#chosen] are
  /// logged; all others go to the ticking thread.
  public interface Host {

    /// Returns the size of all memory.
    ///
    /// @return bytes, at least 1
    long capacityByteSize();

    /// Returns how much of it is free.
    ///
    /// @return bytes, at least 0
    long freeByteSize();

    /// Returns the unit of the log.
    ///
    /// @return bytes, 1 to 2^30
    int pageByteSize();

    /// Whether the requester of a shortage still waits. If not, no account is killed or reaped for
    /// it.
    ///
    /// @param shortage as given to [OomKiller#tick], now or earlier
    /// @return false if it was served, has failed or has given up
    default boolean isWaiting(Shortage shortage) {
      return true;
    }

    /// Whether the run of pages that a shortage needs exists now. Asked only for
    /// [Shortage.Kind#PAGES]: the room below a limit is read from the domain.
    ///
    /// @param shortage as given to [OomKiller#tick], now or earlier
    /// @return true if no account has to release memory
    boolean isEnough(Shortage shortage);

    /// Returns how much an account itself, without those below it, holds that helps a shortage if
    /// it is released. Must depend on nothing of the shortage but its kind and domain, because it
    /// is also asked when the shortage is over.
    ///
    /// @param shortage as given to [OomKiller#tick], now or earlier
    /// @param account of its domain
    /// @return bytes, at least 0
    default long helpfulByteSize(Shortage shortage, MemoryAccount account) {
      return account.ownUsage();
    }

    /// Returns the units whose release helps a shortage, for example because their pages and the
    /// free pages next to them can form the run. The release of a unit is that of all its
    /// [victims][MemoryAccount#victims].
    ///
    /// @param shortage as given to [OomKiller#tick], now or earlier
    /// @param units accounts and groups that hold something that helps, of the domain; not
    ///   modifiable
    /// @return a subset
    default Set<MemoryAccount> helpful(Shortage shortage, Collection<MemoryAccount> units) {
      return Set.copyOf(units);
    }

    /// Called immediately after a victim was chosen, such that its requests in line can fail at
    /// once. From then on [OomKiller#isVictim] is true for the members. Not called in a dry run.
    ///
    /// @param members the accounts whose memory goes
    /// @param failure names the kill; [Outcome.Fail#forRequest] adapts it to a request of a member
    default void chosen(Set<MemoryAccount> members, Outcome.Fail failure) {}

    /// Takes an account's memory away now, such that its next access fails, and uncharges it. The
    /// memory must be free before it is uncharged. Called only for accounts that are reapable;
    /// called again if the account still holds memory that helps.
    ///
    /// @param account the account
    /// @return false if refused for now, for example because a native call holds it
    boolean reap(MemoryAccount account);

    /// Calls an owner's handler, on a thread of its own, such that it does not wait for memory.
    ///
    /// @param label name of the call
    /// @param callback the call
    default void call(String label, Runnable callback) {
      callback.run();
    }
  }

  /// A request for memory that cannot be served.
  ///
  /// @param kind what is missing
  /// @param domain the account that has run out: the one that refused the charge, or the root if
  ///   there are no pages
  /// @param requester the account of the request, the domain or an account below it
  /// @param byteSize what is pending, bytes, at least 0; for a resize the new size minus the old
  /// @param who for the log, for example the name of a thread
  /// @param mode the allocation mode, for the log
  /// @param request an object of the host's own that identifies the request; not looked at
  public record Shortage(
      Kind kind,
      MemoryAccount domain,
      MemoryAccount requester,
      long byteSize,
      String who,
      String mode,
      Object request) {

    /// What a shortage lacks.
    public enum Kind {
      /// A run of pages.
      PAGES,
      /// Room below the max of the domain.
      LIMIT
    }

    /// Checks the size.
    ///
    /// @throws IllegalArgumentException if it is negative
    public Shortage {
      if (byteSize < 0) {
        throw new IllegalArgumentException("negative size: byteSize=" + byteSize);
      }
    }

    /// A shortage without an object of the host's.
    ///
    /// @param kind what is missing
    /// @param domain the account that has run out
    /// @param requester the account of the request, the domain or an account below it
    /// @param byteSize what is pending, bytes, at least 0
    /// @param who for the log, for example the name of a thread
    /// @param mode the allocation mode, for the log
    /// @throws IllegalArgumentException if the size is negative
    public Shortage(
        Kind kind,
        MemoryAccount domain,
        MemoryAccount requester,
        long byteSize,
        String who,
        String mode) {
      this(kind, domain, requester, byteSize, who, mode, "");
    }

    boolean isLikeThat(Shortage other) {
      return kind == other.kind && domain.equals(other.domain);
    }

    boolean isRoomBelowMax() {
      return domain.limits().maxByteSize() - domain.reserved() >= byteSize;
    }
  }

  /// What the caller of [#tick] must do next.
  public sealed interface Outcome {

    /// Try again, and wait a little if there is still nothing.
    record Wait() implements Outcome {}

    /// Give up: no account can be chosen, the policy says so, or the requester is itself the
    /// victim.
    ///
    /// @param reason the first words of the message
    /// @param shortage the request that failed
    /// @param snapshot what the decision was based on
    /// @param verdict what was decided
    record Fail(String reason, Shortage shortage, OomSnapshot snapshot, OomVerdict verdict)
        implements Outcome {

      private static final int TOP = 5;

      /// The same failure of another request, for example of another one of the victim's.
      ///
      /// @param other the request that fails
      /// @return a copy
      public Fail forRequest(Shortage other) {
        return new Fail(reason, other, snapshot, verdict);
      }

      /// The text for an exception: the reason, the victim if there is one, the domain, the
      /// request, the top five consumers.
      ///
      /// @return a line
      public String message() {
        String victim =
            verdict.victim().map(one -> "victim=" + OomText.line(one.name()) + ", ").orElse("");
        List<String> consumers =
            topConsumers().stream()
                .map(one -> OomText.line(one.name()) + ":" + one.usageByteSize() + "B")
                .toList();
        return "%s: %sdomain=%s, requester=%s, request=%dB, free=%dB, consumers=%s"
            .formatted(
                OomText.line(reason),
                victim,
                OomText.line(shortage.domain().path()),
                OomText.line(shortage.requester().path()),
                shortage.byteSize(),
                snapshot.freeByteSize(),
                consumers);
      }

      /// The candidates that use most, whether they could be chosen or not.
      ///
      /// @return up to five, the largest first
      public List<OomCandidate> topConsumers() {
        return snapshot.candidates().stream()
            .sorted(
                Comparator.comparingLong(OomCandidate::usageByteSize)
                    .reversed()
                    .thenComparing(OomCandidate::name))
            .limit(TOP)
            .toList();
      }

      /// The text of the decision, with the table of candidates.
      ///
      /// @return as [OomAudit#text]
      public String table() {
        return OomAudit.text(snapshot, verdict, false);
      }
    }
  }

  /// How often owners were told, since the killer was built.
  ///
  /// @param told handlers that returned
  /// @param thrown handlers that threw
  /// @param hung handlers that took longer than they may
  /// @param untold handlers that were not called, because an earlier call of the same has not
  ///   returned, too many hang, or there was no thread
  public record Handlers(long told, long thrown, long hung, long untold) {}

  private static final Outcome WAIT = new Outcome.Wait();
  private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

  private final Host host;
  private final OomPolicy policy;
  private final OomAudit audit;
  private final MemoryPressure pressure;
  private final LongSupplier clock;
  private final Notices notices;
  private final LastLook look;
  private final Reaper reaper;
  private final long graceNanos;
  private final long lifeNanos;
  private final long minReclaimBytes;
  private final boolean isDryRun;

  private final AtomicBoolean isBusy = new AtomicBoolean();
  private volatile @Nullable Victim inFlight;

  private final List<String> mistakes = new ArrayList<>();
  private final Skips skips = new Skips();
  private final Quiet quiet;
  private long lastTick;

  OomKiller(OomKillerBuilder builder) {
    host = builder.host;
    policy = builder.policy.contained(builder.policyLimit, mistakes::add);
    audit = builder.audit;
    clock = builder.clock;
    pressure = new MemoryPressure(clock);
    notices = new Notices(host, clock, builder.handlerLimit.toNanos());
    look = new LastLook(host);
    reaper = new Reaper(builder, look, skips);
    graceNanos = builder.grace.toNanos();
    long intervalNanos = builder.reaperInterval.toNanos();
    lifeNanos = graceNanos + builder.reaperTries * intervalNanos;
    quiet = new Quiet(Math.max(graceNanos, intervalNanos));
    minReclaimBytes = builder.minReclaimBytes;
    isDryRun = builder.isDryRun;
  }

  /// Starts to build a killer.
  ///
  /// @param host the owner of the memory
  /// @return a builder
  public static OomKillerBuilder of(Host host) {
    return new OomKillerBuilder(host);
  }

  /// Does the next step, if one is due. The caller has no memory yet, and calls this again about
  /// every 10 ms until it has, or gives up. If there is no call for longer than a victim has time,
  /// all requests were answered, and the victim may keep what it holds.
  ///
  /// @param shortage the request
  /// @return what to do
  /// @throws IllegalArgumentException if the requester is not an account of the domain
  public Outcome tick(Shortage shortage) {
    if (!isBusy.compareAndSet(false, true)) {
      return WAIT;
    }
    try {
      return work(shortage, clock.getAsLong());
    } finally {
      isBusy.set(false);
    }
  }

  private Outcome work(Shortage shortage, long now) {
    notices.look(now);
    Victim victim = inFlight;
    if (victim == null) {
      return quiet.isQuiet(shortage, now) || look.isOver(shortage) ? WAIT : decide(shortage, now);
    }
    boolean isAbandoned = now - lastTick > lifeNanos;
    lastTick = now;
    if (isAbandoned ? reaper.end(victim) : reaper.advance(victim, shortage, now)) {
      inFlight = null;
      return WAIT;
    }
    return victim.isMember(shortage.requester()) ? victim.failure(shortage) : WAIT;
  }

  // ---- the decision

  private Outcome decide(Shortage shortage, long now) {
    skips.look();
    Measure measure = look.measureOf(shortage);
    OomSnapshot snapshot = look.snapshot(shortage, measure, minReclaimBytes);
    if (isAlone(shortage, snapshot) || look.isOver(shortage)) {
      return WAIT;
    }
    mistakes.clear();
    OomVerdict verdict = policy.decide(snapshot);
    return switch (verdict) {
      case OomVerdict.Kill kill ->
          kill(victim(shortage, snapshot, kill.candidate(), measure), verdict, now);
      case OomVerdict.KillGroup kill ->
          kill(victim(shortage, snapshot, kill.candidate(), measure), verdict, now);
      case OomVerdict.FailRequester fail -> fail(shortage, snapshot, fail);
      case OomVerdict.WaitForVictim _, OomVerdict.Nothing _ -> {
        audit.decided(beginEpisode(snapshot), snapshot, verdict, isDryRun);
        quiet.afterNothing(shortage, now);
        yield WAIT;
      }
    };
  }

  /// Whether all that could make room below the limit is the requester's: killing it would serve no
  /// other request, and its own shrinkers and its deadline are the answer to its own.
  private static boolean isAlone(Shortage shortage, OomSnapshot snapshot) {
    return shortage.kind() == Shortage.Kind.LIMIT && !snapshot.hasHelpfulOthers();
  }

  private long beginEpisode(OomSnapshot snapshot) {
    long episode = audit.beginEpisode();
    mistakes.forEach(mistake -> audit.misbehaved(episode, snapshot, mistake));
    return episode;
  }

  private Outcome fail(Shortage shortage, OomSnapshot snapshot, OomVerdict.FailRequester fail) {
    long episode = beginEpisode(snapshot);
    if (look.isOver(shortage)) {
      return withdraw(episode, shortage, snapshot);
    }
    audit.decided(episode, snapshot, fail, isDryRun);
    return new Outcome.Fail("out of memory, " + fail.reason(), shortage, snapshot, fail);
  }

  /// Enters that what the policy decided is not done.
  private Outcome withdraw(long episode, Shortage shortage, OomSnapshot snapshot) {
    long gained = look.freeByteSize(shortage) - snapshot.freeByteSize();
    audit.relieved(episode, snapshot, Math.max(0, gained));
    return WAIT;
  }

  /// Returns null if meanwhile the account was closed or protected, or its release does not help
  /// any more.
  private @Nullable Victim victim(
      Shortage shortage, OomSnapshot snapshot, OomCandidate chosen, Measure measure) {
    MemoryAccount account = shortage.domain().find(chosen.id()).orElse(null);
    if (account == null || account.isSpared()) {
      return null;
    }
    Victim victim = new Victim(shortage, snapshot, chosen, account, measure);
    return victim.isHelpful() ? victim : null;
  }

  private Outcome kill(@Nullable Victim victim, OomVerdict verdict, long now) {
    if (victim == null) {
      return WAIT;
    }
    OomSnapshot snapshot = victim.snapshot();
    Shortage shortage = victim.shortage();
    victim.begin(beginEpisode(snapshot), now + graceNanos);
    Outcome.Fail failure = victim.failure(shortage);
    if (look.isOver(shortage)) {
      return withdraw(victim.episode(), shortage, snapshot);
    }
    if (isDryRun) {
      audit.decided(victim.episode(), snapshot, verdict, true);
      quiet.afterDryRun(now);
      return WAIT;
    }
    inFlight = victim;
    lastTick = now;
    publish(victim, failure);
    audit.decided(victim.episode(), snapshot, verdict, false);
    notices.tell(victim.notices());
    return victim.isMember(shortage.requester()) ? failure : WAIT;
  }

  private void publish(Victim victim, Outcome.Fail failure) {
    try {
      host.chosen(Collections.unmodifiableSet(victim.members()), failure);
    } catch (RuntimeException | Error e) { // the victim is chosen, so the episode goes on
      LOG.warn("host failed at a victim: account={}", victim.account().path(), e);
    }
  }

  // ---- what is read

  /// Whether an account was chosen and must release its memory: it may use half of the reserve to
  /// do so. Of a group these are the members at the time it was chosen, without the spared ones.
  /// Never sleeps, takes no lock.
  ///
  /// @param account any account
  /// @return true until its memory came back, or it is skipped
  public boolean isVictim(MemoryAccount account) {
    Victim victim = inFlight;
    return victim != null && victim.isMember(account);
  }

  /// The account or group that was chosen and still holds memory.
  ///
  /// @return empty if there is none
  public Optional<MemoryAccount> victim() {
    Victim victim = inFlight;
    return victim == null ? Optional.empty() : Optional.of(victim.account());
  }

  /// What was decided, and what came of it.
  ///
  /// @return the audit given to the builder
  public OomAudit audit() {
    return audit;
  }

  /// How much time is lost to waiting, by this killer's clock. A thread that waits calls
  /// [MemoryPressure#stall] before and closes what it returns afterwards; ticks do not.
  ///
  /// @return the figures of the threads that do
  public MemoryPressure pressure() {
    return pressure;
  }

  /// How often owners were told.
  ///
  /// @return the counts; a handler counts as hung only at a tick after its time
  public Handlers handlers() {
    return notices.counts();
  }
}
