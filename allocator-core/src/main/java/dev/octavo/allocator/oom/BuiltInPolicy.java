package dev.octavo.allocator.oom;

import java.util.Comparator;
import java.util.concurrent.TimeUnit;

/// The policies that [OomPolicy] offers.
enum BuiltInPolicy implements OomPolicy {
  KERNEL,
  LARGEST,
  BEST_FIT,
  LEAST_WASTED_WORK,
  FAIL_REQUESTER,
  NONE;

  private static final long YOUNG_NANOS = TimeUnit.SECONDS.toNanos(30);

  static final String NOBODY = "no killable account";

  @Override
  public OomVerdict decide(OomSnapshot snapshot) {
    return switch (this) {
      case KERNEL -> choose(snapshot, OomOrder.kernel(snapshot));
      case LARGEST -> choose(snapshot, OomOrder.largest());
      case BEST_FIT -> choose(snapshot, OomOrder.bestFit(snapshot));
      case LEAST_WASTED_WORK -> choose(snapshot, OomOrder.leastWork(YOUNG_NANOS));
      case FAIL_REQUESTER -> new OomVerdict.FailRequester("policy fails the requester");
      case NONE -> new OomVerdict.Nothing();
    };
  }

  private static OomVerdict choose(OomSnapshot snapshot, Comparator<OomCandidate> order) {
    if (snapshot.isVictimInFlight()) {
      return new OomVerdict.WaitForVictim(snapshot.victimId());
    }
    OomCandidate first = OomOrder.first(snapshot, order);
    return first == null ? new OomVerdict.FailRequester(NOBODY) : OomVerdict.kill(first);
  }
}
