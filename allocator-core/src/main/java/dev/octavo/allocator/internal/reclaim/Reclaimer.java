package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.internal.threads.Callbacks;
import dev.octavo.allocator.internal.threads.Callbacks.Call;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import dev.octavo.allocator.reclaim.Shrinker;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Runs all shrinkers of an allocator, on one daemon thread of its own, as long as memory is
/// needed.
///
/// It knows no accounts and no pages: its host says what is needed, most urgent first, and each
/// need says which shrinkers may be asked in which stage, and what was done for it so far. How it
/// shares is said in [Shares], when it gives up in [Shortage], what it does when in [Rounds].
///
/// The thread starts with the first shrinker. It ends when the reclaimer is closed, or garbage.
///
/// A callback that runs longer than allowed keeps its thread, but not the work: the next caller of
/// [#wake] notices, and starts another worker. A shrinker is called by one thread at a time, so the
/// new worker goes on without the one that hangs until its call returns; the old worker sees then
/// that it was replaced, and ends.
///
/// | word | writers | order | test that fails without |
/// |---|---|---|---|
/// | wanted | true: callers of `wake`; false: the worker, before it looks what is needed | volatile, CAS | `ReclaimerTest.aNeedThatArisesDuringWorkIsNotForgotten` |
/// | current | the thread that adds the first shrinker, finds the worker hanging, or closes | CAS | `ReclaimerTest.twoThatNoticeThatItHangsReplaceItOnce` |
/// | Entry.running | the thread that calls the shrinker | CAS before the call, cleared after it; what else an entry has is written in between | `ReclaimerTest.aHangingShrinkerIsNotCalledAgainBeforeItReturns` |
/// | Rounds.exhausted | its worker | concurrent map, before it sleeps | `ReclaimerTest.exhaustionIsPerKey` |
/// | Shrinkers.additions | the thread that adds a shrinker, after it can be seen | atomic | `ReclaimerTest.aShrinkerThatIsAddedEndsExhaustion` |
/// | closed | the closing thread, before it takes the worker away | volatile | `ReclaimerTest.closingEndsTheWorkerAndAllCalls` |
///
/// Nothing here takes a lock that a caller of [#wake] could meet, and nothing is recursive: a
/// callback that wakes the reclaimer sets a flag.
public class Reclaimer implements AutoCloseable {

  /// Result of a worker's tick when there is no other.
  static final long OVER = -1;

  private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

  private static final VarHandle WANTED;
  private static final VarHandle CURRENT;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WANTED = lookup.findVarHandle(Reclaimer.class, "wanted", boolean.class);
      CURRENT = lookup.findVarHandle(Reclaimer.class, "current", Rounds.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// The owner of the memory.
  public interface Host {

    /// Returns what memory is needed for now, most urgent first. Called on the worker's thread,
    /// again after each round.
    List<? extends Need> needs();

    /// Makes a callback, in a no-reclaim scope.
    ///
    /// @param label of the scope
    /// @return what the callback returns
    long call(String label, LongSupplier callback);
  }

  /// A shortage of memory. All methods are called on the worker's thread.
  public interface Need {

    /// Identifies the shortage: what did not help, and whether anything is left, is kept for each
    /// key, until no need has it any more. With `equals` and `hashCode`.
    Object key();

    /// Whether a request waits for it; else it is a mark that is to be reached in the background.
    boolean isAwaited();

    /// Bytes that are missing; 0 or less when nothing is needed any more.
    long missingBytes();

    /// Number of stages, at least 1. Shrinkers are asked in stage `s + 1` only when there is none
    /// left to ask in stage `s`.
    int stages();

    /// Most bytes to ask of a shrinker.
    ///
    /// @param owner as given to [#add]
    /// @param stage from 0
    /// @return 0 if it is not to be asked in this stage
    long mostBytes(@Nullable Object owner, int stage);

    /// Bytes that calls on the current thread have freed toward this need so far. Compared before
    /// and after a scan: that, and nothing else, is progress.
    long helpedBytes();
  }

  /// Configuration of a reclaimer.
  ///
  /// @param name of the allocator
  /// @param pageSize in bytes; the least that is asked for
  /// @param callNanos deadline of a callback
  /// @param restNanos time between two looks for a background need that is exhausted
  /// @param againNanos time between two looks for an awaited need that is exhausted
  /// @param lookNanos time after which an idle worker looks whether its reclaimer is garbage
  public record Settings(
      String name, int pageSize, long callNanos, long restNanos, long againNanos, long lookNanos) {

    /// Deadline of a callback by default: a second.
    public static final long CALL_NANOS = 1_000_000_000;

    private static final long REST_NANOS = CALL_NANOS / 10;
    private static final long AGAIN_NANOS = CALL_NANOS / 100;
    private static final long LOOK_NANOS = 5 * CALL_NANOS;

    /// Builds the default.
    public static Settings of(String name, int pageSize) {
      return new Settings(name, pageSize, CALL_NANOS, REST_NANOS, AGAIN_NANOS, LOOK_NANOS);
    }
  }

  /// What has been done so far.
  ///
  /// @param rounds in which shrinkers were asked to free something
  /// @param reclaimedBytes that scans freed toward the need that they were made for
  /// @param thrown calls that threw
  /// @param hung calls that ran longer than allowed
  /// @param exhausted how often there was nothing left to ask for a need
  public record Stats(long rounds, long reclaimedBytes, long thrown, long hung, long exhausted) {}

  private final Settings settings;
  private final Host host;
  private final WaitClock clock;
  private final Shrinkers shrinkers;
  private final Callbacks threads;
  private final Rounds.Counts counts = new Rounds.Counts();

  private volatile boolean wanted;
  private volatile @Nullable Rounds current;
  private volatile boolean closed;
  private volatile boolean isHostLogged;

  public Reclaimer(Settings settings, Host host, WaitClock clock) {
    this.settings = settings;
    this.host = host;
    this.clock = clock;
    shrinkers = new Shrinkers(settings, host, clock);
    // Bounded by the shrinkers: one that hangs is not called again.
    threads = new Callbacks("octavo-reclaim-" + settings.name, Integer.MAX_VALUE, this::start);
  }

  // ---- for any thread

  /// Registers a shrinker.
  ///
  /// @param name for messages, not empty
  /// @param owner given to [Need#mostBytes]; forgotten when the registration is closed
  /// @throws IllegalArgumentException if the name is empty
  /// @throws IllegalStateException if the reclaimer is closed
  public Shrinker.Registration add(String name, Shrinker shrinker, @Nullable Object owner) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("shrinker needs a name: name=" + name);
    }
    if (closed) {
      throw new IllegalStateException(
          "allocator is closed: name=" + settings.name + ", shrinker=" + name);
    }
    Entry entry = shrinkers.add(name, shrinker, owner);
    Rounds rounds = current;
    if (rounds == null) {
      replace(null, null);
    } else if (rounds.hasExhausted()) {
      wake();
    }
    return entry;
  }

  /// Says that memory is needed. Never sleeps and takes no lock; if the reclaimer knows already, it
  /// costs two loads. Only if a callback hangs, and only once for each, a thread is started.
  public void wake() {
    Rounds rounds = current;
    if (rounds == null) {
      return;
    }
    Worker worker = rounds.worker();
    if (!wanted && WANTED.compareAndSet(this, false, true)) {
      clock.unpark(worker.thread());
    }
    Call call = worker.current();
    if (call != null && call.isLate(clock.nanoTime(), settings.callNanos)) {
      replace(rounds, call);
    } else if (worker.isDone()) {
      replace(rounds, null);
    }
  }

  /// Whether shrinkers can do nothing for a shortage: there is none, or the last look for it found
  /// none to ask, and none that could help is in a scan within its deadline. Never sleeps.
  ///
  /// @param key of the need
  /// @return false if the reclaimer does not know the shortage yet
  public boolean isExhausted(Object key) {
    Rounds rounds = current;
    return rounds == null || shrinkers.isEmpty() || rounds.isExhausted(key);
  }

  public Stats stats() {
    return new Stats(
        counts.rounds().get(),
        counts.reclaimedBytes().get(),
        shrinkers.thrown(),
        shrinkers.hung(),
        counts.exhausted().get());
  }

  /// Ends the worker, without waiting for a callback that it may be in.
  @Override
  public void close() {
    closed = true;
    Rounds rounds = (Rounds) CURRENT.getAndSet(this, null);
    if (rounds != null) {
      rounds.worker().replace();
      clock.unpark(rounds.worker().thread());
    }
    shrinkers.closeAll();
  }

  // ---- workers

  /// Puts a new worker into the place of another, if that is still at work.
  ///
  /// @param old the other one, or null if there is none
  /// @param late the call in which it hangs, or null
  private void replace(@Nullable Rounds old, @Nullable Call late) {
    Worker worker = threads.worker(new Loop(this, late));
    Rounds next = new Rounds(settings, host, shrinkers, new Rounds.Parts(clock, worker, counts));
    if (!CURRENT.compareAndSet(this, old, next)) {
      return;
    }
    if (old != null) {
      old.worker().replace();
      wanted = true;
    }
    if (closed) {
      CURRENT.compareAndSet(this, next, null);
      return;
    }
    if (late != null) {
      shrinkers.isLate(late); // counts it
    }
    try {
      threads.start(worker);
    } catch (OutOfMemoryError e) {
      restore(next, old);
      LOG.error("no thread to reclaim memory: allocator={}", settings.name, e);
    }
  }

  private void restore(Rounds next, @Nullable Rounds old) {
    if (old != null) {
      old.worker().restore();
    }
    CURRENT.compareAndSet(this, next, old);
  }

  void start(Thread thread) {
    thread.start();
  }

  @Nullable Worker worker() {
    Rounds rounds = current;
    return rounds == null ? null : rounds.worker();
  }

  /// Works, if it has to.
  ///
  /// @return nanoseconds until the next look unless something wakes it, or [#OVER]
  long work(Worker me) {
    Rounds rounds = current;
    if (rounds == null || rounds.worker() != me) {
      return OVER;
    }
    long rest = rounds.nanosLeft(settings.lookNanos);
    if (!wanted && rest > 0) {
      return rest;
    }
    wanted = false;
    try {
      rounds.run();
    } catch (RuntimeException | Error e) { // the host's
      hostFailed(e);
      return me.isReplaced() ? OVER : settings.restNanos;
    }
    if (me.isReplaced()) {
      return OVER;
    }
    return wanted ? 0 : rounds.nanosLeft(settings.lookNanos);
  }

  private void hostFailed(Throwable failure) {
    wanted = true;
    if (!isHostLogged) {
      isHostLogged = true;
      LOG.error(
          "reclaim failed, further failures are silent: allocator={}", settings.name, failure);
    }
  }

  /// What the thread runs. Refers weakly to the reclaimer while it sleeps.
  private static final class Loop implements Callbacks.Body {

    private final WeakReference<Reclaimer> reclaimer;
    private final WaitClock clock;
    private final @Nullable Call late;

    /// @param late the call because of which it takes the place of another
    Loop(Reclaimer reclaimer, @Nullable Call late) {
      this.reclaimer = new WeakReference<>(reclaimer);
      this.late = late;
      clock = reclaimer.clock;
    }

    private long tick(Worker me) {
      Reclaimer open = reclaimer.get();
      return open == null ? OVER : open.work(me);
    }

    @Override
    public void work(Worker me) {
      if (late != null) {
        LOG.warn("shrinker hangs, going on without it: shrinker={}", late.label());
      }
      for (long wait = tick(me); wait >= 0; wait = tick(me)) {
        if (wait > 0) {
          clock.park(me, wait);
        }
      }
    }
  }
}
