package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.region.Zeros;
import dev.octavo.allocator.internal.threads.Handshake;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The accounts that pay for an allocator's pages: each allocation's tag is the number of a
/// [Payer].
///
/// | word | writers | order | why that suffices |
/// |---|---|---|---|
/// | an allocation's tag | the thread that has just made it, or holds its lock | plain | a thread that frees it got it from there; the reaper, and calls that free memory that may be reaped, look again while they hold the lock |
/// | payers, their numbers | threads that open, close or reap one, under the lock of this | volatile array, copied | a number is used again only when nothing is tagged with it, and no thread can tag with it any more |
/// | [Payer#state] | the same, before a handshake with all threads | volatile | see [Handshake] |
///
/// A thread that tags an allocation looks at the state afterwards. If it tagged before the
/// handshake, closing and reaping see the tag and the charge; if it tags later, it sees the state
/// and frees the pages itself. The same look follows each release of a lock on an allocation,
/// because the reaper passes over those that are locked.
public final class Payers {

  private static final Logger LOG = LoggerFactory.getLogger(Payers.class);

  private static final int MOST = 1 << Character.SIZE;
  private static final int FEW = 16;

  private final PagePool pool;
  private final Books<MemoryAccount> books;
  private final int pageSize;
  private final @Nullable MemorySegment region;
  private final Deque<Integer> freeNumbers = new ArrayDeque<>();
  private final Payer root;
  private volatile @Nullable Payer[] payers = new Payer[FEW];

  /// The open payers of each account.
  private final ConcurrentHashMap<MemoryAccount, Payer[]> byAccount = new ConcurrentHashMap<>();

  /// The first number that was never used; 0 is the tag of an allocation that has none yet.
  private int numbers = 1;

  /// @param account pays for requests without an account of their own
  /// @param region all memory, or null if there is none
  Payers(
      MemoryAccount account,
      Books<MemoryAccount> books,
      PagePool pool,
      int pageSize,
      @Nullable MemorySegment region) {
    this.books = books;
    this.pool = pool;
    this.pageSize = pageSize;
    this.region = region;
    root = open(account);
  }

  /// The payer of requests without an account of their own.
  public Payer root() {
    return root;
  }

  public boolean isOfTree(MemoryAccount account) {
    MemoryAccount top = account;
    while (top.parent().isPresent()) {
      top = top.parent().get();
    }
    return top.equals(root.account());
  }

  // ---- open, close

  /// Opens a payer; a reapable account's segments get an end of their own.
  public synchronized Payer open(MemoryAccount account) {
    Integer free = freeNumbers.peek();
    int number = free != null ? free : numbers;
    if (number >= MOST) {
      throw new IllegalStateException("too many accounts pay for pages: max=" + MOST);
    }
    Payer payer =
        new Payer(books.open(account), number, pageSize, account.isReapable() ? region : null);
    if (free != null) {
      freeNumbers.remove();
    } else {
      numbers++;
    }
    @Nullable Payer[] all = payers;
    all = Arrays.copyOf(all, number < all.length ? all.length : 2 * all.length);
    all[number] = payer;
    payers = all;
    remember(payer);
    return payer;
  }

  private void remember(Payer payer) {
    byAccount.compute(
        payer.account(),
        (account, found) -> {
          Payer[] more = found == null ? new Payer[1] : Arrays.copyOf(found, found.length + 1);
          more[more.length - 1] = payer;
          return more;
        });
  }

  @SuppressWarnings("ReferenceEquality") // this very one
  private void forget(Payer payer) {
    byAccount.computeIfPresent(
        payer.account(),
        (account, found) -> {
          Payer[] rest = Arrays.stream(found).filter(other -> other != payer).toArray(Payer[]::new);
          return rest.length == 0 ? null : rest;
        });
  }

  /// Closes a payer that has no allocation; again does nothing. Costs a handshake with all threads
  /// if some have stocks, and nothing that grows with the region.
  ///
  /// @throws IllegalStateException if it has one, or a native call is using one of its segments; it
  ///   is open as before
  public synchronized void close(Payer payer) {
    if (!isListed(payer)) {
      return;
    }
    checkUnused(payer);
    payer.closeBook(); // a charge at the same time wins, or sees that it is closed
    Payer.State before = payer.state();
    if (before == Payer.State.OPEN) {
      payer.state(Payer.State.CLOSED);
    }
    if (!payer.endSession()) {
      payer.state(before);
      payer.reopenBook();
      throw new IllegalStateException(
          "a native call is using a segment: account=" + payer.account().path());
    }
    @Nullable Payer[] all = payers.clone();
    all[payer.number()] = null;
    payers = all;
    freeNumbers.add(payer.number());
    forget(payer);
  }

  private static void checkUnused(Payer payer) {
    payer.settle();
    long live = payer.heldByteSize();
    if (live > 0) {
      throw new IllegalStateException(
          "account has live allocations: account=" + payer.account().path() + ", byteSize=" + live);
    }
  }

  @SuppressWarnings("ReferenceEquality") // this very one
  private boolean isListed(Payer payer) {
    return payers[payer.number()] == payer;
  }

  /// Ends the scopes of all segments, when the allocator is closed.
  ///
  /// @return false if a native call is using one
  public synchronized boolean endSessions() {
    boolean ended = true;
    for (Payer payer : payers) {
      ended &= payer == null || payer.endSession();
    }
    return ended;
  }

  /// Makes all further requests of payers fail, when the allocator is closed.
  synchronized void shut() {
    for (Payer payer : payers) {
      if (payer != null && payer.state() == Payer.State.OPEN) {
        payer.state(Payer.State.CLOSED);
      }
    }
  }

  /// Closes the books of payers that hold nothing, when the allocator is closed.
  public synchronized void closeBooks() {
    for (Payer payer : payers) {
      if (payer != null) {
        closeBook(payer);
      }
    }
  }

  private static void closeBook(Payer payer) {
    try {
      payer.closeBook();
    } catch (IllegalStateException e) {
      LOG.debug("a call that came late still has a charge: account={}", payer.account().path(), e);
    }
  }

  // ---- the payer of an allocation

  /// The payer of the allocation at a page; of no meaning if there is none.
  public @Nullable Payer payerOf(int page) {
    return payers[pool.tagAt(page)];
  }

  /// Whether an allocation whose lock the caller holds is still this payer's.
  @SuppressWarnings("ReferenceEquality") // this very one
  public boolean isOf(Payer payer, int page) {
    return payerOf(page) == payer;
  }

  /// Frees and uncharges an allocation, if it is this payer's, and not another's by now.
  ///
  /// @return false, and nothing has changed, if it is not
  public boolean freeIfOf(Payer payer, int page, int pages) {
    if (!pool.hold(page, pages)) {
      return false;
    }
    if (!isOf(payer, page)) {
      pool.release(page, pages);
      return false;
    }
    pool.freeHeld(page, pages);
    payer.uncharge(pages);
    return true;
  }

  /// Zeroes, frees and uncharges an allocation that the reaper has passed over, because its lock
  /// was held or it had no tag yet, if it is still this payer's.
  void reapIfOf(Payer payer, int page, int pages) {
    if (pool.hold(page, pages)) {
      freeHeld(payer, page, pages);
    }
  }

  /// Bytes of pages that an account itself holds in this allocator.
  long heldByteSize(MemoryAccount account) {
    Payer[] found = byAccount.get(account);
    long bytes = 0;
    for (int i = 0; found != null && i < found.length; i++) {
      bytes += found[i].heldByteSize();
    }
    return bytes;
  }

  /// All payers by their number, null where there is none; not to be changed.
  @Nullable Payer[] byNumber() {
    return payers;
  }

  // ---- the reaper

  /// Takes away all memory of an account: its segments fail from then on, and its pages are zeroed
  /// and free. Those that a call holds the lock of at this moment follow when that call ends.
  ///
  /// @return false if there is nothing to be taken away so, or a native call is using a segment: to
  ///   be tried again
  public synchronized boolean reap(MemoryAccount account) {
    boolean reaped = false;
    for (Payer payer : payers) {
      if (payer != null && payer.isReapable() && payer.account().equals(account)) {
        payer.state(Payer.State.REAPED);
        if (!payer.endSession()) {
          return false;
        }
        Handshake.withAllThreads();
        freeAll(payer);
        reaped = true;
      }
    }
    return reaped;
  }

  private void freeAll(Payer payer) {
    int end = pool.geometry().pageCount();
    for (int page = nextHead(payer, 0); page < end; page = nextHead(payer, page + 1)) {
      int pages = pool.pagesAt(page);
      if (pages > 0 && pool.holdUnseen(page, pages)) {
        freeHeld(payer, page, pages);
      }
    }
  }

  /// The first page of an allocation of a payer's, at or after `page`, or the page count.
  private int nextHead(Payer payer, int page) {
    int end = pool.geometry().pageCount();
    int head = pool.nextHead(page);
    while (head < end && pool.tagAt(head) != payer.number()) {
      head = pool.nextHead(head + 1);
    }
    return head;
  }

  private void freeHeld(Payer payer, int page, int pages) {
    boolean isCleared = false;
    try {
      MemorySegment memory = region;
      if (memory != null && isOf(payer, page)) {
        if (!memory.isReadOnly()) {
          Zeros.fill(memory.asSlice((long) page * pageSize, (long) pages * pageSize));
        }
        isCleared = true;
      }
    } finally {
      if (!isCleared) {
        pool.release(page, pages); // freed, and another's by now
      }
    }
    if (isCleared) {
      pool.freeHeld(page, pages);
      payer.uncharge(pages);
    }
  }
}
