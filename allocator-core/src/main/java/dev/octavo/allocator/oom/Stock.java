package dev.octavo.allocator.oom;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;

/// Bytes that a platform thread has charged to a book in advance: it charges from them and
/// uncharges into them with plain stores.
///
/// A charge that is about to be refused takes them back, whether the thread sleeps or has died. It
/// costs the owner a load and a branch, by the asymmetric form of Dekker's algorithm that the
/// allocator's leases use, too (`docs/decisions/0006`):
///
/// ```
///   owner                             drainer
///   store bytes                       store revoked
///   fence for the compiler            handshake with all threads
///   load revoked                      load bytes; CAS them into taken
/// ```
///
/// If the owner loaded `revoked` before the handshake reached it, its store was before, and the
/// drainer has it. If it loads `revoked` later, it sees that it was revoked, and only this one
/// operation can have been missed. The thread that wins the CAS of `taken` gives the bytes back. If
/// the owner loses, `taken` tells whether its operation was seen: the bytes before and after
/// differ. If it was not seen, the stock had no part in it. Then the owner throws the stock away: a
/// second operation might find by chance the bytes that were taken.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | bytes | the owner | opaque; fence for the compiler before `revoked` is loaded | `StockRaceTest`, if `revoked` is not looked at: bytes counted twice; the lack of the fence or of the handshake no test can show |
/// | revoked | drainers, to true | volatile | `StockRaceTest`: the owner goes on with bytes that were given back |
/// | taken | drainers and the owner, from unsettled, by CAS | volatile | `StockRaceTest`: the same bytes go back twice |
/// | entry in [Stocks] | its thread, from null or from a dead thread's; its thread, to null | CAS | `MemoryAccountTest.aThreadHasAStockAgainAfterADrain` |
class Stock {

  /// The bytes lie two cache lines away from whatever is beside them.
  private static final int PADDING = 16;

  private static final int BYTES = PADDING;
  private static final long UNSETTLED = -1;

  /// What the owner finds in a stock that was settled: nothing fits.
  private static final long SETTLED = -1;

  private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);
  private static final VarHandle REVOKED;
  private static final VarHandle TAKEN;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      REVOKED = lookup.findVarHandle(Stock.class, "revoked", boolean.class);
      TAKEN = lookup.findVarHandle(Stock.class, "taken", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final AccountBook book;
  private final long threadId;
  private final WeakReference<Thread> thread;
  private final long[] cell = new long[BYTES + 1 + PADDING];

  @SuppressWarnings("UnusedVariable") // by REVOKED
  private boolean revoked;

  /// What the stock held when it was settled.
  private volatile long taken = UNSETTLED;

  /// @param thread the only one that calls [#take] and [#put]
  Stock(AccountBook book, Thread thread) {
    this.book = book;
    threadId = thread.threadId();
    this.thread = new WeakReference<>(thread);
  }

  boolean isOf(long id) {
    return threadId == id;
  }

  boolean isAlive() {
    Thread owner = thread.get();
    return owner != null && owner.isAlive();
  }

  // ---- the owner

  /// Takes bytes out.
  ///
  /// @return false if there are not so many, or no longer; the stock has no part in it then
  boolean take(long byteSize) {
    long old = cell[BYTES];
    long left = old - byteSize;
    if ((left | byteSize) < 0) {
      return false;
    }
    setBytes(left);
    VarHandle.releaseFence();
    return !isRevoked() || keeps(left);
  }

  /// Puts bytes in.
  ///
  /// @param most what the stock may hold afterwards
  /// @return false if that is more than it may, or it was revoked; it has no part in it then
  boolean put(long byteSize, long most) {
    long old = cell[BYTES];
    if ((byteSize | old) < 0 || byteSize > most - old) {
      return false;
    }
    setBytes(old + byteSize);
    VarHandle.releaseFence();
    return !isRevoked() || keeps(old + byteSize);
  }

  /// Settles an operation that found the stock revoked.
  private boolean keeps(long now) {
    book.tree().beginMove();
    book.removeStock(this);
    boolean isMine = claim(now);
    if (isMine) {
      book.giveBack(now);
    }
    book.tree().endMove();
    setBytes(SETTLED);
    return isMine || taken == now;
  }

  // ---- drainers

  /// What it holds; exact if the owner is at rest.
  long bytes() {
    return taken == UNSETTLED ? copyBytes() : 0;
  }

  /// Whether it holds anything that a drain could take back.
  boolean holdsBytes() {
    return bytes() > 0;
  }

  /// Whether it was not settled, so that its owner may still fill it.
  boolean isInUse() {
    return taken == UNSETTLED;
  }

  /// Gives everything back, unless it was settled. After [#revoke] and a handshake, inside a move.
  ///
  /// @return bytes
  long takeBack() {
    long bytes = copyBytes();
    if (!claim(bytes)) {
      return 0;
    }
    book.giveBack(bytes);
    return bytes;
  }

  // ---- accesses that compete

  void setBytes(long bytes) {
    CELL.setOpaque(cell, BYTES, bytes);
  }

  long copyBytes() {
    return (long) CELL.getVolatile(cell, BYTES);
  }

  boolean isRevoked() {
    return (boolean) REVOKED.getOpaque(this);
  }

  void revoke() {
    REVOKED.setVolatile(this, true);
  }

  /// Settles which thread gives the bytes back: the first caller.
  boolean claim(long bytes) {
    return TAKEN.compareAndSet(this, UNSETTLED, bytes);
  }
}
