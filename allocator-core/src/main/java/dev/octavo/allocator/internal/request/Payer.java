package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.region.OpenRegion;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An account that pays for pages of one allocator.
///
/// Its book counts what it holds in this allocator, apart from what is charged to the account by
/// hand or by other allocators. [Payers] lists the words that threads share.
public final class Payer {

  /// Whether a payer may still pay.
  public enum State {
    OPEN,
    CLOSED,
    REAPED
  }

  private final MemoryAccount account;

  /// The account and those above it.
  private final MemoryAccount[] upwards;

  private final Book<MemoryAccount> book;
  private final int number;
  private final long pageSize;

  /// What gives its segments an end, if its memory can be taken away.
  private final @Nullable Arena session;

  /// All memory of the allocator, with that end.
  private final @Nullable MemorySegment memory;

  private volatile State state = State.OPEN;

  /// @param number the tag of its allocations
  /// @param region all memory if the account is reapable, else null
  Payer(Book<MemoryAccount> book, int number, long pageSize, @Nullable MemorySegment region) {
    this.book = book;
    account = book.account();
    upwards = upwards(account);
    this.number = number;
    this.pageSize = pageSize;
    session = region == null ? null : Arena.ofShared();
    memory = region == null ? null : withEnd(region, session);
  }

  @SuppressWarnings("restricted") // called only if native access is granted
  private static MemorySegment withEnd(MemorySegment region, @Nullable Arena session) {
    return region.reinterpret(session, null);
  }

  private static MemoryAccount[] upwards(MemoryAccount account) {
    List<MemoryAccount> found = new ArrayList<>();
    for (MemoryAccount at = account; at != null; at = at.parent().orElse(null)) {
      found.add(at);
    }
    return found.toArray(MemoryAccount[]::new);
  }

  public MemoryAccount account() {
    return account;
  }

  /// The account and those above it, lowest first; not to be changed.
  MemoryAccount[] upwards() {
    return upwards;
  }

  public int number() {
    return number;
  }

  public boolean isReapable() {
    return session != null;
  }

  public State state() {
    return state;
  }

  void state(State value) {
    state = value;
  }

  public boolean isGone() {
    return state != State.OPEN;
  }

  /// Whether it ended while the calling thread made an allocation, which is tagged already.
  boolean isGoneMeanwhile() {
    VarHandle.releaseFence(); // keeps the compiler from asking first
    return state != State.OPEN;
  }

  /// Whether its memory was taken away, so that all its segments fail, while the calling thread
  /// held the lock of an allocation, which is released already. If a native call still keeps the
  /// segments alive, the reaper comes again and finds the allocation.
  boolean isReapedMeanwhile() {
    VarHandle.releaseFence(); // keeps the compiler from asking first
    return state == State.REAPED && session != null && !session.scope().isAlive();
  }

  /// The memory that its segments are slices of.
  ///
  /// @param all that of all others
  public MemorySegment memory(MemorySegment all) {
    return memory == null ? all : memory;
  }

  public boolean hasScope(MemorySegment.Scope scope) {
    return memory != null && scope.equals(memory.scope());
  }

  /// Ends the scope of its segments, if it has one of its own.
  ///
  /// @return false if a native call is using a segment
  boolean endSession() {
    return session == null || OpenRegion.end(session);
  }

  // ---- paying

  /// Pays for pages. A refusal is exact, and may take back what other threads have in stock.
  ///
  /// @return null, or the lowest account whose max leaves no room; its own account if the payer [is
  ///   gone][#isGone] by now
  /// @throws MemoryAccountException if the account itself is closed
  @Nullable MemoryAccount charge(long pages) {
    while (true) {
      try {
        return book.charge(pages * pageSize);
      } catch (MemoryAccountException e) {
        if (isGone()) {
          return account;
        }
        if (account.isClosed()) {
          throw e;
        }
        Thread.onSpinWait(); // the book is being closed, or opened again
      }
    }
  }

  /// Pays for pages if there is room at once. Never waits for other threads; false proves nothing.
  boolean tryCharge(long pages) {
    return book.tryCharge(pages * pageSize);
  }

  public void uncharge(long pages) {
    book.uncharge(pages * pageSize);
  }

  /// Makes another account of the same allocator pay for pages.
  ///
  /// @return null, or the lowest account whose max leaves no room; nothing has changed then
  public @Nullable MemoryAccount transferTo(Payer other, long pages) {
    return book.transferTo(other.book, pages * pageSize);
  }

  /// Bytes of so many pages, at most the largest long.
  public long byteSize(long pages) {
    return Saturated.product(pages, pageSize);
  }

  /// The lowest account, this or above, whose max is less than so many pages; null if none is.
  @Nullable MemoryAccount neverPays(long pages) {
    for (MemoryAccount at : upwards) {
      if (at.limits().maxByteSize() / pageSize < pages) {
        return at;
      }
    }
    return null;
  }

  /// Bytes that it holds in this allocator; exact if no call runs.
  long heldByteSize() {
    return book.bytes();
  }

  /// Takes back what threads have in stock, so that [#heldByteSize] is what is live.
  void settle() {
    book.settle();
  }

  /// Makes all further charges fail, if nothing is charged.
  ///
  /// @throws IllegalStateException if something is
  void closeBook() {
    book.close();
  }

  void reopenBook() {
    book.reopen();
  }
}
