package dev.octavo.allocator;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.checks.Corruption;
import dev.octavo.allocator.internal.checks.Freed;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomKiller;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Finds out why a call failed, and says it. Runs after the failure, so it changes nothing and may
/// take its time.
final class Failures {

  private static final int MAX_CORRUPTIONS = 16;

  private final PageAllocator allocator;
  private final PagePool pool;

  private final @Nullable CheckedPool checked;

  /// @param pool of the allocator
  /// @param checked the same, if it is one that checks everything
  Failures(PageAllocator allocator, PagePool pool, @Nullable CheckedPool checked) {
    this.allocator = allocator;
    this.pool = pool;
    this.checked = checked;
  }

  void checkOpen() {
    if (pool.isClosed()) {
      throw closed();
    }
  }

  IllegalStateException closed() {
    return new IllegalStateException("allocator is closed: name=" + allocator.name());
  }

  /// @param outcome a negative number that says why there was nothing
  RuntimeException outOfPages(String request, SlowPath.Run run, AllocationMode mode, long outcome) {
    Accounts.Tenant payer = run.payer();
    if (outcome == SlowPath.GONE && payer != null) {
      return gone(payer);
    }
    BuddyInfo info = allocator.buddyInfo();
    OutOfPagesException.Reason shortage =
        isLimit(outcome)
            ? OutOfPagesException.Reason.ACCOUNT_LIMIT
            : shortage(info, run, allocator.mark(mode));
    OutOfPagesException.Reason reason = shortage;
    if (outcome == SlowPath.DEADLINE || outcome == SlowPath.LIMIT_DEADLINE) {
      reason = OutOfPagesException.Reason.DEADLINE;
    } else if (outcome == SlowPath.INTERRUPTED || outcome == SlowPath.LIMIT_INTERRUPTED) {
      reason = OutOfPagesException.Reason.INTERRUPTED;
    }
    String rule = reason == shortage ? rule(shortage) : rule(reason) + ", " + rule(shortage);
    String pays = payer == null ? "" : ", " + figures(payer.account());
    String message = rule + ": " + request + ", mode=" + mode + pays + figures(info, run);
    return new OutOfPagesException(reason, message);
  }

  private static String figures(MemoryAccount account) {
    return "account=%s, usage=%d, max=%d"
        .formatted(account.path(), account.usage(), account.limits().maxByteSize());
  }

  private String figures(BuddyInfo info, SlowPath.Run run) {
    int order = Geometry.orderFor((int) Math.min(run.pages(), info.pageCount()));
    return ", pageSize=%d, pageCount=%d, freePages=%d, min=%d, largestFreeRun=%d"
            .formatted(
                info.pageSize(),
                info.pageCount(),
                info.freePages(),
                allocator.mark(AllocationMode.NOWAIT),
                info.largestFreeRun())
        + ", order=%d, fragmentationIndex=%d, buddyinfo=%s"
            .formatted(order, info.fragmentationIndex(order), info.toBuddyinfoLine());
  }

  static OutOfPagesException refused(OomKiller.Outcome.Fail fail) {
    return new OutOfPagesException(
        OutOfPagesException.Reason.OOM_POLICY,
        fail.message() + System.lineSeparator() + fail.table());
  }

  /// Why a payer pays no more.
  IllegalStateException gone(Accounts.Tenant payer) {
    String rule =
        payer.state() == Accounts.State.REAPED
            ? "memory of the account was taken away"
            : "allocator of the account is closed";
    return new IllegalStateException(rule + ": account=" + payer.account().path() + name());
  }

  private static boolean isLimit(long outcome) {
    return outcome == SlowPath.LIMIT
        || outcome == SlowPath.LIMIT_DEADLINE
        || outcome == SlowPath.LIMIT_INTERRUPTED;
  }

  /// Why there is no run that leaves so many pages free.
  static OutOfPagesException.Reason shortage(BuddyInfo info, SlowPath.Run run, long mark) {
    long mask = (1L << run.alignOrder()) - 1;
    long firstAligned = ((run.phase() + mask) & ~mask) - run.phase();
    if (firstAligned > info.pageCount() - run.pages()) {
      return OutOfPagesException.Reason.CAPACITY;
    }
    if (run.pages() > info.freePages()) {
      return OutOfPagesException.Reason.NOT_ENOUGH_MEMORY;
    }
    return run.pages() > info.largestFreeRun() || run.pages() <= info.freePages() - mark
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
    if (page < 0 || page >= allocator.pageCount()) {
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
    return ", name=" + allocator.name();
  }

  /// Counts what is live; null if nothing is.
  @Nullable LiveAllocationsException leaks() {
    LiveReport report = new LiveReport(checked);
    int end = (int) allocator.pageCount();
    for (int page = pool.nextHead(0); page < end; page = pool.nextHead(page + 1)) {
      report.add(page, pool.pagesAt(page));
    }
    return report.isEmpty()
        ? null
        : report.toException("allocations were not freed", allocator.name());
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
