package dev.octavo.allocator.oom;

import java.time.Duration;
import java.util.function.LongSupplier;

/// Builds an [OomKiller]. Not thread-safe.
public final class OomKillerBuilder {

  private static final Duration LONGEST = Duration.ofHours(1);
  private static final int MOST_TRIES = 1000;

  final OomKiller.Host host;
  OomPolicy policy = OomPolicy.kernel();
  Duration policyLimit = Duration.ofMillis(100);
  Duration grace = Duration.ofSeconds(2);
  int reaperTries = 10;
  Duration reaperInterval = Duration.ofMillis(100);
  long minReclaimBytes;
  boolean isDryRun;
  Duration handlerLimit = Duration.ofSeconds(1);
  OomAudit audit = new OomAudit();
  LongSupplier clock = System::nanoTime;

  OomKillerBuilder(OomKiller.Host host) {
    this.host = host;
  }

  /// Sets the policy; [OomPolicy#kernel] unless set. Its mistakes are contained.
  ///
  /// @param value the policy
  /// @return this
  public OomKillerBuilder policy(OomPolicy value) {
    policy = value;
    return this;
  }

  /// Sets how long a policy that is not built in may take; 100 ms unless set.
  ///
  /// @param value more than 0, at most an hour
  /// @return this
  /// @throws IllegalArgumentException if it is not in that range
  public OomKillerBuilder policyLimit(Duration value) {
    policyLimit = checkPositive("policyLimit", value);
    return this;
  }

  /// Sets how long a victim has to give by itself; 2 s unless set. Also the least time between two
  /// records of a dry run.
  ///
  /// @param value 0 to an hour
  /// @return this
  /// @throws IllegalArgumentException if it is not in that range
  public OomKillerBuilder grace(Duration value) {
    if (value.isNegative() || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("grace is not in 0..1 h: grace=" + value);
    }
    grace = value;
    return this;
  }

  /// Sets how often the reaper tries until the victim is skipped, and how long it waits after each;
  /// 10 times and 100 ms unless set. A victim that is not reapable has the same time.
  ///
  /// @param tries 1 to 1000
  /// @param interval more than 0, at most an hour
  /// @return this
  /// @throws IllegalArgumentException if one is not in its range
  public OomKillerBuilder reaper(int tries, Duration interval) {
    if (tries < 1 || tries > MOST_TRIES) {
      throw new IllegalArgumentException("tries is not in 1..1000: tries=" + tries);
    }
    reaperInterval = checkPositive("interval", interval);
    reaperTries = tries;
    return this;
  }

  /// Sets what a victim should free at least, so that not every small request takes one: a smaller
  /// request is shown to the policy as one of this size. 0 unless set.
  ///
  /// @param byteSize bytes, at least 0
  /// @return this
  /// @throws IllegalArgumentException if negative
  public OomKillerBuilder minReclaim(long byteSize) {
    if (byteSize < 0) {
      throw new IllegalArgumentException("negative size: byteSize=" + byteSize);
    }
    minReclaimBytes = byteSize;
    return this;
  }

  /// Decides, records and logs, and kills no account: the request waits. It still fails if no
  /// candidate is eligible, or the policy says so.
  ///
  /// @return this
  public OomKillerBuilder dryRun() {
    isDryRun = true;
    return this;
  }

  /// Sets how long an owner's handler may take until it counts as hung; 1 s unless set.
  ///
  /// @param value more than 0, at most an hour
  /// @return this
  /// @throws IllegalArgumentException if it is not in that range
  public OomKillerBuilder handlerLimit(Duration value) {
    handlerLimit = checkPositive("handlerLimit", value);
    return this;
  }

  /// Sets where steps are entered; an audit of its own unless set.
  ///
  /// @param value the audit
  /// @return this
  public OomKillerBuilder audit(OomAudit value) {
    audit = value;
    return this;
  }

  /// Sets the clock.
  ///
  /// @param nanos nanoseconds from any origin, as `System::nanoTime`; called on many threads
  /// @return this
  public OomKillerBuilder clock(LongSupplier nanos) {
    clock = nanos;
    return this;
  }

  /// Builds it.
  ///
  /// @return a killer with no victim
  public OomKiller build() {
    return new OomKiller(this);
  }

  private static Duration checkPositive(String name, Duration value) {
    if (!value.isPositive() || value.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "%s is not positive and at most 1 h: %s=%s".formatted(name, name, value));
    }
    return value;
  }
}
