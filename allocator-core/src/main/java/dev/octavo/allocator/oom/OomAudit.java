package dev.octavo.allocator.oom;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What was decided when memory had run out, and what came of it: the last 64 steps, counters, a
/// log like the kernel's, and an event of the Flight Recorder, `dev.octavo.OomEpisode`, for each
/// step.
///
/// An *episode* is one shortage; its steps have its number. Kills, victims that were skipped and
/// mistakes of policies are logged as warnings, the rest for debugging.
///
/// Thread-safe. Steps are entered by whoever waits for memory, under a lock for ring and counters
/// only.
public final class OomAudit {

  /// What happened.
  public enum Step {
    /// A victim was chosen, and told.
    KILLED,
    /// A victim would have been chosen: a dry run.
    WOULD_KILL,
    /// A victim's memory came back.
    REAPED,
    /// A victim could not be made to give.
    SKIPPED,
    /// The requester got an exception.
    FAILED,
    /// The requester waits for a victim.
    WAITED,
    /// Nothing was done.
    NOTHING,
    /// There is enough again, without a victim.
    RELIEVED,
    /// The policy made a mistake, and the default decided.
    MISBEHAVED
  }

  /// A step of an episode.
  ///
  /// @param episode its number, from 1
  /// @param time when
  /// @param step what happened
  /// @param requester whose request it was, for the log
  /// @param requestByteSize how much
  /// @param domain the account that had run out
  /// @param victim the path of the victim; empty if there is none
  /// @param freedByteSize what came back in this step, bytes
  /// @param detail why; empty if there is nothing to say
  public record Entry(
      long episode,
      Instant time,
      Step step,
      String requester,
      long requestByteSize,
      String domain,
      String victim,
      long freedByteSize,
      String detail) {}

  private static final int ENTRIES = 64;
  private static final Logger LOG = LoggerFactory.getLogger(OomAudit.class);

  private final InstantSource clock;
  private final AtomicLong episodes = new AtomicLong();
  private final AtomicLong freed = new AtomicLong();
  private final Map<Step, Long> counts = new EnumMap<>(Step.class);
  private final Deque<Entry> ring = new ArrayDeque<>(ENTRIES);

  /// An empty audit by the system's clock.
  public OomAudit() {
    this(InstantSource.system());
  }

  /// An empty audit.
  ///
  /// @param clock for the times of entries
  public OomAudit(InstantSource clock) {
    this.clock = clock;
  }

  // ---- steps

  /// Begins an episode.
  ///
  /// @return its number, from 1
  public long beginEpisode() {
    return episodes.incrementAndGet();
  }

  /// Enters what was decided.
  ///
  /// @param episode its number
  /// @param snapshot what there was
  /// @param verdict what was decided
  /// @param isDryRun whether the decision has no effect
  public void decided(long episode, OomSnapshot snapshot, OomVerdict verdict, boolean isDryRun) {
    Step step =
        switch (verdict) {
          case OomVerdict.Kill _, OomVerdict.KillGroup _ ->
              isDryRun ? Step.WOULD_KILL : Step.KILLED;
          case OomVerdict.FailRequester _ -> Step.FAILED;
          case OomVerdict.WaitForVictim _ -> Step.WAITED;
          case OomVerdict.Nothing _ -> Step.NOTHING;
        };
    String victim = verdict.victim().map(OomCandidate::name).orElse("");
    String detail = verdict instanceof OomVerdict.FailRequester fail ? fail.reason() : "";
    enter(entry(episode, snapshot, step, detail).with(victim, 0));
    if (verdict.victim().isPresent()) {
      LOG.warn("{}", text(snapshot, verdict, isDryRun));
    } else if (LOG.isDebugEnabled()) {
      LOG.debug("{}", text(snapshot, verdict, isDryRun));
    }
  }

  /// Enters that a victim's memory came back.
  ///
  /// @param episode its number
  /// @param snapshot by which it was decided
  /// @param victim the victim
  /// @param freedByteSize how much, bytes
  public void reaped(long episode, OomSnapshot snapshot, OomCandidate victim, long freedByteSize) {
    enter(entry(episode, snapshot, Step.REAPED, "").with(victim.name(), freedByteSize));
    LOG.warn("{}", reapedText(victim, freedByteSize));
  }

  /// Enters that a victim could not be made to give.
  ///
  /// @param episode its number
  /// @param snapshot by which it was decided
  /// @param victim the victim
  /// @param reason why
  public void skipped(long episode, OomSnapshot snapshot, OomCandidate victim, String reason) {
    enter(entry(episode, snapshot, Step.SKIPPED, reason).with(victim.name(), 0));
    LOG.warn("{}", OomText.skipped(victim, reason));
  }

  /// Enters that there is enough again without a victim.
  ///
  /// @param episode its number
  /// @param snapshot what there was
  /// @param freedByteSize what came back, bytes
  public void relieved(long episode, OomSnapshot snapshot, long freedByteSize) {
    enter(entry(episode, snapshot, Step.RELIEVED, "").with("", freedByteSize));
  }

  /// Enters a mistake of the policy.
  ///
  /// @param episode its number
  /// @param snapshot what there was
  /// @param mistake as reported by [OomPolicy#contained]
  public void misbehaved(long episode, OomSnapshot snapshot, String mistake) {
    enter(entry(episode, snapshot, Step.MISBEHAVED, mistake).with("", 0));
  }

  /// An entry that lacks its victim and what was freed.
  private interface Draft {
    Entry with(String victim, long freedByteSize);
  }

  private Draft entry(long episode, OomSnapshot snapshot, Step step, String detail) {
    return (victim, freedByteSize) ->
        new Entry(
            episode,
            clock.instant(),
            step,
            snapshot.request().who(),
            snapshot.request().byteSize(),
            snapshot.domain(),
            victim,
            freedByteSize,
            detail);
  }

  private void enter(Entry entry) {
    synchronized (ring) {
      if (ring.size() == ENTRIES) {
        ring.removeFirst();
      }
      ring.addLast(entry);
      counts.merge(entry.step(), 1L, Long::sum);
    }
    freed.addAndGet(entry.freedByteSize());
    OomEvent event = new OomEvent(entry);
    if (event.shouldCommit()) {
      event.commit();
    }
  }

  // ---- figures

  /// The last steps.
  ///
  /// @return up to 64, oldest first
  public List<Entry> last() {
    synchronized (ring) {
      return List.copyOf(ring);
    }
  }

  /// How many episodes there were.
  ///
  /// @return at least 0
  public long episodes() {
    return episodes.get();
  }

  /// How often something happened.
  ///
  /// @param step what
  /// @return at least 0
  public long count(Step step) {
    synchronized (ring) {
      return counts.getOrDefault(step, 0L);
    }
  }

  /// What came back in all steps.
  ///
  /// @return bytes
  public long freedByteSize() {
    return freed.get();
  }

  // ---- texts

  /// The text of a decision, as it is logged: the request, the domain, a table of up to 50
  /// candidates, the best victim on top, and the decision. Sizes in the table are pages.
  ///
  /// @param snapshot what there was
  /// @param verdict what was decided
  /// @param isDryRun whether the decision has no effect
  /// @return some lines; their form is in docs/oom.md
  public static String text(OomSnapshot snapshot, OomVerdict verdict, boolean isDryRun) {
    return OomText.invocation(snapshot) + OomText.decision(snapshot, verdict, isDryRun);
  }

  /// The text of a victim's memory that came back, as it is logged.
  ///
  /// @param victim the victim
  /// @param freedByteSize how much, bytes
  /// @return a line
  public static String reapedText(OomCandidate victim, long freedByteSize) {
    return OomText.reaped(victim, freedByteSize);
  }
}
