package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.internal.threads.Callbacks.Call;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The open registrations of a reclaimer, and the way to call one of them: by one thread at a time,
/// with its failures contained and counted.
///
/// A shrinker that throws is logged once and left alone for a second, twice as long each time it
/// throws again, up to a minute.
final class Shrinkers {

  private static final long FIRST_BACKOFF_NANOS = 1_000_000_000;
  private static final int MOST_BACKOFF_DOUBLINGS = 6;
  private static final long MOST_BACKOFF_NANOS = 60 * FIRST_BACKOFF_NANOS;

  private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

  private final Reclaimer.Settings settings;
  private final Reclaimer.Host host;
  private final WaitClock clock;
  private final List<Entry> entries = new CopyOnWriteArrayList<>();
  private final AtomicLong additions = new AtomicLong();
  private final AtomicLong thrown = new AtomicLong();
  private final AtomicLong hung = new AtomicLong();

  Shrinkers(Reclaimer.Settings settings, Reclaimer.Host host, WaitClock clock) {
    this.settings = settings;
    this.host = host;
    this.clock = clock;
  }

  // ---- registrations

  Entry add(String name, Shrinker shrinker, @Nullable Object owner) {
    Entry entry = new Entry(name, shrinker, owner);
    removeClosed();
    entries.add(entry);
    additions.incrementAndGet();
    return entry;
  }

  void removeClosed() {
    entries.removeIf(entry -> !entry.isOpen());
  }

  void closeAll() {
    entries.forEach(Entry::close);
    entries.clear();
  }

  /// All registrations; some may be closed by now.
  List<Entry> entries() {
    return entries;
  }

  boolean isEmpty() {
    return entries.stream().noneMatch(Entry::isOpen);
  }

  /// Number of registrations so far; grows after the new one can be seen.
  long additions() {
    return additions.get();
  }

  long thrown() {
    return thrown.get();
  }

  long hung() {
    return hung.get();
  }

  // ---- calls

  /// Asks how much could be freed.
  ///
  /// @return bytes; 0 if it does not say, because it throws, has thrown, is called now or is closed
  long count(Worker me, Entry entry) {
    return ask(me, entry, false, Shrinker::count);
  }

  /// Has it free something.
  ///
  /// @return bytes that it says it freed
  long scan(Worker me, Entry entry, long byteSize) {
    return ask(
        me,
        entry,
        true,
        shrinker -> {
          long freed = shrinker.scan(byteSize);
          entry.throwsInARow = 0;
          return freed;
        });
  }

  private long ask(
      Worker me, Entry entry, boolean isScan, ToLongFunction<? super Shrinker> question) {
    Shrinker shrinker = entry.shrinker();
    Call call = new Call(entry.label(), clock.nanoTime());
    if (shrinker == null || !entry.running.compareAndSet(null, call)) {
      return 0;
    }
    entry.isScan = isScan;
    try {
      if (entry.throwsInARow > 0 && clock.nanoTime() - entry.notBefore < 0) {
        return 0;
      }
      LongSupplier callback = () -> question.applyAsLong(shrinker);
      return me.call(call, () -> host.call(entry.label(), callback));
    } catch (RuntimeException | Error e) {
      threw(entry, e);
      return 0;
    } finally {
      entry.running.set(null);
    }
  }

  private void threw(Entry entry, Throwable failure) {
    thrown.incrementAndGet();
    if (!entry.isLogged) {
      entry.isLogged = true;
      LOG.warn(
          "shrinker failed, further failures are only counted: allocator={}, shrinker={}",
          settings.name(),
          entry.label(),
          failure);
    }
    int doublings = Math.min(entry.throwsInARow, MOST_BACKOFF_DOUBLINGS);
    entry.throwsInARow++;
    entry.notBefore =
        clock.nanoTime() + Math.min(FIRST_BACKOFF_NANOS << doublings, MOST_BACKOFF_NANOS);
  }

  // ---- late calls

  /// Whether a call runs within its deadline, on any thread.
  boolean isUnderWay(Entry entry) {
    Call call = entry.running.get();
    return call != null && !isLate(call);
  }

  boolean isScanUnderWay(Entry entry) {
    return isUnderWay(entry) && entry.isScan;
  }

  /// Whether a call has overrun its deadline; it is counted the first time.
  boolean isLate(Call call) {
    boolean isLate = call.isLate(clock.nanoTime(), settings.callNanos());
    if (isLate && call.report()) {
      hung.incrementAndGet();
    }
    return isLate;
  }
}
