package dev.octavo.allocator;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.checks.Corruption;
import dev.octavo.allocator.internal.checks.Freed;
import dev.octavo.allocator.internal.request.Demand;
import dev.octavo.allocator.internal.request.Payer;
import dev.octavo.allocator.internal.request.Refusal;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The exceptions of an allocator and their texts. Made after a failure, so they change nothing and
/// may take their time.
final class Failures {

  private static final int MAX_CORRUPTIONS = 16;
  private static final int TOP_CONSUMERS = 5;

  private final String name;
  private final PagePool pool;

  private final @Nullable CheckedPool checked;

  /// @param pool of the allocator
  /// @param checked the same, if it is one that checks everything
  Failures(String name, PagePool pool, @Nullable CheckedPool checked) {
    this.name = name;
    this.pool = pool;
    this.checked = checked;
  }

  void checkOpen() {
    if (pool.isClosed()) {
      throw closed();
    }
  }

  IllegalStateException closed() {
    return new IllegalStateException("allocator is closed: name=" + name);
  }

  /// The failure of a request.
  ///
  /// @param refusal why it got nothing
  /// @param mark pages that it must leave free
  /// @param info what is free
  RuntimeException refused(
      Demand demand, AllocationMode mode, Refusal refusal, long mark, BuddyInfo info) {
    Payer payer = demand.payer();
    OomKiller.Outcome.Fail verdict = demand.verdict();
    if (refusal == Refusal.CLOSED) {
      return closed();
    }
    if (refusal == Refusal.GONE && payer != null) {
      return gone(payer);
    }
    if (refusal == Refusal.POLICY && verdict != null) {
      return new OutOfPagesException(
          OutOfPagesException.Reason.OOM_POLICY,
          verdict.message() + System.lineSeparator() + verdict.table());
    }
    OutOfPagesException.Reason shortage =
        switch (refusal) {
          case LIMIT, NEVER_PAID -> OutOfPagesException.Reason.ACCOUNT_LIMIT;
          case CAPACITY -> OutOfPagesException.Reason.CAPACITY;
          case MARK -> OutOfPagesException.Reason.RESERVE;
          default -> shortage(info, demand, mark);
        };
    OutOfPagesException.Reason reason =
        switch (demand.ended()) {
          case AT_ONCE ->
              refusal == Refusal.POLICY ? OutOfPagesException.Reason.OOM_POLICY : shortage;
          case DEADLINE -> OutOfPagesException.Reason.DEADLINE;
          case INTERRUPTED -> OutOfPagesException.Reason.INTERRUPTED;
        };
    String rule = reason == shortage ? rule(shortage) : rule(reason) + ", " + rule(shortage);
    String domain = payer == null ? "" : domain(demand, payer, isLimit(refusal), mode);
    String message =
        rule + ": " + demand.description() + ", mode=" + mode + domain + figures(info, demand);
    return new OutOfPagesException(reason, message);
  }

  private static boolean isLimit(Refusal refusal) {
    return refusal == Refusal.LIMIT || refusal == Refusal.NEVER_PAID;
  }

  /// The account, the domain of the shortage with its limit and, if the request waited, those that
  /// use most of it.
  private static String domain(Demand demand, Payer payer, boolean isLimit, AllocationMode mode) {
    MemoryAccount domain = isLimit ? limitOf(demand, payer) : rootOf(payer.account());
    String text =
        ", account=%s, domain=%s, usage=%d, max=%d"
            .formatted(
                payer.account().path(),
                domain.path(),
                domain.usage(),
                domain.limits().maxByteSize());
    return mode == AllocationMode.BLOCKING ? text + ", consumers=" + consumers(domain) : text;
  }

  private static MemoryAccount limitOf(Demand demand, Payer payer) {
    MemoryAccount known = demand.domain();
    if (known != null) {
      return known;
    }
    long byteSize = payer.byteSize(demand.chargedPages());
    for (MemoryAccount at = payer.account(); at != null; at = at.parent().orElse(null)) {
      if (at.limits().maxByteSize() - at.usage() < byteSize) {
        return at;
      }
    }
    return payer.account(); // there is room by now
  }

  private static MemoryAccount rootOf(MemoryAccount account) {
    MemoryAccount top = account;
    while (top.parent().isPresent()) {
      top = top.parent().get();
    }
    return top;
  }

  /// The accounts at and below a domain that use most themselves, with bytes.
  private static String consumers(MemoryAccount domain) {
    List<MemoryAccount> all = new ArrayList<>();
    Deque<MemoryAccount> open = new ArrayDeque<>(List.of(domain));
    while (!open.isEmpty()) {
      MemoryAccount account = open.remove();
      all.add(account);
      open.addAll(account.children());
    }
    Map<MemoryAccount, Long> usage = new HashMap<>();
    all.forEach(account -> usage.put(account, account.ownUsage()));
    return all.stream()
        .filter(account -> usage.getOrDefault(account, 0L) > 0)
        .sorted(
            Comparator.comparingLong((MemoryAccount account) -> usage.getOrDefault(account, 0L))
                .reversed()
                .thenComparing(MemoryAccount::path))
        .limit(TOP_CONSUMERS)
        .map(account -> account.path() + ":" + usage.get(account) + "B")
        .toList()
        .toString();
  }

  private String figures(BuddyInfo info, Demand demand) {
    int order = Geometry.orderFor((int) Math.min(demand.pages(), info.pageCount()));
    return ", pageSize=%d, pageCount=%d, freePages=%d, min=%d, largestFreeRun=%d"
            .formatted(
                info.pageSize(),
                info.pageCount(),
                info.freePages(),
                info.watermarks().inPages(info.pageSize()).min(),
                info.largestFreeRun())
        + ", order=%d, fragmentationIndex=%d, buddyinfo=%s"
            .formatted(order, info.fragmentationIndex(order), info.toBuddyinfoLine());
  }

  /// Why a payer pays no more.
  IllegalStateException gone(Payer payer) {
    String rule =
        payer.state() == Payer.State.REAPED
            ? "memory of the account was taken away"
            : "allocator of the account is closed";
    return new IllegalStateException(rule + ": account=" + payer.account().path() + name());
  }

  /// Why there are no such runs that leave so many pages free.
  OutOfPagesException.Reason shortage(BuddyInfo info, Demand demand, long mark) {
    long pages = demand.totalPages();
    if (pages > info.pageCount()
        || !pool.geometry().canHold(demand.pages(), demand.alignOrder(), demand.phase())) {
      return OutOfPagesException.Reason.CAPACITY;
    }
    if (pages > info.pageCount() - mark) {
      return OutOfPagesException.Reason.RESERVE;
    }
    if (pages > info.freePages()) {
      return OutOfPagesException.Reason.NOT_ENOUGH_MEMORY;
    }
    return demand.pages() > info.largestFreeRun() || pages <= info.freePages() - mark
        ? OutOfPagesException.Reason.FRAGMENTATION
        : OutOfPagesException.Reason.RESERVE;
  }

  static String rule(OutOfPagesException.Reason reason) {
    return switch (reason) {
      case CAPACITY -> "more than the region could ever hold";
      case NOT_ENOUGH_MEMORY -> "not enough memory";
      case FRAGMENTATION -> "free memory is fragmented";
      case RESERVE -> "only the reserve is left";
      case ACCOUNT_LIMIT -> "account has reached its max";
      case OOM_POLICY -> "the OOM policy refuses";
      case DEADLINE -> "waited until the deadline";
      case INTERRUPTED -> "interrupted while waiting";
    };
  }

  /// Why no allocation of `pages` pages was found at `page`.
  InvalidFreeException invalidFree(long page, long pages) {
    InvalidFreeException.Reason reason = reasonAt(page, pages);
    String found = "";
    if (reason == InvalidFreeException.Reason.WRONG_SIZE) {
      found = ", allocated=" + pool.pagesAt((int) page);
    }
    InvalidFreeException failure =
        new InvalidFreeException(
            reason, rule(reason) + ": page=" + page + ", pages=" + pages + found + name());
    Freed freed = freedAt(page, reason);
    if (freed != null) {
      failure.initCause(freed.freedAt().toThrowable("freed", null));
    }
    return failure;
  }

  private @Nullable Freed freedAt(long page, InvalidFreeException.Reason reason) {
    return checked != null && reason == InvalidFreeException.Reason.DOUBLE_FREE
        ? checked.freedAt((int) page)
        : null;
  }

  private InvalidFreeException.Reason reasonAt(long page, long pages) {
    if (pool.isClosed()) {
      return InvalidFreeException.Reason.CLOSED;
    }
    if (page < 0 || page >= pool.geometry().pageCount()) {
      return InvalidFreeException.Reason.FOREIGN_SEGMENT;
    }
    return switch (pool.stateOf((int) page)) {
      case FREE -> InvalidFreeException.Reason.DOUBLE_FREE;
      case HEAD ->
          pool.pagesAt((int) page) == pages
              ? InvalidFreeException.Reason.DOUBLE_FREE // and allocated again meanwhile
              : InvalidFreeException.Reason.WRONG_SIZE;
      case HELD -> InvalidFreeException.Reason.BUSY;
      case INTERIOR -> InvalidFreeException.Reason.INTERIOR_POINTER;
    };
  }

  InvalidFreeException invalidSegment(InvalidFreeException.Reason reason, MemorySegment segment) {
    InvalidFreeException.Reason first =
        pool.isClosed() ? InvalidFreeException.Reason.CLOSED : reason;
    return new InvalidFreeException(first, rule(first) + ": segment=" + segment + name());
  }

  private static String rule(InvalidFreeException.Reason reason) {
    return switch (reason) {
      case CLOSED -> "allocator is closed";
      case FOREIGN_SEGMENT -> "not memory of this region";
      case REAPED -> "memory was taken away with its account, or its arena is closed";
      case READ_ONLY -> "read-only view";
      case INTERIOR_POINTER -> "not the start of an allocation";
      case DOUBLE_FREE -> "pages are free already";
      case WRONG_SIZE -> "not the size of the allocation";
      case BUSY -> "another call is resizing the allocation";
    };
  }

  private String name() {
    return ", name=" + name;
  }

  /// Counts what is live; null if nothing is.
  @Nullable LiveAllocationsException leaks() {
    LiveReport report = new LiveReport(checked);
    int end = pool.geometry().pageCount();
    for (int page = pool.nextHead(0); page < end; page = pool.nextHead(page + 1)) {
      report.add(page, pool.pagesAt(page));
    }
    return report.isEmpty() ? null : report.toException("allocations were not freed", name);
  }

  /// The first of two failures, with the second as suppressed; null if there is none.
  static @Nullable RuntimeException first(
      @Nullable RuntimeException first, @Nullable RuntimeException second) {
    if (first == null || second == null) {
      return first == null ? second : first;
    }
    first.addSuppressed(second);
    return first;
  }

  /// @param found at least one
  static CorruptedMemoryException corrupted(String name, List<Corruption> found) {
    CorruptedMemoryException first = CorruptedMemoryException.of(name, found.getFirst());
    found.stream()
        .skip(1)
        .limit(MAX_CORRUPTIONS)
        .forEach(other -> first.addSuppressed(CorruptedMemoryException.of(name, other)));
    return first;
  }
}
