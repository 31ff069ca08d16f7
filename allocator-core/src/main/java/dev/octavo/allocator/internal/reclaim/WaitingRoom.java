package dev.octavo.allocator.internal.reclaim;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A line of requests that wait for memory, served in order of arrival.
///
/// The first in line is tried with everything that is free. Those behind it are tried after it, in
/// order, with what is not kept for the first ([Request#tryTakeBehind]); what is kept is up to the
/// owner of the line. A thread that frees memory makes it visible and then, unless [#isEmpty],
/// calls [#offer]: it tries the requests in line on the calling thread, hands over the results and
/// wakes the waiters. So memory goes from the thread that frees it to the thread that waits,
/// without another seeing it. A request that comes while others wait gets in line like them.
///
/// ## No wake-up is lost
///
/// ```
///   waiter                            who frees
///   1 count itself                    a free the pages (a volatile write or CAS)
///   2 get in line                     b load the count
///   3 offer: try the first in line    c if it is not 0, offer
/// ```
///
/// All of these are volatile accesses, so there is one order of them. If b sees no waiter, then b
/// comes before 1, a before 3, and 3 finds the pages. Else c tries whoever is first.
///
/// One thread at a time serves. Who offers while another serves only adds to `offers`; the server
/// ends when it has subtracted all that it saw *before* it last looked at the line, so each offer
/// is followed by a look that began after it. After [#MOST_LOOKS] looks the server leaves the rest
/// to the first in line, whom it wakes: a waiter that wakes unserved and is first offers by itself,
/// so a thread that frees memory is not kept by others who do. Nobody ever waits for a server
/// except those who wait for memory anyway; while the system lets a server sleep, they sleep with
/// it, up to their deadlines.
///
/// Who leaves the line for whatever reason wakes the next, who is first then and looks by itself
/// (`WaitingRoomRaceTest.whoLeavesLetsTheNextOneIn`). The first looks again at least every
/// [#POLL_NANOS], woken or not: a safety net for memory that becomes free without an offer, or that
/// was on the move when it was looked for.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | waiting | a waiter: +1 before it is in line, -1 after it left | atomic add; one volatile load on each free | `WaitingRoomRaceTest.aFreeMeetsAWaiterThatComes` never ends, if the waiter counts itself after it has looked |
/// | line | a waiter puts itself last; the server removes whom it serves, others remove themselves | `ConcurrentLinkedQueue` | |
/// | offers | +1 by whoever offers, minus what was seen by the server | atomic add | `WaitingRoomRaceTest.twoFreesServeALargeRequest` never ends, if an offer is dropped while another serves |
/// | answer | from null, once, by CAS: the server, the waiter itself, `close`, `fail` | volatile, before the waiter is woken | `WaitingRoomRaceTest.aWaiterGivesUpWhileItIsServed`: pages are lost |
/// | closed | `close`, before it walks the line; waiters read it once they are in line | volatile | `WaitingRoomRaceTest.aWaiterComesWhileTheRoomCloses` never ends |
///
/// Threads may be virtual. The accesses that compete are methods of their own: tests subclass this
/// type to run other threads just before them.
public class WaitingRoom implements AutoCloseable {

  /// What [Request#tryTake] returns if there is nothing.
  public static final long NONE = -1;

  /// How often the first in line looks at least, in nanoseconds.
  static final long POLL_NANOS = 10_000_000;

  /// After how long a wait is dumped if nothing else is said, in nanoseconds.
  public static final long DUMP_NANOS = 10_000_000_000L;

  /// How often one call of [#offer] looks at the line; each look after the first answers an offer
  /// of another thread.
  static final int MOST_LOOKS = 16;

  /// Number of requests behind the first that one look passes at most.
  private static final int MOST_BEHIND = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(WaitingRoom.class);

  private static final VarHandle WAITING;
  private static final VarHandle OFFERS;
  private static final VarHandle LAST_DUMP;
  private static final VarHandle ANSWER;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      WAITING = lookup.findVarHandle(WaitingRoom.class, "waiting", int.class);
      OFFERS = lookup.findVarHandle(WaitingRoom.class, "offers", long.class);
      LAST_DUMP = lookup.findVarHandle(WaitingRoom.class, "lastDump", long.class);
      ANSWER = lookup.findVarHandle(Waiter.class, "answer", Answer.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /// What somebody waits for. Its methods are called on any thread, also on one that frees memory,
  /// so they never sleep.
  public interface Request {

    /// Takes it, if it is there.
    ///
    /// @return what was taken, at least 0, or [#NONE]
    long tryTake();

    /// Takes it while another request is first, and leaves what is kept for that one.
    ///
    /// @return what was taken, at least 0, or [#NONE]
    default long tryTakeBehind() {
      return NONE;
    }

    /// Whether an attempt by another thread proved nothing, so that the waiting thread must try
    /// itself; it is woken then.
    default boolean wantsItsThread() {
      return false;
    }

    /// Makes free what [#tryTake] took for a waiter that had given up meanwhile.
    void giveBack(long result);

    /// For the dump.
    String describe();
  }

  /// What the room's owner does about waiters.
  public interface Host {

    /// Called by each waiter before it looks for the first time.
    void entered();

    /// Called by each waiter after it left the line.
    void left();

    /// Called by a waiter before each time it sleeps. Must not sleep.
    ///
    /// @param isFirst whether it is the first in line
    default void sleeping(Request request, boolean isFirst) {}

    /// Called before requests behind the first are tried, by the one thread that serves.
    default void lookingBehind() {}

    /// Called by the first in line when it has slept without success and is about to look again,
    /// which is about a hundred times a second. Must not sleep.
    void stillWaiting();

    /// Called by a waiter that waits for long.
    ///
    /// @param line all who wait, first to last
    void dump(List<Waiting> line);
  }

  /// How a wait ended.
  public enum Reason {
    SERVED,
    /// The time was over.
    DEADLINE,
    /// The thread is interrupted, and still is.
    INTERRUPTED,
    /// The room was closed.
    CLOSED,
    /// Somebody called [#fail].
    FAILED_BY_POLICY,
    /// The request threw something.
    BROKEN
  }

  /// What a waiter gets.
  ///
  /// @param result what the request took, or [#NONE] if it was not served
  /// @param cause what was thrown, or given to [#fail]
  public record Answer(Reason reason, long result, @Nullable Throwable cause) {

    static Answer served(long result) {
      return new Answer(Reason.SERVED, result, null);
    }

    static Answer unserved(Reason reason) {
      return new Answer(reason, NONE, null);
    }
  }

  /// Somebody who waits.
  ///
  /// @param waitedNanos how long by now
  public record Waiting(Thread thread, Request request, long waitedNanos) {

    private static final long NANOS_A_MILLI = 1_000_000;

    /// `thread=name, virtual=false, waitedMillis=1234, request=...`
    @Override
    public String toString() {
      return "thread=%s, virtual=%s, waitedMillis=%d, request=%s"
          .formatted(
              thread.getName().isEmpty() ? "#" + thread.threadId() : thread.getName(),
              thread.isVirtual(),
              waitedNanos / NANOS_A_MILLI,
              request.describe());
    }
  }

  /// One who waits; in line from [#await] on until it is answered.
  static final class Waiter {

    private final Request request;
    private final Thread thread;
    private final long since;

    /// Of its own thread only.
    private boolean isDumped;

    @SuppressWarnings("UnusedVariable") // by ANSWER
    private volatile @Nullable Answer answer;

    Waiter(Request request, long since) {
      this.request = request;
      this.since = since;
      thread = Thread.currentThread();
    }
  }

  private final WaitClock clock;
  private final Host host;
  private final long dumpNanos;
  private final Queue<Waiter> line = new ConcurrentLinkedQueue<>();
  private final Map<Reason, AtomicLong> ended = new EnumMap<>(Reason.class);

  @SuppressWarnings("UnusedVariable") // by WAITING
  private volatile int waiting;

  @SuppressWarnings("UnusedVariable") // by OFFERS
  private volatile long offers;

  /// Where a look behind the first has ended early; of the thread that serves.
  private @Nullable Iterator<Waiter> rest;

  private volatile long lastDump;

  private volatile boolean closed;

  /// @param dumpNanos after how long a wait is dumped, positive
  public WaitingRoom(WaitClock clock, Host host, long dumpNanos) {
    this.clock = clock;
    this.host = host;
    this.dumpNanos = dumpNanos;
    lastDump = clock.nanoTime() - dumpNanos;
    for (Reason reason : Reason.values()) {
      ended.put(reason, new AtomicLong());
    }
  }

  // ---- figures

  /// Whether nobody waits. To be asked after memory was made free; one volatile load.
  public boolean isEmpty() {
    return waiting == 0;
  }

  /// How many wait.
  public int size() {
    return waiting;
  }

  /// How many waits have ended so.
  public long ended(Reason reason) {
    return endedSo(reason).get();
  }

  private AtomicLong endedSo(Reason reason) {
    return Objects.requireNonNull(ended.get(reason));
  }

  /// All who wait, first to last.
  public List<Waiting> line() {
    long now = clock.nanoTime();
    List<Waiting> waiters = new ArrayList<>();
    for (Waiter waiter : line) {
      if (waiter.answer == null) {
        waiters.add(new Waiting(waiter.thread, waiter.request, now - waiter.since));
      }
    }
    return waiters;
  }

  /// What the first in line waits for, or null if nobody is in line.
  public @Nullable Request firstRequest() {
    Waiter first = first();
    return first == null ? null : first.request;
  }

  // ---- waiting

  /// Waits in line until the request is served. One that can be served at once is, whatever the
  /// deadline and whether the thread is interrupted or not.
  ///
  /// @param deadlineNanos when to give up, by the clock
  public Answer await(Request request, long deadlineNanos) {
    Waiter me = new Waiter(request, clock.nanoTime());
    count(1);
    try {
      host.entered();
      try {
        return stay(me, deadlineNanos);
      } finally {
        host.left();
      }
    } finally {
      count(-1);
    }
  }

  private Answer stay(Waiter me, long deadlineNanos) {
    enqueue(me);
    try {
      return untilAnswered(me, deadlineNanos);
    } catch (RuntimeException | Error e) {
      if (!answer(me, new Answer(Reason.BROKEN, NONE, e))) {
        giveBack(me, me.answer);
      }
      throw e;
    } finally {
      leave(me);
    }
  }

  private Answer untilAnswered(Waiter me, long deadlineNanos) {
    if (isClosed()) {
      answer(me, Answer.unserved(Reason.CLOSED));
    }
    offer();
    Answer answer = me.answer;
    while (answer == null) {
      rest(me, deadlineNanos);
      answer = me.answer;
    }
    return answer;
  }

  private void leave(Waiter me) {
    Answer answer = me.answer;
    if (answer == null || answer.reason != Reason.SERVED) {
      dequeue(me);
    }
    wakeFirst();
  }

  /// Gives up, or sleeps once.
  private void rest(Waiter me, long deadlineNanos) {
    long now = clock.nanoTime();
    if (me.thread.isInterrupted()) {
      answer(me, Answer.unserved(Reason.INTERRUPTED));
    } else if (deadlineNanos - now <= 0) {
      offer();
      answer(me, Answer.unserved(Reason.DEADLINE));
    } else {
      dumpIfDue(me, now);
      park(me, Math.min(deadlineNanos - now, me.isDumped ? dumpNanos : me.since + dumpNanos - now));
    }
  }

  private void park(Waiter me, long nanos) {
    boolean isFirst = first() == me;
    tellHost(() -> host.sleeping(me.request, isFirst));
    clock.park(this, isFirst ? Math.min(nanos, pollNanos()) : nanos);
    if (me.answer != null) {
      return;
    }
    if (first() == me) {
      tellHost(host::stillWaiting);
      offer();
    } else if (me.request.wantsItsThread()) {
      offer();
    }
  }

  private static void tellHost(Runnable message) {
    try {
      message.run();
    } catch (RuntimeException e) {
      LOG.warn("host of waiters failed", e);
    }
  }

  /// Each waiter once; but who finds that there was a dump less than `dumpNanos` ago was in it.
  private void dumpIfDue(Waiter me, long now) {
    if (me.isDumped || now - me.since < dumpNanos) {
      return;
    }
    me.isDumped = true;
    long last = lastDump;
    if (now - last >= dumpNanos && LAST_DUMP.compareAndSet(this, last, now)) {
      try {
        host.dump(line());
      } catch (RuntimeException e) {
        LOG.warn("waiters could not be dumped", e);
      }
    }
  }

  /// Ends the wait for a request without serving it.
  ///
  /// @param cause for the waiter
  /// @return false if nobody waits for it any more
  @SuppressWarnings("ReferenceEquality") // this one and no other that wants the same
  public boolean fail(Request request, Throwable cause) {
    for (Waiter waiter : line) {
      if (waiter.request == request) {
        return answer(waiter, new Answer(Reason.FAILED_BY_POLICY, NONE, cause));
      }
    }
    return false;
  }

  /// Fails all who wait, and all who come.
  @Override
  public void close() {
    setClosed();
    for (Waiter waiter : line) {
      answer(waiter, Answer.unserved(Reason.CLOSED));
    }
  }

  // ---- serving

  /// Serves those in line, the first one first, as far as there is memory. To be called after
  /// memory became free. Takes no lock, never sleeps, and runs for at most [#MOST_LOOKS] looks.
  public void offer() {
    if (addOffers(1) != 1) {
      return;
    }
    boolean isQuiet = false;
    try {
      isQuiet = serveUntilQuiet();
    } finally {
      if (!isQuiet) {
        clearOffers();
        wakeFirst();
      }
    }
  }

  /// @return false if others still offer after so many looks
  private boolean serveUntilQuiet() {
    long seen = 1;
    for (int look = 0; look < mostLooks() && seen > 0; look++) {
      serveLine();
      seen = addOffers(-seen);
    }
    return seen == 0;
  }

  /// Each turn of the first loop but the last removes one waiter from the line: it was served, or
  /// has given up.
  private void serveLine() {
    Waiter first = first();
    while (first != null && serve(first, true)) {
      first = first();
    }
    if (first != null && waiting > 1) {
      serveBehind(first);
    }
  }

  /// A look that passes [#MOST_BEHIND] ends there, and the next one goes on behind it.
  private void serveBehind(Waiter first) {
    host.lookingBehind();
    Iterator<Waiter> waiters = rest == null ? line.iterator() : rest;
    rest = null;
    int passed = 0;
    while (waiters.hasNext() && passed++ < MOST_BEHIND) {
      Waiter waiter = waiters.next();
      if (waiter != first) {
        serve(waiter, false);
      }
    }
    if (waiters.hasNext()) {
      rest = waiters;
    }
  }

  /// @return false if there is nothing for it
  private boolean serve(Waiter waiter, boolean isFirst) {
    if (waiter.answer != null) {
      dequeue(waiter);
      return true;
    }
    Answer answer;
    try {
      Request request = waiter.request;
      long result = isFirst ? request.tryTake() : request.tryTakeBehind();
      if (result == NONE) {
        wakeIfWanted(waiter);
        return false;
      }
      answer = Answer.served(result);
    } catch (RuntimeException | Error e) {
      answer = new Answer(Reason.BROKEN, NONE, e);
    }
    dequeue(waiter);
    if (!answer(waiter, answer)) {
      giveBack(waiter, answer);
    }
    return true;
  }

  @SuppressWarnings("ReferenceEquality") // threads are equal to themselves only
  private void wakeIfWanted(Waiter waiter) {
    if (waiter.thread != Thread.currentThread() && waiter.request.wantsItsThread()) {
      clock.unpark(waiter.thread);
    }
  }

  /// What was taken for one who will not have it.
  private static void giveBack(Waiter waiter, @Nullable Answer answer) {
    if (answer == null || answer.reason != Reason.SERVED) {
      return;
    }
    try {
      waiter.request.giveBack(answer.result);
    } catch (RuntimeException | Error e) {
      LOG.error("memory could not be given back: result={}", answer.result, e);
    }
  }

  private void wakeFirst() {
    Waiter first = first();
    if (first != null) {
      clock.unpark(first.thread);
    }
  }

  // ---- what competes

  boolean isClosed() {
    return closed;
  }

  void setClosed() {
    closed = true;
  }

  void count(int change) {
    WAITING.getAndAdd(this, change);
  }

  void enqueue(Waiter waiter) {
    line.add(waiter);
  }

  void dequeue(Waiter waiter) {
    line.remove(waiter);
  }

  @Nullable Waiter first() {
    return line.peek();
  }

  /// Counts offers.
  ///
  /// @return how many there are then
  long addOffers(long change) {
    return (long) OFFERS.getAndAdd(this, change) + change;
  }

  void clearOffers() {
    offers = 0;
  }

  /// Ends a wait.
  ///
  /// @return false if it was answered before
  boolean answer(Waiter waiter, Answer answer) {
    if (!ANSWER.compareAndSet(waiter, null, answer)) {
      return false;
    }
    endedSo(answer.reason).incrementAndGet();
    clock.unpark(waiter.thread);
    return true;
  }

  /// How long the first in line sleeps at most.
  long pollNanos() {
    return POLL_NANOS;
  }

  int mostLooks() {
    return MOST_LOOKS;
  }
}
