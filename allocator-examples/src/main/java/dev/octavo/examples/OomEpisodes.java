package dev.octavo.examples;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.OomAudit;
import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomCandidate;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.oom.OomSnapshot;
import dev.octavo.allocator.oom.OomVerdict;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// All that a killer decided during a run: what its policy saw and said, and the steps of its
/// audit, of which that keeps the last 64 only.
final class OomEpisodes {

  /// What a policy decided by, and what.
  record Decision(OomSnapshot snapshot, OomVerdict verdict) {}

  /// A victim: why it was chosen, and what came of it.
  ///
  /// @param steps of the audit, the kill first
  record Kill(Decision decision, List<OomAudit.Entry> steps) {

    OomCandidate victim() {
      return decision.verdict().victim().orElseThrow();
    }

    /// As in the log.
    String text() {
      StringBuilder text =
          new StringBuilder(OomAudit.text(decision.snapshot(), decision.verdict(), false));
      for (OomAudit.Entry step : steps.subList(1, steps.size())) {
        text.append(System.lineSeparator())
            .append(
                step.step() == Step.REAPED
                    ? OomAudit.reapedText(victim(), step.freedByteSize())
                    : step.step() + " " + step.detail());
      }
      return text.toString();
    }
  }

  private final OomAudit audit = new OomAudit();
  private final List<Decision> decisions = new ArrayList<>();
  private final List<OomAudit.Entry> steps = new ArrayList<>();
  private OomAudit.@Nullable Entry newest;
  private boolean isComplete = true;

  OomAudit audit() {
    return audit;
  }

  /// The same policy, with everything written down.
  OomPolicy recorded(OomPolicy policy) {
    return snapshot -> {
      OomVerdict verdict = policy.decide(snapshot);
      synchronized (this) {
        collect();
        decisions.add(new Decision(snapshot, verdict));
      }
      return verdict;
    };
  }

  /// Takes over the steps since the last call.
  synchronized void collect() {
    List<OomAudit.Entry> last = audit.last();
    int known = newest == null ? -1 : last.lastIndexOf(newest);
    isComplete &= newest == null || known >= 0;
    steps.addAll(last.subList(known + 1, last.size()));
    newest = last.isEmpty() ? null : last.getLast();
  }

  /// Whether no step was missed.
  synchronized boolean isComplete() {
    return isComplete;
  }

  synchronized List<Decision> decisions() {
    return List.copyOf(decisions);
  }

  /// How often something happened.
  synchronized long count(Step step) {
    return steps.stream().filter(entry -> entry.step() == step).count();
  }

  /// All victims, each with its decision. A decision after which the victim was found to have given
  /// by itself is none.
  ///
  /// @throws IllegalStateException if the policy never decided so
  synchronized List<Kill> kills() {
    Iterator<Decision> decided = decisions.iterator();
    return steps.stream()
        .filter(entry -> entry.step() == Step.KILLED)
        .map(entry -> new Kill(decisionOn(entry, decided), stepsOf(entry)))
        .toList();
  }

  private static Decision decisionOn(OomAudit.Entry kill, Iterator<Decision> decided) {
    while (decided.hasNext()) {
      Decision decision = decided.next();
      Optional<OomCandidate> victim = decision.verdict().victim();
      if (victim.isPresent() && victim.get().name().equals(kill.victim())) {
        return decision;
      }
    }
    throw new IllegalStateException("killed, but never decided: entry=" + kill);
  }

  private List<OomAudit.Entry> stepsOf(OomAudit.Entry kill) {
    List<OomAudit.Entry> after = steps.subList(steps.indexOf(kill), steps.size());
    return after.stream().filter(entry -> entry.episode() == kill.episode()).toList();
  }

  /// How many victims were chosen while another one was in flight.
  synchronized long overlaps() {
    long overlaps = 0;
    long inFlight = 0;
    for (OomAudit.Entry entry : steps) {
      if (entry.step() == Step.KILLED) {
        overlaps += inFlight == 0 ? 0 : 1;
        inFlight = entry.episode();
      } else if (entry.episode() == inFlight) {
        inFlight = 0; // reaped, skipped or relieved
      }
    }
    return overlaps;
  }

  /// Whom the kernel's rule names, computed anew with numbers of any size: the largest `counted *
  /// 1000 + scoreAdj * total` within the first preference; of equals the younger.
  static Optional<OomCandidate> rightVictim(OomSnapshot snapshot) {
    return snapshot.candidates().stream()
        .filter(one -> one.usageByteSize() > 0 && !one.isSkipped() && !one.isUseless())
        .filter(one -> one.scoreAdj() > -1000 && one.preference() != Preference.NEVER)
        .min(
            Comparator.comparing(OomCandidate::preference)
                .thenComparing(one -> key(snapshot, one).negate())
                .thenComparingLong(OomCandidate::ageNanos)
                .thenComparing(OomCandidate::name));
  }

  private static BigInteger key(OomSnapshot snapshot, OomCandidate candidate) {
    boolean asks = candidate.id() == snapshot.request().candidateId();
    return BigInteger.valueOf(Math.max(0, candidate.usageByteSize() - candidate.lowByteSize()))
        .add(BigInteger.valueOf(asks ? snapshot.request().byteSize() : 0))
        .multiply(BigInteger.valueOf(1000))
        .add(
            BigInteger.valueOf(candidate.scoreAdj())
                .multiply(BigInteger.valueOf(snapshot.totalByteSize())));
  }
}
