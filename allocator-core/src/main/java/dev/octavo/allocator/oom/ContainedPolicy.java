package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.threads.Callbacks;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A policy whose mistakes do no harm; see [OomPolicy#contained].
final class ContainedPolicy implements OomPolicy {

  private static final int MOST_HUNG = 4;

  private static final Logger LOG = LoggerFactory.getLogger(OomPolicy.class);

  private final OomPolicy inner;
  private final Duration limit;
  private final Consumer<String> report;
  private final Callbacks threads = new Callbacks("octavo-oom-policy", MOST_HUNG);

  ContainedPolicy(OomPolicy inner, Duration limit, Consumer<String> report) {
    if (!limit.isPositive()) {
      throw new IllegalArgumentException("limit is not positive: limit=" + limit);
    }
    this.inner = inner;
    this.limit = limit;
    this.report = report;
  }

  /// One decision, on a thread of its own.
  private final class Attempt {
    private final OomSnapshot snapshot;
    private volatile @Nullable OomSnapshot open;
    private volatile @Nullable OomVerdict verdict;
    private volatile @Nullable Throwable failure;

    Attempt(OomSnapshot snapshot) {
      this.snapshot = snapshot;
    }

    void run() {
      try {
        open = snapshot.only(this::mayChoose);
        if (failure == null) {
          verdict = inner.decide(snapshot);
        }
      } catch (Throwable thrown) { // whatever a policy throws
        failure = thrown;
      }
    }

    /// Who is asked for and fails to answer, is protected.
    private boolean mayChoose(OomCandidate candidate) {
      try {
        return inner.mayChoose(snapshot, candidate);
      } catch (RuntimeException | Error thrown) {
        failure = thrown;
        return false;
      }
    }
  }

  @Override
  public OomVerdict decide(OomSnapshot snapshot) {
    if (inner instanceof BuiltInPolicy) {
      return inner.decide(snapshot);
    }
    Attempt attempt = new Attempt(snapshot);
    Callbacks.Worker worker = threads.worker(_ -> attempt.run());
    try {
      if (!threads.start(worker)) {
        return hung("policy hangs: threads=" + MOST_HUNG);
      }
    } catch (OutOfMemoryError e) {
      return hung("no thread for the policy: exception=" + e);
    }
    return answer(attempt, worker.await(limit));
  }

  private OomVerdict answer(Attempt attempt, boolean isInTime) {
    OomSnapshot open = attempt.open;
    if (open == null) {
      return hung("policy overran its time before it said whom to protect: limit=" + limit);
    }
    if (!isInTime) {
      return byDefault("policy overran its time: limit=" + limit, open);
    }
    Throwable failure = attempt.failure;
    if (failure != null) {
      return byDefault("policy threw: exception=" + failure, open);
    }
    return judged(attempt.verdict, open);
  }

  @Override
  public boolean mayChoose(OomSnapshot snapshot, OomCandidate candidate) {
    return inner.mayChoose(snapshot, candidate);
  }

  /// The verdict with the snapshot's own candidate, or the default's if it makes no sense.
  private OomVerdict judged(@Nullable OomVerdict verdict, OomSnapshot open) {
    return switch (verdict) {
      case null -> byDefault("policy returned null", open);
      case OomVerdict.Kill kill -> killed(kill.candidate(), open);
      case OomVerdict.KillGroup kill -> killed(kill.candidate(), open);
      case OomVerdict.WaitForVictim wait ->
          open.isVictimInFlight() && wait.victimId() == open.victimId()
              ? wait
              : byDefault("policy waits for no victim: id=" + wait.victimId(), open);
      case OomVerdict.FailRequester fail -> fail;
      case OomVerdict.Nothing nothing -> nothing;
    };
  }

  @SuppressWarnings("NullAway") // a record of a policy's own may have anything in it
  private OomVerdict killed(OomCandidate named, OomSnapshot open) {
    if (named == null) {
      return byDefault("policy named nobody", open);
    }
    if (open.isVictimInFlight()) {
      return byDefault("policy wants a second victim: name=" + named.name(), open);
    }
    Optional<OomCandidate> found = open.find(named.id()).filter(OomCandidate::isEligible);
    return found.isPresent()
        ? OomVerdict.kill(found.get())
        : byDefault(
            "policy named an unknown or protected account: id=%d, name=%s"
                .formatted(named.id(), named.name()),
            open);
  }

  private OomVerdict byDefault(String mistake, OomSnapshot open) {
    tell(mistake);
    return BuiltInPolicy.KERNEL.decide(open);
  }

  private OomVerdict hung(String mistake) {
    tell(mistake);
    return new OomVerdict.FailRequester(mistake);
  }

  private void tell(String mistake) {
    LOG.warn("{}, policy={}", mistake, inner.getClass().getName());
    try {
      report.accept(mistake);
    } catch (RuntimeException e) {
      LOG.warn("report of a policy's mistake failed", e);
    }
  }
}
