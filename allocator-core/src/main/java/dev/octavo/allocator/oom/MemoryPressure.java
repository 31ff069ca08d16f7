package dev.octavo.allocator.oom;

import static java.util.Locale.ROOT;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How much time is lost to waiting for memory, like Linux's pressure stall information.
///
/// *Some* is the time in which at least one task waited, *full* the time in which all did that were
/// announced by [#task]; if none were, every wait is full. Averages decay over 10, 60 and 300 s and
/// move every 2 s, as the kernel computes them; totals are exact.
///
/// Nothing happens but when a wait begins or ends or somebody looks: what has passed since is
/// accounted for then, with the same result as if it had been every 2 s. So who never waits pays
/// nothing.
///
/// Thread-safe, by a lock held for some dozen nanoseconds; who looks after a long time pays for up
/// to some thousand periods once.
public final class MemoryPressure {

  /// Whose waits.
  public enum Kind {
    /// At least one task waits.
    SOME,
    /// All tasks wait.
    FULL
  }

  /// What was lost.
  ///
  /// @param avg10 percent of the last 10 s, 0.00 to 100.00
  /// @param avg60 percent of the last 60 s
  /// @param avg300 percent of the last 300 s
  /// @param totalNanos all the time, nanoseconds
  public record Figures(double avg10, double avg60, double avg300, long totalNanos) {
    private static final long NANOS_PER_MICRO = 1000;

    /// As a line of `/proc/pressure/memory` without its first word.
    ///
    /// @return for example `avg10=0.12 avg60=0.05 avg300=0.01 total=1234`, the total in
    ///   microseconds
    @Override
    public String toString() {
      return String.format(
          ROOT,
          "avg10=%.2f avg60=%.2f avg300=%.2f total=%d",
          avg10,
          avg60,
          avg300,
          totalNanos / NANOS_PER_MICRO);
    }
  }

  /// Something that lasts until it is closed. Closing it again does nothing.
  @FunctionalInterface
  public interface Mark extends AutoCloseable {
    @Override
    void close();
  }

  private static final Logger LOG = LoggerFactory.getLogger(MemoryPressure.class);

  private final LongSupplier clock;
  private final StallAverages some = new StallAverages();
  private final StallAverages full = new StallAverages();
  private final List<Trigger> triggers = new ArrayList<>();

  private long tasks;
  private long stalled;
  private long periodBegin;
  private long last;

  /// No pressure, by the system's clock.
  public MemoryPressure() {
    this(System::nanoTime);
  }

  /// No pressure.
  ///
  /// @param clock nanoseconds from any origin, as `System::nanoTime`
  public MemoryPressure(LongSupplier clock) {
    this.clock = clock;
    last = clock.getAsLong();
    periodBegin = last;
  }

  // ---- what is fed

  /// A task begins to wait for memory.
  ///
  /// @return to be closed when it goes on
  public Mark stall() {
    return begin(0, 1);
  }

  /// A task that uses memory begins.
  ///
  /// @return to be closed when it ends
  public Mark task() {
    return begin(1, 0);
  }

  private Mark begin(int moreTasks, int moreStalled) {
    change(moreTasks, moreStalled);
    AtomicBoolean isClosed = new AtomicBoolean();
    return () -> {
      if (isClosed.compareAndSet(false, true)) {
        change(-moreTasks, -moreStalled);
      }
    };
  }

  private void change(int moreTasks, int moreStalled) {
    List<Trigger> fired;
    synchronized (triggers) {
      fired = advance();
      tasks += moreTasks;
      stalled += moreStalled;
    }
    fired.forEach(Trigger::call);
  }

  // ---- time

  private boolean isSome() {
    return stalled > 0;
  }

  private boolean isFull() {
    return stalled > 0 && stalled >= tasks;
  }

  /// Accounts for the time since the last call. Under the lock.
  ///
  /// @return the triggers to call when the lock is let go
  private List<Trigger> advance() {
    long now = clock.getAsLong();
    if (now - last > 0) {
      while (now - periodBegin >= StallAverages.PERIOD_NANOS) {
        lose(periodBegin + StallAverages.PERIOD_NANOS);
        some.endPeriod();
        full.endPeriod();
        periodBegin = last;
        skipSettled(now);
      }
      lose(now);
    }
    return triggers.stream().filter(trigger -> trigger.isReached(last)).toList();
  }

  private void lose(long until) {
    some.lose(isSome() ? until - last : 0);
    full.lose(isFull() ? until - last : 0);
    last = until;
  }

  /// Steps over whole periods that change no average, so that a long rest costs little.
  private void skipSettled(long now) {
    if (some.isSettled(isSome()) && full.isSettled(isFull())) {
      long nanos = (now - periodBegin) / StallAverages.PERIOD_NANOS * StallAverages.PERIOD_NANOS;
      some.loseSettled(isSome() ? nanos : 0);
      full.loseSettled(isFull() ? nanos : 0);
      periodBegin += nanos;
      last = periodBegin;
    }
  }

  // ---- what is read

  /// What was lost up to now.
  ///
  /// @param kind whose waits
  /// @return the figures
  public Figures figures(Kind kind) {
    List<Trigger> fired;
    Figures figures;
    synchronized (triggers) {
      fired = advance();
      figures = of(kind).figures();
    }
    fired.forEach(Trigger::call);
    return figures;
  }

  private StallAverages of(Kind kind) {
    return kind == Kind.SOME ? some : full;
  }

  /// Looks whether a trigger is reached. Triggers are also looked at whenever a wait begins or ends
  /// or figures are read; who wants to know of a wait that goes on, calls this ten times a window.
  public void poll() {
    change(0, 0);
  }

  /// Both lines of `/proc/pressure/memory`.
  ///
  /// @return two lines
  @Override
  public String toString() {
    return "some %s%nfull %s%n".formatted(figures(Kind.SOME), figures(Kind.FULL));
  }

  // ---- triggers

  /// Adds a trigger: the callback is called when at least `threshold` was lost within `window`,
  /// once a window at most. As in the kernel, a window that slides is estimated from the last whole
  /// one and the current one.
  ///
  /// The callback runs on the thread that finds out, without a lock; what it throws is logged.
  ///
  /// @param kind whose waits
  /// @param threshold at least 1 ns, at most the window
  /// @param window at most an hour
  /// @param callback what to call
  /// @return to be closed when the trigger is no longer wanted
  /// @throws IllegalArgumentException if threshold or window is not in its range
  public Mark addTrigger(Kind kind, Duration threshold, Duration window, Runnable callback) {
    if (!threshold.isPositive()
        || threshold.compareTo(window) > 0
        || window.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          "not in the order 0 < threshold <= window <= 1 h: threshold=%s, window=%s"
              .formatted(threshold, window));
    }
    Trigger trigger = new Trigger(of(kind), threshold.toNanos(), window.toNanos(), callback);
    List<Trigger> fired;
    synchronized (triggers) {
      fired = advance();
      trigger.begin(last);
      triggers.add(trigger);
    }
    fired.forEach(Trigger::call);
    return () -> {
      synchronized (triggers) {
        triggers.remove(trigger);
      }
    };
  }

  /// Loss within a window that slides.
  private static final class Trigger {
    private final StallAverages averages;
    private final long thresholdNanos;
    private final long windowNanos;
    private final Runnable callback;

    private long windowBegin;
    private long totalAtBegin;
    private long lostBefore;
    private long lastLook;
    private long totalAtLook;
    private long lastCall;
    private boolean wasCalled;

    Trigger(StallAverages averages, long thresholdNanos, long windowNanos, Runnable callback) {
      this.averages = averages;
      this.thresholdNanos = thresholdNanos;
      this.windowNanos = windowNanos;
      this.callback = callback;
    }

    void begin(long now) {
      windowBegin = now;
      totalAtBegin = averages.totalNanos();
      look(now);
    }

    /// Under the lock.
    boolean isReached(long now) {
      boolean isReached = lost(now) >= thresholdNanos;
      if (!isReached || (wasCalled && now - lastCall < windowNanos)) {
        return false;
      }
      lastCall = now;
      wasCalled = true;
      return true;
    }

    private long lost(long now) {
      long lost = averages.totalNanos() - totalAtBegin;
      long elapsed = now - windowBegin;
      if (elapsed <= windowNanos) {
        look(now);
        return lost + scaled(lostBefore, windowNanos - elapsed, windowNanos);
      }
      // Since the last look all time was lost, or none.
      lostBefore =
          now - lastLook >= windowNanos
              ? Math.min(averages.totalNanos() - totalAtLook, windowNanos)
              : scaled(lost, windowNanos, elapsed);
      begin(now);
      return lostBefore;
    }

    private static long scaled(long nanos, long part, long whole) {
      return (long) ((double) nanos * part / whole);
    }

    private void look(long now) {
      lastLook = now;
      totalAtLook = averages.totalNanos();
    }

    void call() {
      try {
        callback.run();
      } catch (RuntimeException e) {
        LOG.warn("callback of a pressure trigger failed", e);
      }
    }
  }
}
