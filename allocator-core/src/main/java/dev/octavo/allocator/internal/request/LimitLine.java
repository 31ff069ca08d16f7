package dev.octavo.allocator.internal.request;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The line of requests that wait for room below the max of one account.
///
/// The room that the first in line needs is kept for it ([KeptRoom]): the others are served in
/// order of arrival from what is left beside that. An attempt charges the account; the pages follow
/// on the waiting thread.
///
/// While a request is in line the accounts of the tree have no stocks, so each uncharge is offered
/// to the line at once.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | helpedBytes | threads that uncharge inside of a shrinker | atomic add | progress of a shrinker is missed |
final class LimitLine implements WaitingRoom.Host {

  private static final Logger LOG = LoggerFactory.getLogger(LimitLine.class);

  /// What a line asks of the others.
  interface Neighbours {

    /// Called by each request before it looks for room.
    void entered(MemoryAccount domain);

    /// Called by each request after it left.
    void left(MemoryAccount domain);

    /// Bytes that an account's max leaves.
    long headroom(MemoryAccount account);

    /// The lowest account above this one where requests wait for room, or null.
    @Nullable MemoryAccount awaitedAbove(MemoryAccount domain);
  }

  private final Setting setting;
  private final LineOwner owner;
  private final Neighbours lines;
  private final MemoryAccount domain;
  private final WaitingRoom room;
  private final AtomicLong helpedBytes = new AtomicLong();
  private final KeptRoom keptRoom = new KeptRoom();
  private int users;

  LimitLine(Setting setting, LineOwner owner, Neighbours lines, MemoryAccount domain) {
    this.setting = setting;
    this.owner = owner;
    this.lines = lines;
    this.domain = domain;
    room = new WaitingRoom(setting.clock(), this, WaitingRoom.DUMP_NANOS);
  }

  /// Counts requests that use the line; under the lock of its entry in [LimitLines].
  LimitLine withUsers(int change) {
    users += change;
    return this;
  }

  int users() {
    return users;
  }

  MemoryAccount domain() {
    return domain;
  }

  WaitingRoom room() {
    return room;
  }

  @Nullable InLine first() {
    return room.firstRequest() instanceof InLine first ? first : null;
  }

  /// Bytes that shrinkers have uncharged below the limit.
  long helpedBytes() {
    return helpedBytes.get();
  }

  /// Offers room that has just appeared.
  ///
  /// @param byteSize bytes that were uncharged below the domain
  /// @param byShrinker whether a shrinker did it
  void uncharged(long byteSize, boolean byShrinker) {
    if (byShrinker) {
      helpedBytes.addAndGet(byteSize);
    }
    room.offer();
  }

  /// Waits in line until the demand is charged.
  ///
  /// @param deadline by the clock
  /// @return 0, or a negative number that says why not
  long await(Demand demand, long deadline) {
    RoomRequest wanted = new RoomRequest(demand, deadline);
    try {
      return wanted.outcomeOf(room.await(wanted, deadline));
    } finally {
      wanted.end();
    }
  }

  // ---- told by the line

  @Override
  public void entered() {
    owner.wakeReclaimer();
    lines.entered(domain);
  }

  @Override
  public void left() {
    lines.left(domain);
  }

  @Override
  public void sleeping(WaitingRoom.Request request, boolean isFirst) {
    if (request instanceof InLine waiting) {
      owner.sleeping(waiting);
      if (isFirst) {
        long byteSize = setting.byteSize(waiting.demand().chargedPages());
        keptRoom.lookAfter(request, byteSize, domain.reserved(), setting.clock().nanoTime());
      }
    }
  }

  @Override
  public void stillWaiting() {
    owner.stillWaiting(room, domain);
  }

  @Override
  public void dump(List<WaitingRoom.Waiting> waiting) {
    LOG.warn(
        "requests wait for room in an account: account={}, usage={}, max={}, line={}",
        domain.path(),
        domain.usage(),
        domain.limits().maxByteSize(),
        waiting);
  }

  /// A request in this line.
  private final class RoomRequest extends InLine {

    RoomRequest(Demand demand, long deadline) {
      super(demand, setting.clock(), deadline);
    }

    private Payer payer() {
      return requireNonNull(demand().payer());
    }

    @Override
    long unserved() {
      demand().refusedBy(domain);
      return Refusal.LIMIT.code();
    }

    @Override
    long served(long charged) {
      return charged;
    }

    @Override
    public long tryTake() {
      return ending(attempt(0));
    }

    @Override
    public long tryTakeBehind() {
      return ending(attempt(keptRoom.byteSizeFor(room.firstRequest())));
    }

    /// @param kept bytes of the domain's room that must be left
    private long attempt(long kept) {
      if (setting.pool().isClosed()) {
        return because(Refusal.CLOSED); // it came when all lines had been closed
      }
      if (isPayerGone()) {
        return because(Refusal.GONE);
      }
      if (owner.isVictim(payer())) {
        return because(Refusal.POLICY); // it came when the others had been dismissed
      }
      long pages = demand().chargedPages();
      boolean hasRoom = lines.headroom(domain) - kept >= setting.byteSize(pages);
      if (!hasRoom && (kept > 0 || !isOnItsThread())) {
        return WaitingRoom.NONE;
      }
      MemoryAccount above = hasRoom ? lines.awaitedAbove(domain) : null;
      if (above != null) {
        return goOnTo(above);
      }
      if (payer().tryCharge(pages)) {
        return 0;
      }
      return isOnItsThread() ? attemptItself(pages) : leaveToItsThread();
    }

    /// Takes back what threads have in stock, if it must.
    private long attemptItself(long pages) {
      attemptsItself();
      MemoryAccount refused = payer().charge(pages);
      if (refused == null) {
        return 0;
      }
      return refused.equals(domain) ? WaitingRoom.NONE : goOnTo(refused);
    }

    /// Leaves this line for that of another account. It comes back only if there is room there and
    /// none here, so a request does not go to and fro.
    private long goOnTo(MemoryAccount next) {
      demand().refusedBy(next);
      return because(Refusal.LIMIT);
    }

    @Override
    public void giveBack(long result) {
      if (!isRefusal(result)) {
        payer().uncharge(demand().chargedPages());
      }
    }
  }
}
