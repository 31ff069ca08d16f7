package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import org.jspecify.annotations.Nullable;

/// A request that was not served at once: what it needs, and afterwards why it did not get it.
///
/// Made after the first attempt has failed. The fields that say how it ended are written by the
/// requesting thread only.
public final class Demand {

  /// How a request that got nothing has ended.
  public enum Ended {
    /// Without waiting.
    AT_ONCE,
    /// At its deadline.
    DEADLINE,
    /// By an interrupt of its thread.
    INTERRUPTED
  }

  private final @Nullable Payer payer;
  private final long pages;
  private final int alignOrder;
  private final long phase;
  private final String description;

  private int replacedPage;
  private int paidPages;
  private long[] into = {};
  private boolean isBulk;

  private volatile boolean hadRoom;
  private Ended ended = Ended.AT_ONCE;
  private @Nullable MemoryAccount domain;
  private OomKiller.Outcome.@Nullable Fail verdict;

  /// @param payer the account that pays, or null
  /// @param pages length of the run, at least 1
  /// @param alignOrder log2 of its alignment in pages
  /// @param phase distance of the region's base from such an alignment, in pages
  /// @param description of the call, for messages
  public Demand(@Nullable Payer payer, long pages, int alignOrder, long phase, String description) {
    this.payer = payer;
    this.pages = pages;
    this.alignOrder = alignOrder;
    this.phase = phase;
    this.description = description;
  }

  /// Makes it a request for as many runs as the array has elements: all of them or none.
  ///
  /// @param firsts receives their first pages
  public Demand manyInto(long[] firsts) {
    into = firsts;
    isBulk = true;
    return this;
  }

  /// Makes it a request for a run in place of an allocation whose lock the caller holds, and for
  /// whose pages the account pays already.
  ///
  /// @param page the first page of that allocation
  /// @param count its length, less than `pages`
  public Demand replacing(int page, int count) {
    replacedPage = page;
    paidPages = count;
    return this;
  }

  public @Nullable Payer payer() {
    return payer;
  }

  /// The length of the run, or of each run.
  public long pages() {
    return pages;
  }

  public int alignOrder() {
    return alignOrder;
  }

  public long phase() {
    return phase;
  }

  public String description() {
    return description;
  }

  public boolean isBulk() {
    return isBulk;
  }

  /// Whether the run replaces an allocation, for which its account pays already.
  boolean isReplacement() {
    return paidPages > 0;
  }

  /// Whether the pages behind the allocation that is to be replaced are free in the tree, and
  /// enough besides.
  ///
  /// @param mark pages that must stay free
  boolean canGrowInPlace(PagePool pool, long mark) {
    int from = replacedPage + paidPages;
    long to = endInPlace();
    return isReplacement()
        && to <= pool.geometry().pageCount()
        && pool.hasFreeInTree(mark + to - from)
        && pool.freePagesIn(from, (int) to) == to - from;
  }

  /// The first page of the allocation that is replaced.
  int replacedPage() {
    return replacedPage;
  }

  /// The length of the allocation that is replaced.
  int replacedPages() {
    return paidPages;
  }

  /// The page behind the allocation that is replaced, if it grew where it is.
  long endInPlace() {
    return replacedPage + pages;
  }

  long[] into() {
    return into;
  }

  /// Number of runs.
  public long count() {
    return isBulk ? into.length : 1;
  }

  /// Pages of all runs together; at most the largest long.
  public long totalPages() {
    return Saturated.product(pages, count());
  }

  /// Pages that are charged when it is served.
  public long chargedPages() {
    return totalPages() - paidPages;
  }

  // ---- how it ended

  /// Notes that it was first in the line of an account: it need not stand there again.
  void hadRoom() {
    hadRoom = true;
  }

  boolean hasHadRoom() {
    return hadRoom;
  }

  void endedBy(Ended how) {
    ended = how;
  }

  void refusedBy(@Nullable MemoryAccount account) {
    domain = account;
  }

  void refusedBy(OomKiller.Outcome.@Nullable Fail decision) {
    verdict = decision;
  }

  public Ended ended() {
    return ended;
  }

  /// The account without room, if it was refused for that.
  public @Nullable MemoryAccount domain() {
    return domain;
  }

  /// The decision of the OOM policy that ended it, if one did.
  public OomKiller.Outcome.@Nullable Fail verdict() {
    return verdict;
  }
}
