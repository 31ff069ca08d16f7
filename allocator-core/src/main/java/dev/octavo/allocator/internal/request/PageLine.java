package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The line of requests that wait for pages.
///
/// The first in line takes any run that it can use. A [Window] is kept for it; the others are
/// served in order of arrival from outside of the window. Requests that do not wait, and requests
/// at their deadline, are not bound by it.
///
/// While a request is in line no thread keeps free pages to itself, so all that is free is in the
/// tree, and each free is offered to the line.
final class PageLine implements WaitingRoom.Host {

  private static final VarHandle FREES;

  static {
    try {
      FREES = MethodHandles.lookup().findVarHandle(PageLine.class, "frees", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final WaitClock clock;
  private final LineOwner owner;
  private final PagePool pool;
  private final Holdings holdings;
  private final WaitingRoom room;
  private final Window window;

  /// Length and alignment of the smallest run that was refused in this look behind the first.
  /// Written by the one thread that serves.
  private long refusedPages;

  private int refusedAlignOrder;

  /// How often pages were freed while requests waited.
  @SuppressWarnings("UnusedVariable") // by FREES
  private volatile long frees;

  /// The thread that gives pages back which it took for a request, so that it does not offer them
  /// again. Written and compared by threads with themselves only.
  @SuppressWarnings("UnusedVariable")
  private @Nullable Thread undoing;

  PageLine(Setting setting, LineOwner owner) {
    clock = setting.clock();
    this.owner = owner;
    pool = setting.pool();
    holdings = setting.holdings();
    room = new WaitingRoom(clock, this, WaitingRoom.DUMP_NANOS);
    window = new Window(pool);
  }

  WaitingRoom room() {
    return room;
  }

  boolean isEmpty() {
    return room.isEmpty();
  }

  /// The request that is first, or null.
  @Nullable InLine first() {
    return room.firstRequest() instanceof InLine first ? first : null;
  }

  /// Offers pages that were made free to the line.
  void freed() {
    if (!room.isEmpty() && !isUndoing()) {
      FREES.getAndAdd(this, 1);
      room.offer();
    }
  }

  /// Whether the calling thread puts back what it took for a request that did not get it.
  @SuppressWarnings("ReferenceEquality") // a thread compares the word with itself
  boolean isUndoing() {
    return undoing == Thread.currentThread();
  }

  /// Takes a run from outside of the window that is kept for the first in line.
  ///
  /// @return the first page, or [PagePool#NONE], which proves nothing
  int takeOutside(int pages, int alignOrder, long phase, long mark) {
    Window.Kept kept = window.keptFor(room.firstRequest());
    return kept == null
        ? pool.serve(pages, alignOrder, phase, mark)
        : pool.serveOutside(pages, alignOrder, phase, mark, kept.from(), kept.to());
  }

  /// Whether some of the pages `from..to-1` are kept for the first in line.
  boolean keeps(int from, int to) {
    Window.Kept kept = room.isEmpty() ? null : window.keptFor(room.firstRequest());
    return kept != null && kept.from() < to && kept.to() > from;
  }

  /// Waits in line.
  ///
  /// @param deadline by the clock
  /// @return the first page, or a negative number that says why not
  long await(Demand demand, long deadline) {
    PageRequest request = new PageRequest(demand, deadline);
    try {
      return request.outcomeOf(room.await(request, deadline));
    } finally {
      window.end(request);
      request.end();
    }
  }

  // ---- told by the line

  @Override
  public void entered() {
    owner.wakeReclaimer();
    pool.beginWait();
  }

  @Override
  public void left() {
    pool.endWait();
  }

  @Override
  public void sleeping(WaitingRoom.Request request, boolean isFirst) {
    if (request instanceof InLine waiting) {
      owner.sleeping(waiting);
      if (isFirst) {
        window.lookAfter(request, waiting.demand(), clock.nanoTime());
      }
    }
  }

  @Override
  public void lookingBehind() {
    refusedPages = Long.MAX_VALUE;
    refusedAlignOrder = Integer.MAX_VALUE;
  }

  @Override
  public void stillWaiting() {
    owner.stillWaiting(room, null);
  }

  @Override
  public void dump(List<WaitingRoom.Waiting> line) {
    owner.dump(line);
  }

  /// A request in this line.
  private final class PageRequest extends InLine {

    /// How often pages were there and the account had no room; then it waits for room first.
    private static final int MOST_UNPAID = 3;

    private int unpaid;

    /// Value of `frees` when it was last tried; of the waiting thread, others may see an old one.
    private volatile long triedAt = -1;

    PageRequest(Demand demand, long deadline) {
      super(demand, clock, deadline);
    }

    @Override
    public long tryTake() {
      return ending(attempt(true));
    }

    @Override
    public long tryTakeBehind() {
      Demand demand = demand();
      boolean isLarger = demand.pages() >= refusedPages && demand.alignOrder() >= refusedAlignOrder;
      boolean isComparable = demand.phase() == 0 || refusedAlignOrder == 0;
      return isLarger && isComparable ? WaitingRoom.NONE : ending(attempt(false));
    }

    private void rememberRefusal() {
      Demand demand = demand();
      if (demand.phase() == 0 && demand.pages() <= refusedPages) {
        refusedPages = demand.pages();
        refusedAlignOrder = demand.alignOrder();
      }
    }

    private long attempt(boolean isFirst) {
      if (pool.isClosed()) {
        return because(Refusal.CLOSED); // it came when all lines had been closed
      }
      if (isPayerGone()) {
        return because(Refusal.GONE);
      }
      if (owner.isVictim(demand().payer())) {
        return because(Refusal.POLICY); // it came when the others had been dismissed
      }
      if (demand().canGrowInPlace(pool, owner.markOf(demand().payer()))) {
        return because(Refusal.IN_PLACE);
      }
      return demand().isBulk() ? attemptMany(isFirst) : attemptOne(isFirst);
    }

    private long attemptOne(boolean isFirst) {
      Demand demand = demand();
      int pages = (int) demand.pages();
      long mark = owner.markOf(demand.payer());
      int page =
          isFirst
              ? pool.serve(pages, demand.alignOrder(), demand.phase(), mark)
              : takeOutside(pages, demand.alignOrder(), demand.phase(), mark);
      if (page < 0 && !isFirst) {
        rememberRefusal();
      }
      Payer payer = demand.payer();
      if (page < 0 || payer == null) {
        return page;
      }
      long refused = WaitingRoom.NONE;
      try {
        refused = pay(payer);
      } finally {
        if (refused != 0) {
          undo(page, pages);
        }
      }
      if (refused != 0) {
        return refused;
      }
      if (!demand.isReplacement()) {
        pool.setTag(page, payer.number());
      }
      return page;
    }

    /// All runs or none, by the waiting thread only, because it takes long.
    private long attemptMany(boolean isFirst) {
      Demand demand = demand();
      long mark = owner.markOf(demand.payer());
      if (pool.freePagesInTree() - mark < demand.totalPages()) {
        return WaitingRoom.NONE;
      }
      if (!isOnItsThread()) {
        return triedAt == frees ? WaitingRoom.NONE : leaveToItsThread();
      }
      attemptsItself();
      triedAt = frees;
      Window.Kept kept = isFirst ? null : window.keptFor(room.firstRequest());
      int from = kept == null ? 0 : kept.from();
      int to = kept == null ? 0 : kept.to();
      int count = pool.serveMany((int) demand.pages(), demand.into(), mark, from, to);
      return count < demand.count() ? WaitingRoom.NONE : payForMany();
    }

    private long payForMany() {
      Demand demand = demand();
      Payer payer = demand.payer();
      if (payer == null) {
        return 0;
      }
      long refused = WaitingRoom.NONE;
      try {
        refused = pay(payer);
      } finally {
        for (long page : demand.into()) {
          if (refused == 0) {
            pool.setTag((int) page, payer.number());
          } else {
            undo((int) page, (int) demand.pages());
          }
        }
      }
      return refused;
    }

    /// @return 0 if it is paid for, else the result of the attempt
    private long pay(Payer payer) {
      Demand demand = demand();
      boolean isBehindOthers = !demand.hasHadRoom() && owner.isLimitAwaited(payer);
      if (!isBehindOthers && payer.tryCharge(demand.chargedPages())) {
        return 0;
      }
      if (!isOnItsThread()) {
        return leaveToItsThread();
      }
      attemptsItself();
      MemoryAccount refused =
          isBehindOthers ? payer.account() : payer.charge(demand.chargedPages());
      if (refused == null) {
        return 0;
      }
      return isBehindOthers || ++unpaid >= MOST_UNPAID ? because(Refusal.LIMIT) : WaitingRoom.NONE;
    }

    private void undo(int page, int pages) {
      undoing = Thread.currentThread();
      try {
        pool.free(page, pages);
      } finally {
        undoing = null;
      }
    }

    @Override
    long unserved() {
      return Refusal.NO_RUN.code();
    }

    @Override
    long served(long page) {
      if (demand().isBulk()) {
        for (long first : demand().into()) {
          pool.adopt((int) first);
        }
      } else {
        pool.adopt((int) page);
      }
      return holdings.kept(demand(), page);
    }

    @Override
    public void giveBack(long result) {
      if (!isRefusal(result)) {
        holdings.giveBack(demand(), result);
      }
    }
  }
}
