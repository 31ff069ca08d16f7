package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryPressure;
import dev.octavo.allocator.oom.OomKiller;
import org.jspecify.annotations.Nullable;

/// A request in line, for pages or for room in an account.
///
/// Attempts may be made by any thread, one at a time; `stall` is the waiting thread's.
abstract class InLine implements WaitingRoom.Request {

  /// From here on results are no pages but reasons to leave the line.
  private static final long NOT_A_PAGE = 1L << Integer.SIZE;

  private final Demand demand;
  private final Thread thread = Thread.currentThread();
  private final WaitClock clock;
  private final long since;
  private final long deadline;
  private MemoryPressure.@Nullable Mark stall;

  /// What the OOM killer is asked about, made by the waiting thread when it first asks.
  private volatile OomKiller.@Nullable Shortage shortage;

  private volatile boolean wantsItsThread;
  private volatile boolean isOver;

  /// Whether an account was chosen for it; of ticking threads, one at a time.
  private volatile boolean hadVictim;

  /// @param deadline by the clock
  InLine(Demand demand, WaitClock clock, long deadline) {
    this.demand = demand;
    this.clock = clock;
    this.deadline = deadline;
    since = clock.nanoTime();
  }

  Demand demand() {
    return demand;
  }

  long since() {
    return since;
  }

  /// The name of the waiting thread, for messages.
  String threadName() {
    return thread.getName();
  }

  boolean isPayerGone() {
    Payer payer = demand.payer();
    return payer != null && payer.isGone();
  }

  @SuppressWarnings("ReferenceEquality") // threads are equal to themselves only
  boolean isOnItsThread() {
    return Thread.currentThread() == thread;
  }

  /// Leaves the attempt to the waiting thread, because this one proved nothing.
  long leaveToItsThread() {
    wantsItsThread = true;
    return WaitingRoom.NONE;
  }

  void attemptsItself() {
    wantsItsThread = false;
  }

  @Override
  public boolean wantsItsThread() {
    return wantsItsThread;
  }

  // ---- results

  /// A result that says that the request leaves the line without what it waits for.
  static long because(Refusal refusal) {
    return NOT_A_PAGE - refusal.code();
  }

  static boolean isRefusal(long result) {
    return result >= NOT_A_PAGE;
  }

  static Refusal refusal(long result) {
    return Refusal.of(NOT_A_PAGE - result);
  }

  /// Translates the end of the wait into a page or the code of a refusal.
  ///
  /// @throws RuntimeException or an error, if an attempt threw it
  long outcomeOf(WaitingRoom.Answer answer) {
    return switch (answer.reason()) {
      case SERVED ->
          isRefusal(answer.result()) ? refusal(answer.result()).code() : served(answer.result());
      case DEADLINE -> Refusal.NO_RUN.code();
      case INTERRUPTED -> {
        demand.endedBy(Demand.Ended.INTERRUPTED);
        yield unserved();
      }
      case CLOSED -> Refusal.CLOSED.code();
      case FAILED_BY_POLICY, BROKEN -> Dismissal.of(answer.cause(), demand);
    };
  }

  /// The code of what it has waited for without success.
  abstract long unserved();

  /// Completes on the waiting thread what an attempt has taken.
  abstract long served(long result);

  // ---- what else is known of it

  OomKiller.@Nullable Shortage shortage() {
    return shortage;
  }

  boolean hadVictim() {
    return hadVictim;
  }

  void hadVictim(boolean value) {
    hadVictim = value;
  }

  void shortage(OomKiller.Shortage value) {
    shortage = value;
  }

  void beginStall(MemoryPressure pressure) {
    if (stall == null) {
      stall = pressure.stall();
    }
  }

  /// Whether the request does not wait any more: it was served, has left its line, or is about to
  /// leave it.
  boolean isOver() {
    return isOver || thread.isInterrupted() || clock.nanoTime() - deadline >= 0;
  }

  /// The result of an attempt, after which the request waits no more if it is one.
  long ending(long result) {
    if (result != WaitingRoom.NONE) {
      isOver = true;
    }
    return result;
  }

  /// Ends the wait, whatever came of it.
  void end() {
    isOver = true;
    MemoryPressure.Mark open = stall;
    if (open != null) {
      stall = null;
      open.close();
    }
  }

  @Override
  public String describe() {
    Payer payer = demand.payer();
    return payer == null
        ? demand.description()
        : demand.description() + ", account=" + payer.account().path();
  }
}
