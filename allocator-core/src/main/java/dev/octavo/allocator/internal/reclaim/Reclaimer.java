package dev.octavo.allocator.internal.reclaim;

import dev.octavo.allocator.reclaim.Shrinker;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Asks shrinkers for memory, on a thread of its own, until there is enough and nobody waits.
///
/// It works in rounds. In each it asks every shrinker what it could free, and has each free a share
/// of what is missing, in proportion to that; the shares double with each round without progress.
/// Progress is what the counters of the allocator say, never what a shrinker returned. After
/// [#MOST_FRUITLESS] rounds in a row without progress, or when there is nobody left to ask, it is
/// *exhausted*: it says so to its host if anybody waits, and rests for a while before a new need,
/// or one that goes on, sets it to work again.
///
/// The thread starts with the first shrinker. It ends when the reclaimer is closed, or garbage.
///
/// A callback that runs longer than allowed keeps its thread, but not the work: whoever wakes the
/// reclaimer notices, and another worker replaces the one that hangs. A shrinker is called by one
/// thread at a time, so the new worker goes on without the one that hangs until its call returns;
/// the old worker sees then that it was replaced, and ends.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | wanted | true by whoever needs memory; false by the worker, before it looks how much there is | volatile, CAS | `ReclaimerTest.aNeedThatArisesDuringWorkIsNotForgotten` |
/// | current | whoever adds the first shrinker, finds the worker hanging, or closes | CAS | `ReclaimerTest.twoWhoNoticeThatItHangsReplaceItOnce` |
/// | Worker.call | its worker | volatile | |
/// | Entry.isBusy | who calls the shrinker | CAS before the call, cleared after it; what else an entry has is written in between | `ReclaimerTest.whatHangsIsNotCalledAgainBeforeItReturns` |
/// | exhausted, restUntil | the current worker | volatile | |
///
/// Nothing here takes a lock that a caller of [#wake] could meet, and nothing is recursive: a
/// callback that wakes the reclaimer sets a flag.
public class Reclaimer implements AutoCloseable {

  /// Rounds in a row without progress until it gives up, as in Linux.
  static final int MOST_FRUITLESS = 16;

  /// What a worker's tick says when there will be no other.
  static final long OVER = -1;

  /// What is asked for at least, in pages, as in Linux.
  private static final int LEAST_GOAL_PAGES = 32;

  private static final long FIRST_BACKOFF_NANOS = 1_000_000_000;
  private static final int MOST_BACKOFF_DOUBLINGS = 6;
  private static final long MOST_BACKOFF_NANOS = 60 * FIRST_BACKOFF_NANOS;

  private static final Logger LOG = LoggerFactory.getLogger(Reclaimer.class);

  private static final VarHandle WANTED;
  private static final VarHandle CURRENT;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WANTED = lookup.findVarHandle(Reclaimer.class, "wanted", boolean.class);
      CURRENT = lookup.findVarHandle(Reclaimer.class, "current", Worker.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// Whose memory it is about.
  public interface Host {

    /// Free pages by the allocator's own counters.
    long freePages();

    /// How many pages the first in line waits for, 0 if nobody waits.
    long awaitedPages();

    /// How many waiters got memory so far; only grows. What goes to a waiter at once is progress,
    /// although it is never seen free.
    long served();

    /// Makes a callback, in a no-reclaim scope.
    ///
    /// @param label of the scope
    /// @return what the callback returns
    long call(String label, LongSupplier callback);

    /// Called when no shrinker gives anything more and somebody waits, again after each rest as
    /// long as both are true; in a no-reclaim scope, on the worker's thread, and never twice at a
    /// time.
    void exhausted();
  }

  /// What is fixed.
  ///
  /// @param name of the allocator
  /// @param pageSize in bytes
  /// @param highPages free pages that are enough
  /// @param callNanos how long a callback may run
  /// @param restNanos how long it rests when it is exhausted
  /// @param lookNanos how often an idle worker looks whether its reclaimer is garbage
  public record Settings(
      String name, int pageSize, long highPages, long callNanos, long restNanos, long lookNanos) {

    /// How long a callback may run if nothing else is said: a second.
    public static final long CALL_NANOS = 1_000_000_000;

    private static final long REST_NANOS = CALL_NANOS / 10;
    private static final long LOOK_NANOS = 5 * CALL_NANOS;

    public static Settings of(String name, int pageSize, long highPages) {
      return new Settings(name, pageSize, highPages, CALL_NANOS, REST_NANOS, LOOK_NANOS);
    }

    /// The same with another deadline for callbacks, in nanoseconds.
    public Settings withCallNanos(long nanos) {
      return new Settings(name, pageSize, highPages, nanos, restNanos, lookNanos);
    }
  }

  /// What has been done so far.
  ///
  /// @param rounds in which shrinkers were asked
  /// @param reclaimedBytes by how much free memory grew while shrinkers were at it, as the counters
  ///   say; what waiters got meanwhile, and what other threads took and freed, is mixed in
  /// @param thrown calls that threw
  /// @param hung calls that ran longer than allowed
  /// @param exhausted how often it gave up
  public record Stats(long rounds, long reclaimedBytes, long thrown, long hung, long exhausted) {}

  /// A shrinker and what is known of it. Refers to no reclaimer, so that keeping a registration
  /// keeps no allocator alive.
  private static final class Entry implements Shrinker.Registration {

    private final String label;
    private final AtomicBoolean isBusy = new AtomicBoolean();

    /// Null when it is closed.
    private volatile @Nullable Shrinker shrinker;

    /// Whether it last said that it freed something when there was nothing to see.
    private volatile boolean lied;

    // Of whoever has made it busy.
    private boolean isLogged;
    private int throwsInARow;
    private long notBefore;

    Entry(String label, @Nullable Shrinker shrinker) {
      this.label = label;
      this.shrinker = shrinker;
    }

    @Override
    public void close() {
      shrinker = null;
    }

    boolean isOpen() {
      return shrinker != null;
    }
  }

  /// A shrinker and what it said it could free.
  private record Offer(Entry entry, long bytes) {}

  /// A callback that runs.
  record Call(String label, long since) {}

  private final Settings settings;
  private final Host host;
  private final WaitClock clock;
  private final List<Entry> entries = new CopyOnWriteArrayList<>();
  private final Entry lastResort = new Entry("exhausted", null);

  private final AtomicLong rounds = new AtomicLong();
  private final AtomicLong reclaimedPages = new AtomicLong();
  private final AtomicLong thrown = new AtomicLong();
  private final AtomicLong hung = new AtomicLong();
  private final AtomicLong exhaustions = new AtomicLong();

  private volatile boolean wanted;
  private volatile @Nullable Worker current;
  private volatile boolean closed;
  private volatile boolean exhausted;
  private volatile long restUntil;

  public Reclaimer(Settings settings, Host host, WaitClock clock) {
    this.settings = settings;
    this.host = host;
    this.clock = clock;
  }

  // ---- for everybody

  /// Asks a shrinker from now on, too.
  ///
  /// @param name for messages, not empty
  /// @throws IllegalArgumentException if the name is empty
  /// @throws IllegalStateException if the reclaimer is closed
  public Shrinker.Registration add(String name, Shrinker shrinker) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("shrinker needs a name: name=" + name);
    }
    if (closed) {
      throw new IllegalStateException(
          "allocator is closed: name=" + settings.name + ", shrinker=" + name);
    }
    Entry entry = new Entry(name, shrinker);
    entries.removeIf(other -> !other.isOpen());
    entries.add(entry);
    if (current == null) {
      replace(null, null);
    }
    return entry;
  }

  /// Says that memory is needed. Never sleeps and takes no lock; if the reclaimer knows already, it
  /// costs two loads. Only if a callback hangs, and only once for each, a thread is started.
  public void wake() {
    Worker worker = current;
    if (worker == null) {
      return;
    }
    if (!wanted && WANTED.compareAndSet(this, false, true)) {
      clock.unpark(worker.thread);
    }
    Call call = worker.call;
    if (call != null && clock.nanoTime() - call.since > settings.callNanos) {
      replace(worker, call);
    }
  }

  /// Whether there is no use in waiting for shrinkers: there are none, or they have just been asked
  /// in vain.
  public boolean isExhausted() {
    return exhausted || entries.stream().noneMatch(Entry::isOpen);
  }

  public Stats stats() {
    return new Stats(
        rounds.get(),
        reclaimedPages.get() * settings.pageSize,
        thrown.get(),
        hung.get(),
        exhaustions.get());
  }

  /// Ends the worker, without waiting for a callback that it may be in.
  @Override
  public void close() {
    closed = true;
    Worker worker = (Worker) CURRENT.getAndSet(this, null);
    if (worker != null) {
      clock.unpark(worker.thread);
    }
    entries.forEach(Entry::close);
  }

  /// Puts a new worker into the place of another, if that is still at work.
  ///
  /// @param late what the other one hangs in, if it does
  private void replace(@Nullable Worker worker, @Nullable Call late) {
    Worker next = new Worker(this, late);
    if (!CURRENT.compareAndSet(this, worker, next)) {
      return;
    }
    if (closed) {
      CURRENT.compareAndSet(this, next, null);
      return;
    }
    if (late != null) {
      hung.incrementAndGet();
      wanted = true;
    }
    try {
      start(next.thread);
    } catch (OutOfMemoryError e) {
      CURRENT.compareAndSet(this, next, worker);
      LOG.error("no thread to reclaim memory: allocator={}", settings.name, e);
    }
  }

  void start(Thread thread) {
    thread.start();
  }

  @Nullable Worker worker() {
    return current;
  }

  // ---- for the worker

  /// Works, if it has to.
  ///
  /// @return nanoseconds until the next look if nobody wakes it, or [#OVER]
  private long work(Worker me) {
    if (!isAtWork(me)) {
      return OVER;
    }
    long rest = exhausted ? restUntil - clock.nanoTime() : 0;
    if (!wanted || rest > 0) {
      return wanted ? rest : settings.lookNanos;
    }
    wanted = false;
    int fruitless = 0;
    while (fruitless < MOST_FRUITLESS && isAtWork(me) && isNeeded()) {
      fruitless = runRound(me, fruitless);
    }
    if (!isAtWork(me)) {
      return OVER;
    }
    exhausted = fruitless == MOST_FRUITLESS;
    return exhausted ? giveUp(me) : 0;
  }

  private long giveUp(Worker me) {
    exhaustions.incrementAndGet();
    restUntil = clock.nanoTime() + settings.restNanos;
    if (isAwaited()) {
      wanted = true;
      call(
          me,
          lastResort,
          () -> {
            host.exhausted();
            return 0;
          });
    }
    return settings.restNanos;
  }

  private boolean isAtWork(Worker me) {
    return current == me;
  }

  private boolean isAwaited() {
    return host.awaitedPages() > 0;
  }

  private boolean isNeeded() {
    return isAwaited() || host.freePages() < settings.highPages;
  }

  /// Asks every shrinker once.
  ///
  /// @param fruitless rounds without progress just before
  /// @return the same after this one
  int runRound(Worker me, int fruitless) {
    rounds.incrementAndGet();
    List<Offer> offers = count(me);
    if (offers.isEmpty()) {
      return MOST_FRUITLESS;
    }
    long missing = Math.max(settings.highPages - host.freePages(), host.awaitedPages());
    long goal = Math.max(missing, LEAST_GOAL_PAGES);
    double part =
        Math.scalb((double) goal * settings.pageSize, fruitless)
            / offers.stream().mapToDouble(Offer::bytes).sum();
    boolean hasProgress = false;
    for (Offer offer : offers) {
      if (isAtWork(me) && isNeeded()) {
        double share = Math.max(offer.bytes * part, settings.pageSize);
        hasProgress |= scan(me, offer.entry, Math.min((long) share, offer.bytes));
      }
    }
    return hasProgress ? 0 : fruitless + 1;
  }

  /// What shrinkers say they could free, those that lied last. Who is busy, or has just thrown, is
  /// left out.
  private List<Offer> count(Worker me) {
    List<Offer> offers = new ArrayList<>();
    for (Entry entry : entries) {
      if (isAtWork(me)) {
        long bytes = ask(me, entry, Shrinker::count);
        if (bytes > 0) {
          offers.add(new Offer(entry, bytes));
        }
      }
    }
    offers.sort((a, b) -> Boolean.compare(a.entry.lied, b.entry.lied));
    return offers;
  }

  /// @return whether there was progress
  private boolean scan(Worker me, Entry entry, long byteSize) {
    long freeBefore = host.freePages();
    long servedBefore = host.served();
    long said =
        ask(
            me,
            entry,
            shrinker -> {
              long freed = shrinker.scan(byteSize);
              entry.throwsInARow = 0;
              return freed;
            });
    if (!isAtWork(me)) {
      return false;
    }
    long gained = host.freePages() - freeBefore;
    reclaimedPages.addAndGet(Math.max(gained, 0));
    boolean hasProgress = gained > 0 || host.served() > servedBefore;
    entry.lied = said > 0 && !hasProgress;
    return hasProgress;
  }

  /// @return what the shrinker says, 0 if it says nothing
  private long ask(Worker me, Entry entry, ToLongFunction<Shrinker> question) {
    Shrinker shrinker = entry.shrinker;
    return shrinker == null ? 0 : call(me, entry, () -> question.applyAsLong(shrinker));
  }

  private long call(Worker me, Entry entry, LongSupplier callback) {
    if (!entry.isBusy.compareAndSet(false, true)) {
      return 0;
    }
    try {
      if (entry.throwsInARow > 0 && clock.nanoTime() - entry.notBefore < 0) {
        return 0;
      }
      me.call = new Call(entry.label, clock.nanoTime());
      return host.call(entry.label, callback);
    } catch (RuntimeException | Error e) {
      threw(entry, e);
      return 0;
    } finally {
      me.call = null;
      clearInterrupt();
      entry.isBusy.set(false);
    }
  }

  /// An interrupt that a callback left behind would keep the worker from sleeping.
  private static void clearInterrupt() {
    Thread.interrupted();
  }

  private void threw(Entry entry, Throwable failure) {
    thrown.incrementAndGet();
    if (!entry.isLogged) {
      entry.isLogged = true;
      LOG.warn(
          "shrinker failed, further failures are only counted: allocator={}, shrinker={}",
          settings.name,
          entry.label,
          failure);
    }
    int doublings = Math.min(entry.throwsInARow, MOST_BACKOFF_DOUBLINGS);
    entry.throwsInARow++;
    entry.notBefore =
        clock.nanoTime() + Math.min(FIRST_BACKOFF_NANOS << doublings, MOST_BACKOFF_NANOS);
  }

  /// What the thread runs. Refers weakly to the reclaimer while it sleeps.
  static final class Worker implements Runnable {

    private final WeakReference<Reclaimer> reclaimer;
    private final WaitClock clock;
    private final Thread thread;
    private final @Nullable Call late;

    private volatile @Nullable Call call;

    /// @param late the callback because of which it takes the place of another
    Worker(Reclaimer reclaimer, @Nullable Call late) {
      this.reclaimer = new WeakReference<>(reclaimer);
      this.late = late;
      clock = reclaimer.clock;
      thread =
          Thread.ofPlatform()
              .daemon()
              .name("octavo-reclaim-" + reclaimer.settings.name)
              .inheritInheritableThreadLocals(false)
              .unstarted(this);
    }

    long tick() {
      Reclaimer open = reclaimer.get();
      return open == null ? OVER : open.work(this);
    }

    /// Whether its thread is in a callback.
    boolean isInCall() {
      return call != null;
    }

    @Override
    public void run() {
      if (late != null) {
        LOG.warn("shrinker hangs, going on without it: shrinker={}", late.label);
      }
      try {
        for (long wait = tick(); wait >= 0; wait = tick()) {
          if (wait > 0) {
            clock.park(this, wait);
          }
        }
      } catch (RuntimeException | Error e) {
        LOG.error("memory is not reclaimed any more", e);
      }
    }
  }
}
