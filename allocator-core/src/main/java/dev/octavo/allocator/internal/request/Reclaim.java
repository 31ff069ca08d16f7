package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Tells the reclaimer for what memory is needed: for the first in each line, for accounts above
/// their high mark, and for the allocator's watermarks; in this order.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | overHigh | requests that find an account above high add it; the reclaim thread removes it | concurrent set | an account stays above its high mark |
/// | freedBytes | threads that free pages inside of a callback | atomic add | progress of a shrinker is missed |
final class Reclaim implements Reclaimer.Host {

  private final Setting setting;
  private final Lines lines;
  private final Reclaimer reclaimer;
  private final Set<MemoryAccount> overHigh = ConcurrentHashMap.newKeySet();
  private final AtomicLong freedBytes = new AtomicLong();

  Reclaim(Setting setting, Lines lines) {
    this.setting = setting;
    this.lines = lines;
    reclaimer =
        new Reclaimer(
            Reclaimer.Settings.of(setting.name(), setting.pageSize()), this, setting.clock());
  }

  Shrinker.Registration add(String name, Shrinker shrinker, @Nullable MemoryAccount account) {
    return reclaimer.add(name, shrinker, account);
  }

  void wake() {
    reclaimer.wake();
  }

  /// Whether shrinkers have nothing for a request in line.
  boolean isExhausted(InLine request) {
    return reclaimer.isExhausted(request);
  }

  Reclaimer.Stats stats() {
    return reclaimer.stats();
  }

  void close() {
    reclaimer.close();
  }

  /// Counts pages that were made free while requests wait.
  void freed(int pages) {
    if (AtomicContext.isNoReclaim()) {
      freedBytes.addAndGet(setting.byteSize(pages));
    }
  }

  /// Has shrinkers asked for each account, this or above a payer's, that is above its high mark.
  ///
  /// @return whether there is one
  boolean noteHigh(Payer payer) {
    boolean isHigh = false;
    for (MemoryAccount at : payer.upwards()) {
      if (at.isOverHigh()) {
        isHigh = true;
        overHigh.add(at);
      }
    }
    if (isHigh) {
      reclaimer.wake();
    }
    return isHigh;
  }

  /// Delays a request of an account above a high mark.
  void throttle(long nanos) {
    if (!AtomicContext.isNoReclaim()) {
      setting.clock().park(this, nanos);
    }
  }

  // ---- asked by the reclaimer

  @Override
  public List<Reclaimer.Need> needs() {
    List<Reclaimer.Need> needs = new ArrayList<>();
    InLine first = lines.pages().first();
    if (first != null) {
      needs.add(new PageNeed(setting, lines.pages(), first, freedBytes));
    }
    LimitLines limits = lines.limits();
    if (limits != null) {
      for (LimitLine limit : limits.all()) {
        InLine waiting = limit.first();
        if (waiting != null) {
          needs.add(new LimitNeed(setting, limit, waiting));
        }
      }
    }
    overHigh.removeIf(account -> !account.isOverHigh());
    overHigh.forEach(account -> needs.add(new HighNeed(account)));
    if (setting.marks().high() > 0) {
      needs.add(new MarkNeed(setting));
    }
    return needs;
  }

  @Override
  public long call(String label, LongSupplier callback) {
    try (var _ = AtomicContext.noReclaim(label)) {
      return callback.getAsLong();
    }
  }
}
