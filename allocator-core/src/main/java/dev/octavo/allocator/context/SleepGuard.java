package dev.octavo.allocator.context;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.context.Sections.Reporting;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells who makes a call that may sleep inside an [AtomicContext].
///
/// A guarded method asks first thing, whether or not it will have to wait this time:
///
/// ```java
/// Page take() throws InterruptedException {
///   SleepGuard.mightSleep("PageQueue.take");
///   return queue.take();
/// }
/// ```
///
/// | | [Mode#OFF] | [Mode#COUNT] | [Mode#WARN] | [Mode#THROW] |
/// |---|---|---|---|---|
/// | violations and their sites are counted | | yes | yes | yes |
/// | event `dev.octavo.SleepInAtomicContext` for the flight recorder | | yes | yes | yes |
/// | log | | | yes | |
/// | [SleepInAtomicContextException], before anything has changed | | | | yes |
///
/// The log has the first violation of each call site (what was called, and the line that called it)
/// in any case, then at most 10 of each site in 5 s; the next line says how many were suppressed.
/// 1,024 sites are remembered; all others share one limit and are not counted as sites.
///
/// There is one guard for the process, [#ofProcess], in the mode that the system property
/// `octavo.sleepGuard` gives: `off`, `count`, `warn` (the default) or `throw`. Others can be made
/// with [#of].
///
/// Thread-safe. A check costs about a nanosecond, see docs/guards.md; a violation walks the stack.
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class SleepGuard {

  /// What happens on a violation.
  public enum Mode {
    /// Nothing is looked at.
    OFF,
    /// It is counted.
    COUNT,
    /// It is counted and logged, and the call goes on.
    WARN,
    /// It is counted, and the call refused.
    THROW
  }

  /// What a guard has counted so far. Taken while others report, each figure is right by itself.
  ///
  /// @param violations calls that may sleep in an atomic section
  /// @param leaks tasks that ended inside a scope ([AtomicContext#checking(Executor, SleepGuard)])
  /// @param sites different places of both, up to 1,024
  /// @param suppressed reports that were not logged because of the limit of their site
  public record Totals(long violations, long leaks, int sites, long suppressed) {}

  private static final String PROPERTY = "octavo.sleepGuard";
  private static final Logger LOG = LoggerFactory.getLogger(SleepGuard.class);
  private static final String ADVICE =
      "call it outside of the section or in another thread, or AtomicContext.allow it";

  private static final SleepGuard PROCESS =
      ofProperty(System.getProperty(PROPERTY), System::nanoTime, LOG::warn);

  private volatile Mode mode;

  /// Whether the mode is another than OFF. Written before the mode, under the lock of this; read
  /// plainly, so that a loop need not read everything else anew: a thread that sees it late, at its
  /// next atomic operation at the latest, is as one whose call came earlier.
  private boolean isOn;

  private final Consumer<String> log;
  private final SiteLimits limits;
  private final LongAdder violations = new LongAdder();
  private final LongAdder leaks = new LongAdder();

  /// @param clock nanoseconds that only grow, from anywhere on
  /// @param log gets what WARN reports
  SleepGuard(Mode mode, LongSupplier clock, Consumer<String> log) {
    this.mode = requireNonNull(mode, "mode");
    isOn = mode != Mode.OFF;
    this.log = log;
    limits = new SiteLimits(clock);
  }

  /// Makes a guard with totals of its own.
  ///
  /// @param mode what it does first
  /// @return a new guard
  /// @throws NullPointerException if `mode` is null
  public static SleepGuard of(Mode mode) {
    return new SleepGuard(mode, System::nanoTime, LOG::warn);
  }

  /// Returns the guard that [#mightSleep] and everything else uses that is given no other.
  ///
  /// @return always the same
  public static SleepGuard ofProcess() {
    return PROCESS;
  }

  static SleepGuard ofProperty(@Nullable String value, LongSupplier clock, Consumer<String> log) {
    Mode mode = Mode.WARN;
    if (value != null) {
      String name = value.toUpperCase(Locale.ROOT);
      mode =
          Arrays.stream(Mode.values())
              .filter(known -> known.name().equals(name))
              .findAny()
              .orElse(null);
    }
    if (mode == null) {
      mode = Mode.WARN;
      log.accept(
          "unknown mode, warn is used: %s=%s, known=[off, count, warn, throw]"
              .formatted(PROPERTY, value));
    }
    return new SleepGuard(mode, clock, log);
  }

  /// Reports to the guard of the process if the calling thread must not sleep. To be the first
  /// statement of a method that may. Never sleeps, unless the log does.
  ///
  /// @param what the method, with the operands that matter; a constant costs nothing
  /// @throws SleepInAtomicContextException if the thread must not sleep and the mode is THROW
  public static void mightSleep(String what) {
    PROCESS.check(what);
  }

  /// Like [#mightSleep], with this guard.
  ///
  /// @param what the method, with the operands that matter; a constant costs nothing
  /// @throws SleepInAtomicContextException if the thread must not sleep and the mode is THROW
  public void check(String what) {
    if (isOn() && AtomicContext.isSleepForbidden()) {
      report(what, ADVICE);
    }
  }

  /// Says whether violations are looked at. One load.
  ///
  /// @return false if the mode is OFF
  public boolean isOn() {
    return isOn;
  }

  /// Returns the mode.
  ///
  /// @return what happens on the next violation
  public Mode mode() {
    return mode;
  }

  /// Changes the mode, for all threads: those that run see it at their next atomic operation at the
  /// latest. The totals stay.
  ///
  /// @param next what happens from now on
  /// @throws NullPointerException if `next` is null
  public synchronized void setMode(Mode next) {
    isOn = requireNonNull(next, "next") != Mode.OFF;
    mode = next;
  }

  /// Returns what was counted. Takes a short lock.
  ///
  /// @return the figures so far
  public Totals totals() {
    return new Totals(violations.sum(), leaks.sum(), limits.siteCount(), limits.suppressedCount());
  }

  /// Tests the guard of the process, as [#isArmed] does.
  ///
  /// @return true if it would report a violation of the calling thread
  public static boolean selfTest() {
    return PROCESS.isArmed();
  }

  /// Tests the guard: enters a section and makes a call that may sleep. It goes the way of all
  /// violations up to the totals, and is neither counted nor logged nor thrown.
  ///
  /// @return true if it would report a violation of the calling thread; false if it is OFF, or when
  ///   called while it writes a report
  public boolean isArmed() {
    Sections mine = Sections.ofThisThread();
    if (mine.reporting() != Reporting.OPEN) {
      return false;
    }
    mine.reporting(Reporting.TRIAL);
    try (var _ = AtomicContext.enter("self-test")) {
      check("SleepGuard.selfTest");
      return mine.reporting() == Reporting.OPEN;
    } finally {
      mine.reporting(Reporting.OPEN);
    }
  }

  /// Reports a call that may sleep, after [AtomicContext#isSleepForbidden] was true. Finds the
  /// caller by a walk of the stack.
  ///
  /// A violation while the log writes one in the same thread is counted, no more.
  ///
  /// @param call what was called, with its operands
  /// @param advice what to do instead
  /// @throws SleepInAtomicContextException if the mode is THROW
  public void report(String call, String advice) {
    Mode now = mode;
    Sections mine = Sections.ofThisThread();
    if (mine.reporting() == Reporting.TRIAL) {
      mine.reporting(Reporting.OPEN);
    } else if (now != Mode.OFF) {
      violations.increment();
      if (mine.reporting() == Reporting.OPEN) {
        mine.reporting(Reporting.BUSY);
        try {
          report(now, call, advice);
        } finally {
          mine.reporting(Reporting.OPEN);
        }
      }
    }
  }

  private void report(Mode now, String call, String advice) {
    CallSite site = CallSite.ofCaller();
    List<String> sections = AtomicContext.sections();
    record(call, site, sections);
    if (now == Mode.WARN) {
      warn(site, () -> message(call, site, sections, advice));
      return;
    }
    limits.remember(site);
    if (now == Mode.THROW) {
      throw new SleepInAtomicContextException(
          message(call, site, sections, advice), call, sections);
    }
  }

  private void warn(CallSite site, Supplier<String> message) {
    long suppressed = limits.admit(site);
    if (suppressed != SiteLimits.SUPPRESSED) {
      log.accept(message.get() + (suppressed == 0 ? "" : ", suppressed=" + suppressed));
    }
  }

  private static void record(String call, CallSite site, List<String> sections) {
    SleepInAtomicContextEvent event = new SleepInAtomicContextEvent();
    if (event.shouldCommit()) {
      event.call = call;
      event.sections = String.join(", ", sections);
      event.depth = sections.size();
      event.site = site.caller();
      event.commit();
    }
  }

  private static String message(String call, CallSite site, List<String> sections, String advice) {
    return "BUG: call that may sleep in an atomic section: call=%s, method=%s, caller=%s, "
            .formatted(call, site.method(), site.caller())
        + "sections=%s, depth=%d, expectedDepth=0, %s, advice=%s"
            .formatted(sections, sections.size(), thread(), advice);
  }

  private static String thread() {
    Thread thread = Thread.currentThread();
    String name = thread.getName();
    return "thread=%s, virtual=%b"
        .formatted(name.isEmpty() ? "#" + thread.threadId() : name, thread.isVirtual());
  }

  /// Reports a task that has ended inside scopes, which are closed.
  ///
  /// @param labels what it left open, innermost last
  /// @throws IllegalStateException if the mode is THROW
  void reportLeak(List<String> labels, Runnable task) {
    Mode now = mode;
    if (now == Mode.OFF) {
      return;
    }
    leaks.increment();
    String type = task.getClass().getName().replaceFirst("/.*", "");
    CallSite site = new CallSite("Executor.execute", type);
    String message =
        "BUG: task ended in atomic sections: task=%s, sections=%s, depth=%d, expectedDepth=0, %s"
            .formatted(type, labels, labels.size(), thread());
    if (now == Mode.WARN) {
      warn(site, () -> message);
      return;
    }
    limits.remember(site);
    if (now == Mode.THROW) {
      throw new IllegalStateException(message);
    }
  }
}
