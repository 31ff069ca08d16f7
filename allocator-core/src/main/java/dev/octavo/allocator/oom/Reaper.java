package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Moves the episode of a victim from the grace period to its end: released, enough, or skipped.
///
/// Not thread-safe.
final class Reaper {

  private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

  private final OomKiller.Host host;
  private final LastLook look;
  private final OomAudit audit;
  private final Skips skips;
  private final long intervalNanos;
  private final int tries;

  Reaper(OomKillerBuilder builder, LastLook look, Skips skips) {
    this.look = look;
    this.skips = skips;
    host = builder.host;
    audit = builder.audit;
    intervalNanos = builder.reaperInterval.toNanos();
    tries = builder.reaperTries;
  }

  /// Takes the next step if it is due.
  ///
  /// @param asked the request of the tick
  /// @return whether the victim is over
  boolean advance(Victim victim, Shortage asked, long now) {
    if (victim.heldByteSize() == 0) {
      return end(victim);
    }
    if (!victim.isDue(now)) {
      return false;
    }
    handOn(victim, asked);
    if (look.isOver(victim.shortage())) {
      return end(victim);
    }
    return victim.tries() == tries ? skip(victim) : reap(victim, now);
  }

  /// Gives the victim to the request that asks now if the one it was chosen for does not wait any
  /// more. Otherwise requests with deadlines shorter than the grace period would have victims
  /// chosen for ever, and never one reaped.
  private void handOn(Victim victim, Shortage asked) {
    if (!host.isWaiting(victim.shortage())
        && asked.isLikeThat(victim.shortage())
        && !victim.isMember(asked.requester())
        && host.helpful(asked, List.of(victim.account())).contains(victim.account())) {
      victim.serve(asked);
    }
  }

  private boolean reap(Victim victim, long now) {
    victim.countTry(now + intervalNanos);
    for (MemoryAccount member : victim.members()) {
      if (member.isReapable() && victim.measure().byteSize(member) > 0) {
        reap(member);
      }
    }
    return victim.heldByteSize() == 0 && end(victim);
  }

  /// Ignores what the host returns: the next look is at the counters.
  private void reap(MemoryAccount member) {
    try {
      if (!host.reap(member)) {
        LOG.debug("reaper was refused, trying again: account={}", member.path());
      }
    } catch (RuntimeException e) {
      LOG.warn("reaper failed, trying again: account={}", member.path(), e);
    }
  }

  /// Enters what came back.
  ///
  /// @return true
  boolean end(Victim victim) {
    if (!recordFreed(victim)) {
      long gained = look.freeByteSize(victim.shortage()) - victim.snapshot().freeByteSize();
      audit.relieved(victim.episode(), victim.snapshot(), Math.max(0, gained));
    }
    return true;
  }

  private boolean skip(Victim victim) {
    skips.add(victim);
    recordFreed(victim);
    String why = victim.hasReapable() ? "reaper was refused" : "not reapable";
    audit.skipped(
        victim.episode(),
        victim.snapshot(),
        victim.candidate(),
        "%s: held=%dB, tries=%d".formatted(why, victim.heldByteSize(), tries));
    return true;
  }

  private boolean recordFreed(Victim victim) {
    long freed = victim.freedByteSize();
    if (freed > 0) {
      audit.reaped(victim.episode(), victim.snapshot(), victim.candidate(), freed);
    }
    return freed > 0;
  }
}
