package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import org.jspecify.annotations.Nullable;

/// Allocations and the accounts that pay for them: completes, frees and undoes them, so that the
/// charges of a payer are what it holds.
///
/// Each method that tags an allocation, or ends the lock on one, looks afterwards whether its payer
/// has ended meanwhile, and then frees it: the reaper has passed over it ([Payers]).
public final class Holdings {

  private final PagePool pool;

  /// Null without accounts.
  private final @Nullable Payers payers;

  Holdings(PagePool pool, @Nullable Payers payers) {
    this.pool = pool;
    this.payers = payers;
  }

  /// Whether accounts pay for allocations.
  public boolean hasPayers() {
    return payers != null;
  }

  /// The payer of the allocation at a page, or null; of no meaning if there is none.
  public @Nullable Payer payerOf(int page) {
    return payers == null ? null : payers.payerOf(page);
  }

  /// Whether an allocation whose lock the caller holds is still this payer's.
  public boolean isOf(Payer payer, int page) {
    return payers != null && payers.isOf(payer, page);
  }

  // ---- made

  /// Completes an allocation that is paid for.
  ///
  /// @return the page, or the code of [Refusal#GONE] if the payer has ended meanwhile
  public long settle(Payer payer, long page, long pages) {
    pool.setTag((int) page, payer.number());
    return goneOr(payer, page, pages);
  }

  /// Completes the runs of a demand.
  ///
  /// @return 0, or the code of [Refusal#GONE] if the payer has ended meanwhile
  long settleAll(Demand demand) {
    Payer payer = demand.payer();
    if (payer == null) {
      return 0;
    }
    for (long page : demand.into()) {
      pool.setTag((int) page, payer.number());
    }
    return kept(demand, 0);
  }

  private long goneOr(Payer payer, long page, long pages) {
    if (!payer.isGoneMeanwhile()) {
      return page;
    }
    freeOfGone(payer, (int) page, (int) pages);
    return Refusal.GONE.code();
  }

  /// Frees an allocation that no caller has got yet, unless the reaper has done it.
  private void freeOfGone(Payer payer, int page, int pages) {
    if (payers == null) {
      return;
    }
    if (payer.state() == Payer.State.REAPED) {
      payers.reapIfOf(payer, page, pages);
    } else {
      payers.freeIfOf(payer, page, pages);
    }
  }

  /// Looks whether the payer of what was taken for a demand has ended meanwhile, and frees it then.
  ///
  /// @return the page, or the code of [Refusal#GONE]
  long kept(Demand demand, long page) {
    Payer payer = demand.payer();
    if (payer == null || demand.isReplacement() || !payer.isGoneMeanwhile()) {
      return page;
    }
    if (demand.isBulk()) {
      for (long first : demand.into()) {
        freeOfGone(payer, (int) first, (int) demand.pages());
      }
    } else {
      freeOfGone(payer, (int) page, (int) demand.pages());
    }
    return Refusal.GONE.code();
  }

  /// Undoes the charge of a demand.
  ///
  /// @return the code of [Refusal#NO_RUN]
  long unpaid(Demand demand) {
    Payer payer = demand.payer();
    if (payer != null) {
      payer.uncharge(demand.chargedPages());
    }
    return Refusal.NO_RUN.code();
  }

  /// Frees what was taken for a request that had given up meanwhile.
  public void giveBack(Demand demand, long page) {
    Payer payer = demand.payer();
    if (demand.isReplacement()) {
      pool.free((int) page, (int) demand.pages());
      unpaid(demand);
    } else if (demand.isBulk()) {
      for (long first : demand.into()) {
        freeRun(payer, first, (int) demand.pages());
      }
    } else {
      freeRun(payer, page, (int) demand.pages());
    }
  }

  /// Makes another payer pay for an allocation whose lock the caller holds.
  ///
  /// @throws RuntimeException of the accounts' kind if a max leaves no room; nothing has changed
  ///   then
  public void transfer(Payer from, Payer to, int page, int pages) {
    MemoryAccount refuser = from.transferTo(to, pages);
    if (refuser != null) {
      throw Books.of(MemoryAccount.class).refusal(to.account(), refuser, to.byteSize(pages));
    }
    pool.setTag(page, to.number());
  }

  // ---- freed, shortened

  /// Frees an allocation.
  ///
  /// @return false, and nothing has changed, if there is none, or it is another's by now
  public boolean free(@Nullable Payer payer, int page, int pages) {
    if (payer == null) {
      return pool.free(page, pages);
    }
    if (payer.isReapable()) {
      return freeIfOf(payer, page, pages);
    }
    boolean freed = pool.free(page, pages);
    if (freed) {
      payer.uncharge(pages);
    }
    return freed;
  }

  /// Frees a run that a payer got, or nothing, if it was taken away from it.
  ///
  /// @return false if there is no such run
  public boolean freeRun(@Nullable Payer payer, long page, int pages) {
    if (payer != null && payer.isReapable()) {
      freeIfOf(payer, (int) page, pages);
      return true;
    }
    return free(payerOf((int) page), (int) page, pages);
  }

  /// Ends the lock on an allocation. If its payer has ended meanwhile, it is freed: the reaper has
  /// passed over it.
  public void release(@Nullable Payer payer, int page, int pages) {
    pool.release(page, pages);
    freeIfGone(payer, page, pages);
  }

  /// Frees an allocation whose payer's memory was taken away while its lock was held.
  public void freeIfGone(@Nullable Payer payer, int page, int pages) {
    if (payer != null && payers != null && payer.isReapedMeanwhile()) {
      payers.reapIfOf(payer, page, pages);
    }
  }

  /// Shortens an allocation whose lock the caller holds, which ends the lock.
  public void trim(@Nullable Payer payer, int page, int pages, int newPages) {
    pool.trimHeld(page, pages, newPages);
    if (payer != null) {
      payer.uncharge(pages - newPages);
      freeIfGone(payer, page, newPages);
    }
  }

  // ---- replaced

  /// Frees the allocation that a run replaces.
  ///
  /// @return false if its payer has ended meanwhile, and all is freed
  public boolean replace(@Nullable Payer payer, int page, int pages, int newPage, int newPages) {
    pool.freeHeld(page, pages);
    return payer == null || settle(payer, newPage, newPages) >= 0;
  }

  private boolean freeIfOf(Payer payer, int page, int pages) {
    return payers != null && payers.freeIfOf(payer, page, pages);
  }
}
