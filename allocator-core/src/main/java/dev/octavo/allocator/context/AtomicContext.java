package dev.octavo.allocator.context;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A stretch of one thread's work in which it must not sleep: under a lock, in a callback, in an
/// event loop. The object is the token that closes it.
///
/// ```java
/// try (var _ = AtomicContext.enter("index-flush")) {
///   pages.allocate(4096); // reported: this may wait
/// }
/// ```
///
/// What is reported is the *capability* to sleep, not the event: a call that could wait is a
/// violation even when it finds what it wants at once. [SleepGuard] says how it is reported.
///
/// | scope | sleeping is | reclaim is |
/// |---|---|---|
/// | [#enter] | forbidden | as outside |
/// | [#allow] | permitted, whatever is around it | as outside |
/// | [#noReclaim] | as outside | forbidden |
///
/// Scopes nest to any mix, up to 16,384 deep; the innermost `enter` or `allow` decides about
/// sleeping. Where there is none, the thread's kind does ([#treatThreads]); without a kind of its
/// own a thread may sleep.
///
/// A scope belongs to the thread that opened it, platform or virtual, and is closed by that thread,
/// innermost first. Closing it in any other way throws and changes nothing. It follows a virtual
/// thread from carrier to carrier; threads and tasks started inside know nothing of it.
///
/// All methods are thread-safe, take constant time unless they say otherwise, wait for nobody and
/// create nothing that outlives the call, except the state of a thread at its first scope. What
/// they cost is in docs/guards.md.
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class AtomicContext implements AutoCloseable {

  /// A kind of thread that is declared atomic, until it is closed.
  public interface Registration extends AutoCloseable {

    /// Ends it. Threads of this kind are judged anew at their next check. Closing again does
    /// nothing. Any thread may call it.
    @Override
    void close();
  }

  private final Sections sections;
  private final String label;

  /// Times a section, if the flight recorder takes it.
  private final @Nullable AtomicSectionEvent event;

  /// The states of `sections` when this is not open, and when it is the innermost.
  private final long outside;

  private final long inside;

  private AtomicContext(
      Sections sections,
      String label,
      @Nullable AtomicSectionEvent event,
      long outside,
      long inside) {
    this.sections = sections;
    this.label = label;
    this.event = event;
    this.outside = outside;
    this.inside = inside;
  }

  /// Opens a section in which the calling thread must not sleep.
  ///
  /// @param label what reports call it; a constant, best
  /// @return what closes it
  /// @throws NullPointerException if `label` is null
  /// @throws IllegalStateException if 16,384 scopes are open
  public static AtomicContext enter(String label) {
    Sections mine = Sections.ofThisThread();
    return new AtomicContext(
        mine, label, AtomicSectionEvent.startIfOn(), mine.state(), mine.enter(label));
  }

  /// Opens a scope that permits sleeping although a section is open, or the thread is of an atomic
  /// kind. Keep it narrow. [#sections] still names what is around it.
  ///
  /// @param reason why it is right here; shown if the scope is left open
  /// @return what closes it
  /// @throws NullPointerException if `reason` is null
  /// @throws IllegalStateException if 16,384 scopes are open
  public static AtomicContext allow(String reason) {
    Sections mine = Sections.ofThisThread();
    return new AtomicContext(mine, reason, null, mine.state(), mine.allow(reason));
  }

  /// Opens a scope in which requests of the calling thread never reclaim, wait or trigger the
  /// out-of-memory policy: they get what is free, or fail. Reclaim and out-of-memory callbacks run
  /// in one, so that they neither recurse nor wait for themselves.
  ///
  /// @param label who opens it; shown if the scope is left open
  /// @return what closes it
  /// @throws NullPointerException if `label` is null
  /// @throws IllegalStateException if 16,384 scopes are open
  public static AtomicContext noReclaim(String label) {
    Sections mine = Sections.ofThisThread();
    return new AtomicContext(mine, label, null, mine.state(), mine.noReclaim(label));
  }

  /// Says whether the calling thread is inside [#noReclaim].
  ///
  /// @return true if its requests must not reclaim
  public static boolean isNoReclaim() {
    Sections mine = ThreadKinds.declared() == null ? null : Sections.current();
    return mine != null && mine.isNoReclaim();
  }

  /// Says whether the calling thread must not sleep now: the check that guarded methods make first.
  ///
  /// One load where no section was ever opened and no kind declared in this JVM; else a look at a
  /// thread-local. The first check after a kind was declared asks the predicates.
  ///
  /// @return true in a section, or in a thread of an atomic kind, unless [#allow] lifts it
  public static boolean isSleepForbidden() {
    ThreadKinds kinds = ThreadKinds.declared();
    if (kinds == null) {
      return false;
    }
    Sections mine = Sections.current();
    if (mine == null) {
      return kinds != ThreadKinds.NONE && Sections.ofThisThread().isSleepForbidden(kinds);
    }
    return mine.isSleepForbidden(kinds);
  }

  /// Lists what makes the calling thread atomic. [#allow] and [#noReclaim] are not in it, and take
  /// nothing from it. Takes time in proportion to the scopes that are open.
  ///
  /// @return the label of the thread's kind, if it has one, then those of the open sections,
  ///   innermost last; unmodifiable
  public static List<String> sections() {
    ThreadKinds kinds = ThreadKinds.declared();
    if (kinds == null) {
      return List.of();
    }
    return Sections.ofThisThread().labels(kinds);
  }

  /// Declares all threads of a kind atomic: from now on they are as in a section. Inside of
  /// [#allow] they may sleep.
  ///
  /// ```java
  /// AtomicContext.treatThreads("netty-event-loop", t -> t instanceof FastThreadLocalThread);
  /// ```
  ///
  /// Each thread is judged at its first check after a declaration or its end, by itself, and the
  /// verdict kept. A virtual thread is judged as the virtual thread, never as its carrier. If
  /// several kinds fit, the first declared gives the label.
  ///
  /// @param label what reports call the kind
  /// @param kind true for threads of the kind; called by the thread it judges, must be fast and not
  ///   sleep; one that throws is logged once and counts as false
  /// @return what ends it
  /// @throws NullPointerException if `label` or `kind` is null
  public static Registration treatThreads(String label, Predicate<? super Thread> kind) {
    return ThreadKinds.declare(requireNonNull(label, "label"), requireNonNull(kind, "kind"));
  }

  /// Like [#checking(Executor, SleepGuard)], with the guard of the process.
  ///
  /// @param executor runs the tasks
  /// @return an executor that passes checked tasks to `executor`
  /// @throws NullPointerException if `executor` is null
  public static Executor checking(Executor executor) {
    return checking(executor, SleepGuard.ofProcess());
  }

  /// Wraps an executor so that no task leaves a scope open to the next task of its thread.
  ///
  /// What a task has opened and not closed is closed after it, and reported by the guard: counted,
  /// logged, or thrown as an [IllegalStateException] that names the labels (into the executor's
  /// thread, as a suppressed exception if the task has thrown itself). With [SleepGuard.Mode#OFF]
  /// it is closed only. Scopes that were open before the task stay open.
  ///
  /// @param executor runs the tasks
  /// @param guard reports
  /// @return an executor that passes checked tasks to `executor`
  /// @throws NullPointerException if `executor` or `guard` is null
  public static Executor checking(Executor executor, SleepGuard guard) {
    requireNonNull(executor, "executor");
    requireNonNull(guard, "guard");
    return task -> {
      requireNonNull(task, "task");
      executor.execute(() -> run(task, guard));
    };
  }

  private static void run(Runnable task, SleepGuard guard) {
    Sections before = Sections.current();
    int depth = before == null ? 0 : before.depth();
    try {
      task.run();
    } catch (Throwable failure) {
      try {
        closeLeft(depth, task, guard);
      } catch (IllegalStateException leak) {
        failure.addSuppressed(leak);
      }
      throw failure;
    }
    closeLeft(depth, task, guard);
  }

  private static void closeLeft(int depth, Runnable task, SleepGuard guard) {
    Sections mine = Sections.current();
    if (mine != null && mine.depth() > depth) {
      guard.reportLeak(mine.closeAbove(depth), task);
    }
  }

  /// Closes the scope.
  ///
  /// @throws IllegalStateException if the calling thread did not open it, if it is closed already,
  ///   or if a scope inside it is still open; names this scope and the innermost of the calling
  ///   thread, and changes nothing
  @Override
  public void close() {
    if (!sections.leave(inside, outside)) {
      throw misuse(sections, sections.isMine() && sections.isOpen(inside), label);
    }
    if (event != null) {
      event.end(label);
    }
  }

  private static IllegalStateException misuse(Sections sections, boolean isOpen, String label) {
    Thread thread = Thread.currentThread();
    Sections mine = Sections.current();
    String innermost = mine == null ? null : mine.innermost();
    String rule = "a scope is closed once";
    String more = "";
    if (!sections.isMine()) {
      rule = "a scope is closed by the thread that opened it";
      more = ", opener=" + sections.owner().getName() + ", thread=" + thread.getName();
    } else if (isOpen) {
      rule = "scopes are closed innermost first";
    }
    return new IllegalStateException(
        rule + ": closing=" + label + ", innermost=" + innermost + more);
  }
}
