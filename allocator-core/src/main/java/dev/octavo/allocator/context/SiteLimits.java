package dev.octavo.allocator.context;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/// How often each call site may be logged: the first time always, after that at most [#BURST] times
/// in [#WINDOW_NANOS], as the kernel's printk does it.
///
/// At most [#MAX_SITES] are remembered; all further ones share one limit. Thread-safe.
final class SiteLimits {

  static final int MAX_SITES = 1024;
  static final int BURST = 10;
  static final long WINDOW_NANOS = Duration.ofSeconds(5).toNanos();

  /// Returned by [#admit] for what must not be logged.
  static final long SUPPRESSED = -1;

  private final LongSupplier clock;
  private final Map<CallSite, Limit> limits = new HashMap<>();
  private final Limit others = new Limit();
  private long suppressed;

  /// @param clock nanoseconds that only grow, from anywhere on
  SiteLimits(LongSupplier clock) {
    this.clock = clock;
  }

  /// Remembers a site without a log.
  synchronized void remember(CallSite site) {
    if (limits.size() < MAX_SITES) {
      limits.computeIfAbsent(site, _ -> new Limit());
    }
  }

  /// Asks whether a site may be logged now.
  ///
  /// @return how many of its reports were suppressed since the last that was not, or [#SUPPRESSED]
  synchronized long admit(CallSite site) {
    Limit limit = limits.get(site);
    if (limit == null && limits.size() < MAX_SITES) {
      limits.put(site, new Limit());
      return 0;
    }
    long before = (limit == null ? others : limit).admit(clock.getAsLong());
    if (before == SUPPRESSED) {
      suppressed++;
    }
    return before;
  }

  synchronized int siteCount() {
    return limits.size();
  }

  synchronized long suppressedCount() {
    return suppressed;
  }

  /// The window of one site: opened by its first use and by the first after it has ended.
  private static final class Limit {
    private long openedNanos;
    private int used = BURST;
    private boolean isOpen;
    private long suppressed;

    long admit(long nowNanos) {
      if (!isOpen || nowNanos - openedNanos >= WINDOW_NANOS) {
        isOpen = true;
        openedNanos = nowNanos;
        used = 0;
      }
      if (used == BURST) {
        suppressed++;
        return SUPPRESSED;
      }
      used++;
      long before = suppressed;
      suppressed = 0;
      return before;
    }
  }
}
