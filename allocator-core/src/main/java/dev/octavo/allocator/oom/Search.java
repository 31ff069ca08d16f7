package dev.octavo.allocator.oom;

import org.jspecify.annotations.Nullable;

/// A charge that was refused, until it succeeds or its refusal is exact.
///
/// **What is proved.** Count as used what a charge or transfer that succeeds has charged, from its
/// begin until the uncharge or transfer of these bytes has returned. A refusal is exact if at one
/// moment of the call this left no room below the max of the level that refuses. Bytes that are
/// passed to and fro, each time uncharged before they are charged again, are thus counted once.
///
/// **What can make `reserved` of a level L larger than that**, and why none of it is believed:
///
/// 1. *Stocks below L.* While `searches` is above 0 no stock is created or filled. A fill announces
///    its move first and looks at `searches` then; a search raises `searches` first and looks at
///    the moves then. So either the fill sees the search, or the search sees the move: under way
///    (then it waits), or ended (then the stock is in its table). Existing stocks, empty ones too,
///    are revoked, a handshake makes their owners see it, and the bytes go back. Afterwards no
///    thread has a stock below L, and each charge and uncharge goes to the levels.
/// 2. *Stocks on their way back*, by another search, a drain, an owner that finds its stock
///    revoked, a dead thread's successor, or with an uncharge that returns a batch. Such bytes are
///    in no stock any more and still in `reserved`. All of this happens inside an announced move,
///    from before the bytes (or the stock) vanish from the table until the levels have them. So the
///    look at L counts only between two equal stamps.
/// 3. *Charges that are undone*: they held bytes at L, and a level above had no room. A climb looks
///    at all levels before it charges the first, so this takes a race that another charge has won.
///    Climbs of several levels are counted while under way, and counted as undone in the step that
///    ends them. After its look the search waits until no climb is under way: then all that could
///    have held bytes at L have ended. If none of them was undone, all their bytes were charged.
/// 4. *Transfers*: their climb is one of point 3, ends below the lowest common account, and so adds
///    nothing to levels above both. The bytes stay in the levels of the giver until it returns.
///
/// **Bound.** In a search each stock is revoked once, none is made, and each thread has at most one
/// move that began before; then only drains that others ask for are moves. So stamps change a few
/// times per thread. An undone climb means that another charge has been made. The search gives up
/// after [#MOST_ROUNDS] rounds or waits together, tens of milliseconds: the case of a thread that
/// the system does not run for so long in the middle of a few instructions, or whose stack
/// overflowed there. Then the charge is refused without a proof.
///
/// | left out | test |
/// |---|---|
/// | stocks are not filled during a search | `BookTest.noStockIsFilledWhileARequestWaits` |
/// | stocks that are empty are revoked, too | `BookTest.anEmptyStockIsNotFilledWhileARequestWaits` |
/// | moves are looked at | `StockRaceTest.aChargeIsNotRefusedForAStockOnItsWayBack` |
/// | undone climbs are looked at | `StockRaceTest.aChargeIsNotRefusedForOneThatIsRolledBack` |
final class Search {

  /// Rounds and waits of one search.
  private static final int MOST_ROUNDS = 100_000;

  private final AccountTree tree;
  private final Ledger from;
  private final long byteSize;
  private final @Nullable Ledger top;

  private int rounds;

  /// The level below which no stock was left at the stamp `cleanAt`.
  private @Nullable Ledger clean;

  private long cleanAt = AccountTree.MOVING;

  /// @param from the level of the account to be charged
  /// @param top the first level above that is not charged
  Search(Ledger from, long byteSize, @Nullable Ledger top) {
    tree = from.tree();
    this.from = from;
    this.byteSize = byteSize;
    this.top = top;
  }

  /// Charges the levels, or proves that one has no room.
  ///
  /// @param first the level that has refused
  /// @return null, or the lowest level without room
  /// @throws MemoryAccountException if a level is closed
  @Nullable Ledger charge(Ledger first) {
    tree.enterSearch();
    try {
      Ledger refused = first;
      while (refused != null && rounds++ < MOST_ROUNDS) {
        Ledger domain = refused;
        domain.checkOpen();
        long stamp = stampAtRest();
        boolean isClean = isClean(domain, stamp);
        long climbs = tree.climbs();
        refused = from.climb(byteSize, top, 0);
        if (isClean && domain.equals(refused) && tree.stamp() == stamp && noneUndone(climbs)) {
          break;
        }
      }
      return refused;
    } finally {
      tree.exitSearch();
    }
  }

  /// Waits until no stock is being filled or drained.
  private long stampAtRest() {
    long stamp = tree.stamp();
    for (int spin = 0; stamp == AccountTree.MOVING && rounds < MOST_ROUNDS; spin++) {
      pause(spin);
      stamp = tree.stamp();
    }
    return stamp;
  }

  /// Takes back the stocks below a level.
  ///
  /// @return true if there was none, and none was being filled or drained
  private boolean isClean(Ledger domain, long stamp) {
    if (stamp == AccountTree.MOVING) {
      return false;
    }
    if (!domain.equals(clean) || stamp != cleanAt) {
      boolean hadNone = !domain.account().takeBackAllStocks();
      clean = hadNone && tree.stamp() == stamp ? domain : null;
      cleanAt = stamp;
    }
    return clean != null;
  }

  /// Waits until all climbs that were under way at the last look have ended.
  ///
  /// @return true if none was undone
  private boolean noneUndone(long before) {
    for (int spin = 0; rounds < MOST_ROUNDS; spin++) {
      long now = tree.climbs();
      if (AccountTree.undone(now) != AccountTree.undone(before)) {
        return false;
      }
      if (AccountTree.isSettled(now)) {
        return true;
      }
      pause(spin);
    }
    return false;
  }

  private void pause(int spin) {
    rounds++;
    tree.await(spin);
  }
}
