package dev.octavo.allocator;

import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.region.OpenRegion;
import dev.octavo.allocator.internal.request.Holdings;
import dev.octavo.allocator.internal.request.Payer;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.Objects;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the arenas of one allocator take from it: page runs, which may pin the memory, the map of
/// addresses, and a list of the shared arenas that are open.
final class ArenaSource {

  static final String REMEDY =
      "start java with --enable-native-access=dev.octavo.allocator, or =ALL-UNNAMED if the library"
          + " is on the class path; or use openUnscopedArena()";

  private static final Logger LOG = LoggerFactory.getLogger(ArenaSource.class);

  /// An arena that the allocator ends when it is closed.
  abstract static class Ending {

    /// Ends it; false if a native call is using a segment of it.
    abstract boolean endWithAllocator();
  }

  private final Allocations allocations;
  private final Segments segments;
  private final Holdings holdings;
  private final PagePool pool;
  private final @Nullable CheckedPool checked;
  private final Failures failures;
  private final OpenRegion openRegion;
  private final boolean nativeAccess;
  private final boolean watchesArenas;

  /// Open arenas that `close` ends. Weak only if forgotten arenas are watched for, because then
  /// nothing else may refer to them.
  private final Set<Ending> sharedArenas;

  private final AtomicLong unpooledArenas = new AtomicLong();
  private final AtomicLong forgottenArenas = new AtomicLong();

  /// @param nativeAccess whether segments may have a scope of their own
  /// @param watchesArenas whether forgotten arenas are looked for
  ArenaSource(
      Allocations allocations, OpenRegion openRegion, boolean nativeAccess, boolean watchesArenas) {
    this.allocations = allocations;
    this.openRegion = openRegion;
    segments = allocations.segments();
    holdings = allocations.requests().holdings();
    pool = allocations.pool();
    checked = pool instanceof CheckedPool found ? found : null;
    failures = allocations.failures();
    this.nativeAccess = nativeAccess;
    this.watchesArenas = watchesArenas;
    sharedArenas =
        watchesArenas
            ? Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()))
            : ConcurrentHashMap.newKeySet();
  }

  String name() {
    return allocations.name();
  }

  Segments segments() {
    return segments;
  }

  int pageSize() {
    return segments.pageSize();
  }

  /// All memory of the region, which lasts until it is given back.
  MemorySegment lastingMemory() {
    return Objects.requireNonNull(openRegion.memory(), "memory");
  }

  boolean isKnownZero(long page, int pages) {
    return pool.isKnownZero((int) page, pages);
  }

  /// Checks that arenas can be opened.
  void check() {
    segments.memory();
    failures.checkOpen();
  }

  /// Checks the sleep guard for a request that may block.
  void checkSleep(long byteSize, long byteAlignment) {
    if (allocations.mustNotSleep()) {
      allocations.reportSleep(
          "PageArena.allocate(byteSize=" + byteSize + ", byteAlignment=" + byteAlignment);
    }
  }

  // ---- the list

  /// Lists a shared arena that was opened.
  void add(Ending arena) {
    sharedArenas.add(arena);
  }

  void remove(Ending arena) {
    sharedArenas.remove(arena);
  }

  int openSharedArenas() {
    return sharedArenas.size();
  }

  /// Ends all shared arenas.
  ///
  /// @return false if a native call is using a segment of one
  boolean endAll() {
    boolean ended = true;
    for (Ending arena : sharedArenas.toArray(Ending[]::new)) {
      ended &= arena.endWithAllocator();
    }
    return ended;
  }

  boolean watchesArenas() {
    return watchesArenas;
  }

  void countForgotten() {
    forgottenArenas.incrementAndGet();
  }

  long forgottenArenas() {
    return forgottenArenas.get();
  }

  long unpooledArenas() {
    return unpooledArenas.get();
  }

  /// Whether arenas can have a scope of their own; if not, that is said once and counted.
  boolean hasNativeAccess() {
    if (!nativeAccess && unpooledArenas.getAndIncrement() == 0) {
      LOG.warn("no native access, so arenas take the JDK's memory: {}, name={}", REMEDY, name());
    }
    return nativeAccess;
  }

  // ---- runs

  /// Takes a run that is free now, aligned to a page.
  ///
  /// @param isPinned whether it pins the memory
  /// @return the first page, or a negative number
  long tryTakeRun(@Nullable Payer payer, int pages, AllocationMode mode, boolean isPinned) {
    long page = payer == null ? takeLeased(pages, isPinned) : PagePool.NONE;
    return page >= 0
        ? page
        : pinned(payer, allocations.take(payer, pages, 0, 0, mode), pages, isPinned);
  }

  /// Takes a run, waits for it if the mode allows that.
  ///
  /// @param byteSize bytes that may be touched
  /// @param isPinned whether it pins the memory
  long takeRun(
      @Nullable Payer payer,
      long byteSize,
      long byteAlignment,
      AllocationMode mode,
      boolean isPinned) {
    long pages = segments.pagesFor(byteSize);
    boolean mayBeLeased =
        payer == null && segments.alignOrder(byteAlignment) == 0 && pages <= PagePool.MOST_HELD;
    long page = mayBeLeased ? takeLeased((int) pages, isPinned) : PagePool.NONE;
    if (page < 0) {
      page = allocations.takeBytes(payer, byteSize, byteAlignment, mode, allocations.waitNanos());
      page = pinned(payer, page, (int) pages, isPinned);
    }
    if (checked != null) {
      checked.guard((int) page, byteSize, payer == null ? 0 : payer.number());
    }
    return page;
  }

  private long takeLeased(int pages, boolean isPinned) {
    if (!isPinned) {
      return pool.takeHeld(pages);
    }
    int page = pool.takeHeldPinned(pages);
    if (page >= 0 && pool.isClosed()) {
      freePinned(page, pages);
      throw failures.closed();
    }
    return page;
  }

  private long pinned(@Nullable Payer payer, long page, int pages, boolean isPinned) {
    if (page >= 0 && isPinned && !pin()) {
      free(payer, page, pages);
      throw failures.closed();
    }
    return page;
  }

  /// Frees a run of an arena.
  ///
  /// @param isPinned whether it pins the memory
  void freeRun(@Nullable Payer payer, long page, int pages, boolean isPinned) {
    if (!isPinned) {
      free(payer, page, pages);
    } else if (payer == null) {
      freePinned(page, pages);
    } else {
      try {
        free(payer, page, pages);
      } finally {
        unpin();
      }
    }
  }

  private void free(@Nullable Payer payer, long page, int pages) {
    if (!holdings.freeRun(payer, page, pages) && !pool.isClosed()) {
      throw failures.invalidFree(page, pages);
    }
  }

  private void freePinned(long page, int pages) {
    boolean freed = false;
    try {
      freed = pool.freePinned((int) page, pages);
    } finally {
      if (pool.isClosed()) {
        freed = true; // or ended with the allocator
        giveBackIfUnused();
      }
    }
    if (!freed) {
      throw failures.invalidFree(page, pages);
    }
  }

  // ---- pins

  /// Keeps the memory there until [#unpin]; false if the allocator is closed.
  boolean pin() {
    boolean pinned = pool.pin();
    if (!pinned) {
      giveBackIfUnused();
    }
    return pinned;
  }

  void unpin() {
    if (pool.unpin()) {
      giveBackIfUnused();
    }
  }

  /// Returns the memory to where it came from, if nothing needs it any more.
  ///
  /// @return false if a native call is using it
  boolean giveBackIfUnused() {
    return pool.isPinned() || openRegion.giveBack();
  }
}
