package dev.octavo.allocator;

import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Who pays for which pages: each allocation's tag is the number of a [Tenant].
///
/// | word | writers | order | why that suffices |
/// |---|---|---|---|
/// | an allocation's tag | whoever has just made it, or holds it | plain | who frees it got it from there; the reaper, and whoever frees memory that may be reaped, looks again while it holds the allocation |
/// | tenants, their numbers | who opens, closes or reaps one, under the lock of this | volatile array, copied | a number is used again only when nothing is tagged with it, and nobody can tag with it any more |
/// | [Tenant#state] | the same, before a handshake with all threads | volatile | see [#handshake] |
final class Accounts {

  private static final int MOST_TENANTS = 1 << Character.SIZE;
  private static final int FEW = 16;

  private final PagePool pool;
  private final int pageSize;
  private final @Nullable MemorySegment region;
  private final Deque<Integer> freeNumbers = new ArrayDeque<>();
  private final Tenant root;
  private volatile @Nullable Tenant[] tenants = new Tenant[FEW];

  /// The first number that was never used; 0 is the tag of what has none yet.
  private int numbers = 1;

  /// @param account pays for what nobody else does
  /// @param region all memory, or null if there is none
  Accounts(MemoryAccount account, PagePool pool, int pageSize, @Nullable MemorySegment region) {
    this.pool = pool;
    this.pageSize = pageSize;
    this.region = region;
    root = open(account);
  }

  /// Whether a tenant may still pay.
  enum State {
    OPEN,
    CLOSED,
    REAPED
  }

  /// An account that pays for pages.
  static final class Tenant {

    private final MemoryAccount account;

    /// The account and those above it.
    private final MemoryAccount[] upwards;

    private final int number;
    private final long pageSize;

    /// What gives its segments an end, if its memory can be taken away.
    private final @Nullable Arena session;

    /// All memory of the allocator, with that end.
    private final @Nullable MemorySegment memory;

    private volatile State state = State.OPEN;

    private Tenant(
        MemoryAccount account, int number, long pageSize, @Nullable MemorySegment region) {
      this.account = account;
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

    MemoryAccount account() {
      return account;
    }

    int number() {
      return number;
    }

    boolean isReapable() {
      return session != null;
    }

    State state() {
      return state;
    }

    boolean isGone() {
      return state != State.OPEN;
    }

    /// Whether it ended while the calling thread made an allocation, which is tagged already.
    boolean isGoneMeanwhile() {
      VarHandle.releaseFence(); // keeps the compiler from asking first
      return state != State.OPEN;
    }

    /// The memory that its segments are slices of.
    ///
    /// @param all that of all others
    MemorySegment memory(MemorySegment all) {
      return memory == null ? all : memory;
    }

    boolean hasScope(MemorySegment.Scope scope) {
      return memory != null && scope.equals(memory.scope());
    }

    /// Pays for pages.
    ///
    /// @return null, or the account whose max leaves no room
    @Nullable MemoryAccount charge(long pages) {
      Optional<MemoryAccount> refused = account.tryCharge(pages * pageSize);
      return refused.isEmpty() ? null : refused.get();
    }

    void uncharge(long pages) {
      account.uncharge(pages * pageSize);
    }

    /// The lowest account, this or above, whose max leaves no room for pages; this one if there is
    /// room by now.
    MemoryAccount domainFor(long pages) {
      MemoryAccount refused = charge(pages);
      if (refused == null) {
        uncharge(pages);
        return account;
      }
      return refused;
    }

    /// Whether there could be room for pages, if nothing else were charged.
    boolean canEverPay(long pages) {
      for (MemoryAccount at : upwards) {
        if (at.limits().maxByteSize() < pages * pageSize) {
          return false;
        }
      }
      return true;
    }

    /// The lowest account, this or above, that is over its high mark, or null.
    @Nullable MemoryAccount overHigh() {
      for (MemoryAccount at : upwards) {
        if (at.isOverHigh()) {
          return at;
        }
      }
      return null;
    }

    /// Ends the scope of its segments, if it has one of its own.
    ///
    /// @return false if a native call is using a segment
    private boolean endSession() {
      return session == null || OpenRegion.end(session);
    }
  }

  // ---- tenants

  Tenant root() {
    return root;
  }

  boolean isOfTree(MemoryAccount account) {
    MemoryAccount top = account;
    while (top.parent().isPresent()) {
      top = top.parent().get();
    }
    return top.equals(root.account);
  }

  /// Opens a tenant; a reapable account's segments get an end of their own.
  synchronized Tenant open(MemoryAccount account) {
    Integer free = freeNumbers.peek();
    int number = free != null ? free : numbers;
    if (number >= MOST_TENANTS) {
      throw new IllegalStateException("too many accounts pay for pages: max=" + MOST_TENANTS);
    }
    Tenant tenant = new Tenant(account, number, pageSize, account.isReapable() ? region : null);
    if (free != null) {
      freeNumbers.remove();
    } else {
      numbers++;
    }
    @Nullable Tenant[] all = tenants;
    all = Arrays.copyOf(all, number < all.length ? all.length : 2 * all.length);
    all[number] = tenant;
    tenants = all;
    return tenant;
  }

  /// Closes a tenant that has no allocation; again does nothing.
  ///
  /// @throws IllegalStateException if it has one, or a native call is using one of its segments; it
  ///   is open as before
  synchronized void close(Tenant tenant) {
    if (!isListed(tenant)) {
      return;
    }
    checkUnused(tenant); // at first without ending anything for those who wait
    State before = tenant.state;
    tenant.state = before == State.REAPED ? State.REAPED : State.CLOSED;
    handshake();
    boolean closed = false;
    try {
      checkUnused(tenant);
      if (!tenant.endSession()) {
        throw new IllegalStateException(
            "a native call is using a segment: account=" + tenant.account.path());
      }
      closed = true;
    } finally {
      if (!closed) {
        tenant.state = before;
      }
    }
    @Nullable Tenant[] all = tenants.clone();
    all[tenant.number] = null;
    tenants = all;
    freeNumbers.add(tenant.number);
  }

  private void checkUnused(Tenant tenant) {
    int live = nextHead(tenant, 0);
    if (live < pool.geometry().pageCount()) {
      throw new IllegalStateException(
          "account has live allocations: account=" + tenant.account.path() + ", page=" + live);
    }
  }

  /// When this returns, each thread has passed a point of its program since the state was written.
  /// Who tagged an allocation before that point is seen by who looks at the heads from now on; who
  /// tags one later sees the state, and gives the pages back itself.
  private static void handshake() {
    Arena.ofShared().close();
  }

  @SuppressWarnings("ReferenceEquality") // this very one
  private boolean isListed(Tenant tenant) {
    return tenants[tenant.number] == tenant;
  }

  /// Ends the scopes of all segments, when the allocator is closed.
  ///
  /// @return false if a native call is using one
  synchronized boolean endSessions() {
    boolean ended = true;
    for (Tenant tenant : tenants) {
      ended &= tenant == null || tenant.endSession();
    }
    return ended;
  }

  // ---- who pays for what

  /// Who pays for the allocation at a page; of no meaning if there is none.
  @Nullable Tenant tenantOf(int page) {
    return tenants[pool.tagAt(page)];
  }

  /// Whether an allocation that the caller holds is still this tenant's.
  @SuppressWarnings("ReferenceEquality") // this very one
  boolean isOf(Tenant tenant, int page) {
    return tenantOf(page) == tenant;
  }

  /// Frees and uncharges an allocation, if it is this tenant's, and not somebody else's by now.
  ///
  /// @return false, and nothing has changed, if it is not
  boolean freeIfOf(Tenant tenant, int page, int pages) {
    if (!pool.hold(page, pages)) {
      return false;
    }
    if (!isOf(tenant, page)) {
      pool.release(page, pages);
      return false;
    }
    pool.freeHeld(page, pages);
    tenant.uncharge(pages);
    return true;
  }

  /// The first page of an allocation of a tenant's, at or after `page`, or the page count.
  private int nextHead(Tenant tenant, int page) {
    int end = pool.geometry().pageCount();
    int head = pool.nextHead(page);
    while (head < end && pool.tagAt(head) != tenant.number) {
      head = pool.nextHead(head + 1);
    }
    return head;
  }

  // ---- the reaper

  /// Takes away all memory of an account: its segments fail from then on, and its pages are zeroed
  /// and free, but for those that a call is resizing at this moment.
  ///
  /// @return false if there is nothing to be taken away so, or a native call is using a segment: to
  ///   be tried again
  synchronized boolean reap(MemoryAccount account) {
    boolean reaped = false;
    for (Tenant tenant : tenants) {
      if (tenant != null && tenant.isReapable() && tenant.account.equals(account)) {
        tenant.state = State.REAPED;
        if (!tenant.endSession()) {
          return false;
        }
        handshake();
        freeAll(tenant);
        reaped = true;
      }
    }
    return reaped;
  }

  private void freeAll(Tenant tenant) {
    int end = pool.geometry().pageCount();
    for (int page = nextHead(tenant, 0); page < end; page = nextHead(tenant, page + 1)) {
      int pages = pool.pagesAt(page);
      if (pages > 0 && pool.holdUnseen(page, pages)) {
        freeHeld(tenant, page, pages);
      }
    }
  }

  private void freeHeld(Tenant tenant, int page, int pages) {
    boolean isCleared = false;
    try {
      MemorySegment memory = region;
      if (memory != null && isOf(tenant, page)) {
        if (!memory.isReadOnly()) {
          Zeros.fill(memory.asSlice(page * tenant.pageSize, pages * tenant.pageSize));
        }
        isCleared = true;
      }
    } finally {
      if (!isCleared) {
        pool.release(page, pages); // freed, and somebody else's by now
      }
    }
    if (isCleared) {
      pool.freeHeld(page, pages);
      tenant.uncharge(pages);
    }
  }
}
