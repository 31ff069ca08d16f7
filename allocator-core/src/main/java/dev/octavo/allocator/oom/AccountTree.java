package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.accounts.Books.Listener;
import dev.octavo.allocator.internal.threads.Handshake;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/// The state that all accounts of a tree share, and how its threads wait for each other.
///
/// | word | content | writers | order |
/// |---|---|---|---|
/// | moves | low bits: stocks being filled or drained now; above: how many have ended | [Stock], [AccountBook], before the first and after the last step | atomic add |
/// | climbs | low bits: charges of several levels under way; above: how many were undone | [Ledger#climb], before the first level is charged and after the last is settled | atomic add |
/// | searches | charges that prove a refusal, and requests that wait | [Search], [AccountBooks] | atomic add, before the first look at a level |
/// | toldUndone | undone climbs that listeners know of | [#tellOfUndone] | volatile; a lost update is one call too many |
///
/// [Search] has the argument why these suffice, and names the tests that fail without them.
class AccountTree {

  /// The stamp while a stock is being filled or drained.
  static final long MOVING = -1;

  private static final int UNDER_WAY_BITS = 20;
  private static final long ENDED = 1L << UNDER_WAY_BITS;
  private static final long UNDER_WAY = ENDED - 1;
  private static final int SPINS_BEFORE_YIELD = 4;
  private static final long LEAST_BATCHES_LEFT = 8;

  private final AtomicLong ids = new AtomicLong();
  private final Counter moves = newCounter();
  private final Counter climbs = newCounter();
  private final Counter searches = newCounter();
  private final List<Listener<MemoryAccount>> listeners = new CopyOnWriteArrayList<>();
  private final LongSupplier clock;
  private final long batch;

  private volatile long toldUndone;

  /// @param clock nanoseconds, as `System::nanoTime`
  /// @param batch bytes, at least 0
  AccountTree(LongSupplier clock, long batch) {
    this.clock = clock;
    this.batch = batch;
  }

  long nextId() {
    return ids.incrementAndGet();
  }

  long nanoTime() {
    return clock.getAsLong();
  }

  /// Bytes that a thread charges in advance.
  long batch() {
    return batch;
  }

  /// No stock is filled where less than this would be left below a max, bytes.
  long leastLeft() {
    return LEAST_BATCHES_LEFT * batch;
  }

  // ---- moves: stocks that are filled or drained

  void beginMove() {
    moves.getAndAdd(1);
  }

  void endMove() {
    moves.getAndAdd(ENDED - 1);
  }

  /// The number of moves that have ended, or [#MOVING] while one is under way. An equal stamp later
  /// means that none was under way in between.
  long stamp() {
    long now = moves.get();
    return (now & UNDER_WAY) == 0 ? now : MOVING;
  }

  /// Takes back stocks that were found. Costs a handshake unless there are none.
  ///
  /// @return bytes
  long takeBack(List<Stock> stocks) {
    if (stocks.isEmpty()) {
      return 0;
    }
    beginMove();
    try {
      stocks.forEach(Stock::revoke);
      handshake();
      return stocks.stream().mapToLong(Stock::takeBack).sum();
    } finally {
      endMove();
    }
  }

  // ---- climbs: charges of several levels

  void beginClimb() {
    climbs.getAndAdd(1);
  }

  void endClimb(boolean isUndone) {
    climbs.getAndAdd(isUndone ? ENDED - 1 : -1);
  }

  /// The state of the climbs, for [#isSettled] and [#undone].
  long climbs() {
    return climbs.get();
  }

  /// Whether no climb was under way.
  static boolean isSettled(long climbs) {
    return (climbs & UNDER_WAY) == 0;
  }

  /// How many climbs had been undone.
  static long undone(long climbs) {
    return climbs >>> UNDER_WAY_BITS;
  }

  // ---- searches, and requests that wait

  void enterSearch() {
    searches.getAndAdd(1);
  }

  void exitSearch() {
    searches.getAndAdd(-1);
  }

  /// Whether a charge proves its refusal or a request waits, so that no stock may be filled.
  boolean isSearched() {
    return searches.get() != 0;
  }

  Runnable listen(Listener<MemoryAccount> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /// Calls the listeners if there is a search. After the bytes are available, and outside of moves.
  void tellUncharged(MemoryAccount account, long byteSize) {
    if (isSearched()) {
      tell(account, byteSize);
    }
  }

  /// Calls the listeners if climbs have been undone since the last call: they may have hidden room
  /// from a request that tried again.
  void tellOfUndone(MemoryAccount account) {
    if (isSearched() && undone(climbs.get()) != toldUndone) {
      tell(account, 0);
    }
  }

  private void tell(MemoryAccount account, long byteSize) {
    toldUndone = undone(climbs.get());
    for (Listener<MemoryAccount> listener : listeners) {
      listener.uncharged(account, byteSize);
    }
  }

  // ---- threads

  /// Whether a thread may have a stock of its own. Virtual threads are too many.
  boolean mayStock(Thread thread) {
    return !thread.isVirtual();
  }

  Stock newStock(AccountBook book, Thread thread) {
    return new Stock(book, thread);
  }

  Counter newCounter() {
    return new Counter();
  }

  /// Returns when each thread has passed one point in its program since the call; see [Handshake].
  void handshake() {
    Handshake.withAllThreads();
  }

  /// Gives other threads time for their next step.
  ///
  /// @param round how often the caller has looked already
  @SuppressWarnings("ThreadPriorityCheck") // nothing is right only because the scheduler is kind
  void await(int round) {
    if (round < SPINS_BEFORE_YIELD) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }
}
