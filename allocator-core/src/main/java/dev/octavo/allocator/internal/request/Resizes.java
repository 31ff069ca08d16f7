package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.cache.PagePool;
import org.jspecify.annotations.Nullable;

/// Requests of allocations that get longer: in place, or by a run that replaces them. The account
/// pays for the difference.
public final class Resizes {

  private final Requests requests;
  private final PagePool pool;

  public Resizes(Requests requests) {
    this.requests = requests;
    pool = requests.pool();
  }

  /// Grows an allocation in place whose lock the caller holds, which ends the lock.
  ///
  /// @return false, and it is still locked, if the pages behind are not free, or kept for the first
  ///   in line and the mode may wait, or there is no room in an account
  public boolean grow(@Nullable Payer payer, int page, int pages, int newPages, Admission mode) {
    boolean isKept =
        mode.mayWait() && requests.waits().lines().pages().keeps(page + pages, page + newPages);
    if (isKept || (payer != null && requests.pay(payer, newPages - pages, mode) < 0)) {
      return false;
    }
    boolean grown = false;
    try {
      grown = pool.growHeld(page, pages, newPages, mode.mark());
    } finally {
      if (!grown && payer != null) {
        payer.uncharge(newPages - pages);
      }
    }
    if (grown) {
      requests.holdings().freeIfGone(payer, page, newPages);
    }
    return grown;
  }

  /// Takes a run that is to replace an allocation whose lock the caller holds, and pays for what it
  /// is longer. It belongs to no account before [Holdings#replace].
  ///
  /// @return the first page, or the code of a refusal
  public long takeReplacement(Demand demand, Admission mode) {
    Refusal never = requests.never(demand.pages(), 0, 0, mode.mark());
    if (never != null || !hasPlace(demand)) {
      return (never == null ? Refusal.CAPACITY : never).code();
    }
    Payer payer = demand.payer();
    if (!requests.waits().lines().pages().isEmpty()
        || !pool.hasFreeInTree(demand.pages() + mode.mark())) {
      return Requests.refusalOf(payer, demand.pages());
    }
    if (payer != null) {
      long refused = requests.pay(payer, demand.chargedPages(), mode);
      if (refused < 0) {
        return payer.neverPays(demand.pages()) == null ? refused : Refusal.NEVER_PAID.code();
      }
    }
    return requests.waits().takePaid(demand, mode.mark());
  }

  /// Whether the region has a place for the longer run: where the allocation is, before it or
  /// behind it.
  private boolean hasPlace(Demand demand) {
    long pageCount = pool.geometry().pageCount();
    long before = demand.replacedPage();
    long behind = pageCount - before - demand.replacedPages();
    return demand.endInPlace() <= pageCount || demand.pages() <= Math.max(before, behind);
  }
}
