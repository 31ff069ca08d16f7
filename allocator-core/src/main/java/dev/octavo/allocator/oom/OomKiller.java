package dev.octavo.allocator.oom;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sees to it that memory comes back when it has run out: lets an [OomPolicy] choose who must give,
/// tells the owner, waits for a grace period, then takes the memory of accounts that are
/// [reapable][MemoryAccount#isReapable], and goes on to another if that does not help.
///
/// Who waits for memory, and has tried everything else, calls [#tick] until it has what it needs,
/// about every 10 ms, on any thread. Nothing happens but in these calls. States, times and texts
/// are in docs/oom.md.
///
/// **One victim in flight**, whatever the domain: while it holds memory nobody else is chosen,
/// until it could not be made to give. Progress is what counters say, never what a callback
/// returned.
///
/// Thread-safe. One thread at a time does the work, all others return at once. A tick takes no lock
/// that is held for long and never sleeps; only for a policy that is not built in it waits, at most
/// for the policy's limit. A decision looks at each account of the domain.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | isBusy | who ticks: true by CAS before the work, false after it | volatile; so whatever is not listed here is written by one thread at a time | `OomKillerStressTest` |
/// | inFlight | who has set isBusy | volatile, for [#isVictim] | |
public final class OomKiller {

  /// Whose memory it is. All but [#call] are called by who ticks, while no other tick does
  /// anything: they must not wait. What they throw goes to who ticks, but for [#reap].
  public interface Host {

    /// All memory there is.
    ///
    /// @return bytes, at least 1
    long capacityByteSize();

    /// How much of it is free.
    ///
    /// @return bytes, at least 0
    long freeByteSize();

    /// What the log counts in.
    ///
    /// @return bytes, 1 to 2^30
    int pageByteSize();

    /// The last look before somebody is chosen, and before a victim's memory is taken away: whether
    /// there is enough free memory at the high mark, or the requester does not wait any more. That
    /// the domain's max leaves room is looked at besides.
    ///
    /// @param shortage who needs memory
    /// @return true if nobody has to give
    boolean isEnough(Shortage shortage);

    /// Takes an account's memory away now, such that its next access fails, and uncharges it. The
    /// memory must be free before it is uncharged. Called only for accounts that are reapable;
    /// called again if the account still uses memory.
    ///
    /// @param account whose memory
    /// @return false if refused for now, for example because a native call holds it
    boolean reap(MemoryAccount account);

    /// Calls an owner's handler, on a thread of its own, such that it does not wait for memory.
    ///
    /// @param label of what is called
    /// @param callback the call
    default void call(String label, Runnable callback) {
      callback.run();
    }
  }

  /// Who needs memory and cannot get it.
  ///
  /// @param domain the account that has run out: the one that refused the charge, or the root if
  ///   all memory is used
  /// @param requester who needs it, the domain or an account below
  /// @param byteSize how much, bytes, at least 0
  /// @param who for the log, for example the name of a thread
  /// @param mode the allocation mode, for the log
  public record Shortage(
      MemoryAccount domain, MemoryAccount requester, long byteSize, String who, String mode) {

    /// Checks the size.
    ///
    /// @throws IllegalArgumentException if it is negative
    public Shortage {
      if (byteSize < 0) {
        throw new IllegalArgumentException("negative size: byteSize=" + byteSize);
      }
    }
  }

  /// What who ticks shall do.
  public sealed interface Outcome {

    /// Try again, and wait a little if there is still nothing.
    record Wait() implements Outcome {}

    /// Give up: nobody can give, the policy says so, or the requester is itself the victim.
    ///
    /// @param message for an exception: why, the domain, the request, the top five consumers
    /// @param shortage who needed memory
    /// @param snapshot what there was
    /// @param verdict what was decided
    record Fail(String message, Shortage shortage, OomSnapshot snapshot, OomVerdict verdict)
        implements Outcome {

      private static final int TOP = 5;

      static Fail of(Shortage shortage, OomSnapshot snapshot, OomVerdict verdict, String reason) {
        List<String> consumers =
            top(snapshot).stream()
                .map(one -> OomText.line(one.name()) + ":" + one.usageByteSize() + "B")
                .toList();
        String message =
            "%s: domain=%s, requester=%s, request=%dB, free=%dB, consumers=%s"
                .formatted(
                    OomText.line(reason),
                    OomText.line(snapshot.domain()),
                    OomText.line(shortage.requester().path()),
                    shortage.byteSize(),
                    snapshot.freeByteSize(),
                    consumers);
        return new Fail(message, shortage, snapshot, verdict);
      }

      private static List<OomCandidate> top(OomSnapshot snapshot) {
        return snapshot.candidates().stream()
            .sorted(
                Comparator.comparingLong(OomCandidate::usageByteSize)
                    .reversed()
                    .thenComparing(OomCandidate::name))
            .limit(TOP)
            .toList();
      }

      /// Who used most, whether it could be chosen or not.
      ///
      /// @return up to five, who uses most first
      public List<OomCandidate> topConsumers() {
        return top(snapshot);
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

  /// Who asks, to whom nothing is to be said for a while.
  private record Asker(MemoryAccount domain, MemoryAccount requester) {}

  private static final Outcome WAIT = new Outcome.Wait();
  private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

  private final Host host;
  private final OomPolicy policy;
  private final OomAudit audit;
  private final MemoryPressure pressure;
  private final LongSupplier clock;
  private final Notices notices;
  private final long graceNanos;
  private final long intervalNanos;
  private final int tries;
  private final long minReclaimBytes;
  private final boolean isDryRun;

  private final AtomicBoolean isBusy = new AtomicBoolean();
  private volatile @Nullable Victim inFlight;

  private final List<String> mistakes = new ArrayList<>();
  private final Map<MemoryAccount, Long> skipped = new HashMap<>();
  private final Map<Asker, Long> quietSince = new HashMap<>();
  private @Nullable Long dryRunAt;
  private long lastLook;

  OomKiller(OomKillerBuilder builder) {
    host = builder.host;
    policy = builder.policy.contained(builder.policyLimit, mistakes::add);
    audit = builder.audit;
    clock = builder.clock;
    pressure = new MemoryPressure(clock);
    notices = new Notices(host, clock, builder.handlerLimit.toNanos());
    graceNanos = builder.grace.toNanos();
    intervalNanos = builder.reaperInterval.toNanos();
    tries = builder.reaperTries;
    minReclaimBytes = builder.minReclaimBytes;
    isDryRun = builder.isDryRun;
  }

  /// Starts to build one.
  ///
  /// @param host whose memory it is
  /// @return a builder
  public static OomKillerBuilder of(Host host) {
    return new OomKillerBuilder(host);
  }

  /// Does the next step, if one is due. Who calls this has no memory yet, and calls it again about
  /// every 10 ms until it has, or gives up. If nobody calls for longer than a victim has time, all
  /// who waited were answered, and the victim may keep what it holds.
  ///
  /// @param shortage who needs memory
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
      return isQuiet(shortage, now) || isEnough(shortage) ? WAIT : decide(shortage, now);
    }
    advance(victim, now);
    lastLook = now;
    return inFlight != null && victim.isMember(shortage.requester())
        ? victim.failure(shortage)
        : WAIT;
  }

  private boolean isEnough(Shortage shortage) {
    MemoryAccount domain = shortage.domain();
    return domain.limits().maxByteSize() - domain.reserved() >= shortage.byteSize()
        && host.isEnough(shortage);
  }

  // ---- the decision

  private Outcome decide(Shortage shortage, long now) {
    unskip();
    long drained = shortage.domain().drain();
    OomSnapshot snapshot = snapshot(shortage);
    if (isEnough(shortage)) {
      audit.relieved(audit.beginEpisode(), snapshot, drained);
      return WAIT;
    }
    mistakes.clear();
    OomVerdict verdict = policy.decide(snapshot);
    Optional<Victim> victim =
        verdict.victim().flatMap(chosen -> victim(shortage, snapshot, chosen, now));
    if (verdict.victim().isPresent() && victim.isEmpty()) {
      return WAIT;
    }
    long episode = audit.beginEpisode();
    mistakes.forEach(mistake -> audit.misbehaved(episode, snapshot, mistake));
    if (victim.isPresent()) {
      return kill(victim.get().of(episode), verdict, now);
    }
    audit.decided(episode, snapshot, verdict, isDryRun);
    if (verdict instanceof OomVerdict.FailRequester fail) {
      return Outcome.Fail.of(shortage, snapshot, verdict, "out of memory, " + fail.reason());
    }
    quietSince.put(new Asker(shortage.domain(), shortage.requester()), now);
    return WAIT;
  }

  private OomSnapshot snapshot(Shortage shortage) {
    return shortage
        .domain()
        .snapshot(
            shortage.requester(),
            OomSnapshot.Request.of(
                shortage.who(),
                shortage.mode(),
                Math.max(shortage.byteSize(), minReclaimBytes),
                host.pageByteSize()),
            host.capacityByteSize(),
            host.freeByteSize());
  }

  /// Empty if meanwhile it was closed, protected, or has given by itself.
  private Optional<Victim> victim(
      Shortage shortage, OomSnapshot snapshot, OomCandidate chosen, long now) {
    return shortage
        .domain()
        .find(chosen.id())
        .filter(account -> !account.isSpared())
        .map(account -> new Victim(shortage, snapshot, chosen, account, now + graceNanos))
        .filter(victim -> victim.heldByteSize() > 0);
  }

  private Outcome kill(Victim victim, OomVerdict verdict, long now) {
    if (isDryRun) {
      audit.decided(victim.episode(), victim.snapshot(), verdict, true);
      dryRunAt = now;
      return WAIT;
    }
    lastLook = now;
    inFlight = victim;
    audit.decided(victim.episode(), victim.snapshot(), verdict, false);
    notices.tell(victim.notices());
    Shortage shortage = victim.shortage();
    return victim.isMember(shortage.requester()) ? victim.failure(shortage) : WAIT;
  }

  /// Whether the same has just been decided to no effect.
  private boolean isQuiet(Shortage shortage, long now) {
    Long dryRun = dryRunAt;
    if (dryRun != null && isRecent(dryRun, now)) {
      return true;
    }
    quietSince.values().removeIf(since -> !isRecent(since, now));
    return quietSince.containsKey(new Asker(shortage.domain(), shortage.requester()));
  }

  private boolean isRecent(long since, long now) {
    return now - since < Math.max(graceNanos, intervalNanos);
  }

  /// Who could not be made to give and has since given half of what it held, may be chosen again. A
  /// few bytes less do not count: who allocates and frees all the time would be chosen again and
  /// again, and nobody else.
  private void unskip() {
    skipped
        .entrySet()
        .removeIf(
            entry -> {
              MemoryAccount account = entry.getKey();
              boolean hasGiven =
                  account.isClosed() || Victim.held(account.victims()) <= entry.getValue() / 2;
              if (hasGiven) {
                account.skip(false);
              }
              return hasGiven;
            });
  }

  // ---- the victim in flight

  private void advance(Victim victim, long now) {
    boolean isAbandoned = now - lastLook > graceNanos + tries * intervalNanos;
    if (victim.heldByteSize() == 0 || isAbandoned) {
      end(victim);
    } else if (victim.isDue(now)) {
      if (isEnough(victim.shortage())) {
        end(victim);
      } else if (victim.tries() == tries) {
        skip(victim);
      } else {
        reap(victim, now);
      }
    }
  }

  private void reap(Victim victim, long now) {
    victim.countTry(now + intervalNanos);
    for (MemoryAccount member : victim.members()) {
      if (member.isReapable() && member.ownUsage() > 0) {
        reap(member);
      }
    }
    if (victim.heldByteSize() == 0) {
      end(victim);
    }
  }

  /// What the host says is not believed; the next look is at the counters.
  private void reap(MemoryAccount member) {
    try {
      if (!host.reap(member)) {
        LOG.debug("reaper was refused, trying again: account={}", member.path());
      }
    } catch (RuntimeException e) {
      LOG.warn("reaper failed, trying again: account={}", member.path(), e);
    }
  }

  private void end(Victim victim) {
    inFlight = null;
    if (!recordFreed(victim)) {
      long gained = host.freeByteSize() - victim.snapshot().freeByteSize();
      audit.relieved(victim.episode(), victim.snapshot(), Math.max(0, gained));
    }
  }

  private void skip(Victim victim) {
    long held = victim.heldByteSize();
    victim.account().skip(true);
    skipped.put(victim.account(), held);
    inFlight = null;
    recordFreed(victim);
    audit.skipped(
        victim.episode(),
        victim.snapshot(),
        victim.candidate(),
        "%s: held=%dB, tries=%d"
            .formatted(victim.hasReapable() ? "reaper was refused" : "not reapable", held, tries));
  }

  private boolean recordFreed(Victim victim) {
    long freed = victim.freedByteSize();
    if (freed > 0) {
      audit.reaped(victim.episode(), victim.snapshot(), victim.candidate(), freed);
    }
    return freed > 0;
  }

  // ---- what is read

  /// Whether an account was chosen and shall give: it may use half of the reserve to do so. Of a
  /// group those who were its members when it was chosen, but for the spared ones. Never sleeps,
  /// takes no lock.
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

  /// How much time is lost to waiting, by this killer's clock. Who waits calls
  /// [MemoryPressure#stall] before and closes what it returns afterwards; ticks do not.
  ///
  /// @return the figures of those who do
  public MemoryPressure pressure() {
    return pressure;
  }

  /// How often owners were told.
  ///
  /// @return the counts; a handler counts as hung only when somebody ticks after its time
  public Handlers handlers() {
    return notices.counts();
  }
}
