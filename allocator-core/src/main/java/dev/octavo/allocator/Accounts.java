package dev.octavo.allocator;

import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Who pays for which pages: each allocation's tag is the number of a [Tenant].
///
/// | word | writers | order | why that suffices |
/// |---|---|---|---|
/// | an allocation's tag | whoever has just made it, or holds it | plain | who frees it got it from there; the reaper reads it after a handshake with all threads, and again when it holds the allocation |
/// | tenants | who opens or closes one, under the lock of this | volatile array, copied | a tenant with allocations is never closed |
/// | [Tenant#isReaped] | the reaper, before its handshake | volatile | see [#reap] |
final class Accounts {

  private static final int MOST_TENANTS = 1 << Character.SIZE;
  private static final int FEW = 16;

  private final int pageSize;
  private final Deque<Integer> freeNumbers = new ArrayDeque<>();
  private final Tenant root;
  private volatile @Nullable Tenant[] tenants = new Tenant[FEW];
  private int numbers;

  /// @param account pays for what nobody else does
  Accounts(MemoryAccount account, int pageSize) {
    this.pageSize = pageSize;
    root = open(account, null);
  }

  /// An account that pays for pages.
  static final class Tenant {

    private final MemoryAccount account;
    private final int number;
    private final long pageSize;

    /// What gives its segments an end, if its memory can be taken away.
    private final @Nullable Arena session;

    /// All memory of the allocator, with that end.
    private final @Nullable MemorySegment memory;

    private volatile boolean reaped;

    private Tenant(
        MemoryAccount account, int number, long pageSize, @Nullable MemorySegment region) {
      this.account = account;
      this.number = number;
      this.pageSize = pageSize;
      session = region == null ? null : Arena.ofShared();
      memory = region == null ? null : withEnd(region, session);
    }

    @SuppressWarnings("restricted") // called only if native access is granted
    private static MemorySegment withEnd(MemorySegment region, @Nullable Arena session) {
      return region.reinterpret(session, null);
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

    boolean isReaped() {
      return reaped;
    }

    /// Whether its pages went while the calling thread made an allocation, which is tagged already
    /// and which the reaper has not seen.
    boolean isReapedMeanwhile() {
      VarHandle.releaseFence(); // keeps the compiler from asking first
      return reaped;
    }

    /// The memory that its segments are slices of.
    ///
    /// @param region that of all others
    MemorySegment memory(MemorySegment region) {
      return memory == null ? region : memory;
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
      Optional<MemoryAccount> above = Optional.of(account);
      while (above.isPresent()) {
        if (above.get().limits().maxByteSize() < pages * pageSize) {
          return false;
        }
        above = above.get().parent();
      }
      return true;
    }

    void uncharge(long pages) {
      account.uncharge(pages * pageSize);
    }
  }

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

  /// @param region the memory whose segments shall have an end of their own, or null
  synchronized Tenant open(MemoryAccount account, @Nullable MemorySegment region) {
    Integer free = freeNumbers.poll();
    int number = free != null ? free : numbers;
    if (number >= MOST_TENANTS) {
      throw new IllegalStateException("too many accounts pay for pages: max=" + MOST_TENANTS);
    }
    numbers = Math.max(numbers, number + 1);
    @Nullable Tenant[] all = tenants;
    all = Arrays.copyOf(all, number < all.length ? all.length : 2 * all.length);
    Tenant tenant = new Tenant(account, number, pageSize, region);
    all[number] = tenant;
    tenants = all;
    return tenant;
  }

  /// Forgets a tenant that has no allocation any more.
  synchronized void close(Tenant tenant) {
    @Nullable Tenant[] all = tenants.clone();
    all[tenant.number] = null;
    tenants = all;
    freeNumbers.add(tenant.number);
    if (tenant.session != null && !tenant.reaped) {
      tenant.session.close();
    }
  }

  /// Who pays for the allocation at a page; null if there is none and was one of a tenant that is
  /// no more.
  @Nullable Tenant tenantOf(PagePool pool, int page) {
    return tenants[pool.tagAt(page)];
  }

  /// The first page of an allocation of a tenant's, at or after `page`, or the page count.
  static int nextHead(PagePool pool, Tenant tenant, int page) {
    int end = pool.geometry().pageCount();
    int head = pool.nextHead(page);
    while (head < end && pool.tagAt(head) != tenant.number) {
      head = pool.nextHead(head + 1);
    }
    return head;
  }

  /// Takes away all memory of an account: its segments fail from then on, and its pages are zeroed
  /// and free.
  ///
  /// Closing a session is a handshake with all threads. Who tagged an allocation before it, is seen
  /// here; who does so later, sees that the tenant is reaped, and gives the pages back itself.
  ///
  /// @param region all memory
  /// @return false if there is nothing to be taken away so, or a native call is using a segment: to
  ///   be tried again
  boolean reap(MemoryAccount account, PagePool pool, MemorySegment region) {
    boolean reaped = false;
    for (Tenant tenant : tenants) {
      Arena session = tenant == null || !tenant.account.equals(account) ? null : tenant.session;
      if (tenant != null && session != null) {
        tenant.reaped = true;
        if (!isEnded(session)) {
          return false;
        }
        freeAll(tenant, pool, region);
        reaped = true;
      }
    }
    return reaped;
  }

  private static boolean isEnded(Arena session) {
    if (session.scope().isAlive()) {
      try {
        session.close();
      } catch (IllegalStateException e) {
        return false; // a native call is using a segment
      }
    }
    return true;
  }

  private static void freeAll(Tenant tenant, PagePool pool, MemorySegment region) {
    int end = pool.geometry().pageCount();
    for (int page = nextHead(pool, tenant, 0); page < end; ) {
      free(tenant, pool, region, page);
      page = nextHead(pool, tenant, page + 1);
    }
  }

  private static void free(Tenant tenant, PagePool pool, MemorySegment region, int page) {
    int pages = pool.pagesAt(page);
    if (pages == 0 || !pool.hold(page, pages)) {
      return; // its owner frees it just now
    }
    if (pool.tagAt(page) != tenant.number) {
      pool.release(page, pages);
      return; // freed, and somebody else's by now
    }
    Zeros.fill(region.asSlice(page * tenant.pageSize, pages * tenant.pageSize));
    pool.freeHeld(page, pages);
    tenant.uncharge(pages);
  }
}
