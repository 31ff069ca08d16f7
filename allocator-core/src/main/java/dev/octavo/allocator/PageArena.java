package dev.octavo.allocator;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.internal.region.OpenRegion;
import dev.octavo.allocator.internal.region.Zeros;
import dev.octavo.allocator.internal.request.Payer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.ref.Reference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A `java.lang.foreign.Arena` over the pages of a [PageAllocator].
///
/// Small allocations lie side by side in runs of pages, large ones have an exact run each; all of
/// it goes back when the arena is closed, or rewound.
///
/// | opened by | threads | after `close`, a segment | cost of `close` |
/// |---|---|---|---|
/// | [PageAllocator#openArena] | the one that opened it | fails, as with [Arena#ofConfined] | a free a run |
/// | [PageAllocator#openSharedArena] | any | fails, as with [Arena#ofShared] | a handshake with all threads, 30 to 60 microseconds |
/// | [PageAllocator#openUnscopedArena] | any | still works, and may be somebody else's memory by then: the caller's fault | a free a run |
///
/// The first two follow the contract of [Arena] to the letter: memory is zeroed, and there is an
/// [uninitialised variant][#allocateUninitialized]; every segment fails once the arena is closed;
/// an arena whose segments a native call is using cannot be closed. They need native access for
/// this module (`--enable-native-access=dev.octavo.allocator`, on the class path `ALL-UNNAMED`),
/// because giving pooled memory a lifetime of its own is a restricted method. Without it they are
/// as safe, and take the JDK's memory instead of the pages: [#isPooled].
///
/// *Thread safety.* As in the table; calls on a shared arena exclude each other for a moment. An
/// allocation that needs pages may wait for memory, unless the arena was opened with another
/// [AllocationMode]; nothing else sleeps but for the handshake.
///
/// *Cost.* A small allocation moves a position, and zeroes; no atomic operation in a confined
/// arena. Zeroed is what is handed out, small allocations a kilobyte or more at a time, and not
/// what is known to be zero.
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class PageArena extends ArenaSource.Ending implements Arena {

  /// The first chunk, where small allocations lie; each further one is twice as large.
  private static final long FIRST_CHUNK_BYTES = 16 << 10;

  private static final long LARGEST_CHUNK_BYTES = 256 << 10;

  /// More than a part of the chunk like this gets a run of its own.
  private static final int LARGE_PART_LOG2 = 2;

  /// Where small allocations are zeroed, as much is zeroed at a time as the chunk has given
  /// already, but at least and at most this.
  private static final long LEAST_ZEROED_BYTES = 1 << 10;

  private static final long MOST_ZEROED_BYTES = 16 << 10;

  private static final long NO_ROOM = -1;
  private static final long NO_PAGE = -1;

  private final ArenaSource allocator;
  private final @Nullable Thread owner;
  private final @Nullable Payer payer;
  private final AllocationMode mode;
  private final boolean isScoped;
  private final boolean isPooled;
  private final ArenaRuns runs;
  private final @Nullable ArenaWatch watch;

  /// What gives segments their lifetime, or null if that is the region's.
  private @Nullable Arena session;

  private boolean isClosed;

  /// All memory of the allocator, with the lifetime of what is allocated now; null before that.
  private @Nullable MemorySegment memory;

  /// Where the chunk begins, in which small allocations lie; 0 without one.
  private long chunkAddress;

  /// The next free address in the chunk, and the end of it; no room without a chunk.
  private long position;

  private long limit = NO_ROOM;

  /// From the position to here all bytes are zero.
  private long zeroTo;

  /// Where the last zeroed allocation in the chunk ends.
  private long zeroedEnd;

  /// What was handed out in other places than the chunk, and the most that ever was in all.
  private long bytesElsewhere;

  private long peakBytes;

  /// Whose an arena is, and when its segments end.
  enum Lifetime {
    /// Of one thread; they end with it.
    CONFINED,
    /// Of any thread; they end with it.
    SHARED,
    /// Of any thread; they do not end.
    UNSCOPED
  }

  /// Opens an arena.
  ///
  /// @param payer pays for its pages, or null
  static PageArena open(
      ArenaSource source, @Nullable Payer payer, AllocationMode mode, Lifetime lifetime) {
    source.check();
    PageArena arena = new PageArena(source, payer, mode, lifetime);
    if (lifetime == Lifetime.SHARED) {
      source.add(arena);
    }
    return arena;
  }

  private PageArena(
      ArenaSource allocator, @Nullable Payer payer, AllocationMode mode, Lifetime lifetime) {
    this.allocator = allocator;
    this.payer = payer;
    this.mode = mode;
    owner = lifetime == Lifetime.CONFINED ? Thread.currentThread() : null;
    isScoped = lifetime != Lifetime.UNSCOPED;
    isPooled = !isScoped || allocator.hasNativeAccess();
    runs = new ArenaRuns(allocator, payer, isScoped);
    session = isScoped ? openSession() : null;
    watch = allocator.watchesArenas() ? watch() : null;
  }

  private ArenaWatch watch() {
    Object watched = session == null ? this : session.scope();
    return new ArenaWatch(watched, runs, new Throwable("arena was opened here"), isScoped);
  }

  private Arena openSession() {
    return owner == null ? Arena.ofShared() : Arena.ofConfined();
  }

  // ---- allocation

  /// Allocates zeroed memory, not aligned.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @return a segment of exactly `byteSize` bytes with the scope of this arena
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws IllegalStateException if the arena is closed
  /// @throws WrongThreadException if the arena is another thread's
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  @Override
  public MemorySegment allocate(long byteSize) {
    return allocate(byteSize, 1);
  }

  /// Allocates zeroed memory at an aligned address.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @return a segment of exactly `byteSize` bytes with the scope of this arena
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws IllegalStateException if the arena is closed
  /// @throws WrongThreadException if the arena is another thread's
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  @Override
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, true);
  }

  /// As [#allocate(long, long)], but the bytes hold whatever the last owner left.
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @return a segment of exactly `byteSize` bytes with the scope of this arena
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws IllegalStateException if the arena is closed
  /// @throws WrongThreadException if the arena is another thread's
  /// @throws OutOfPagesException if no run of enough free pages was found that the mode may take
  public MemorySegment allocateUninitialized(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, false);
  }

  /// This arena as an allocator that does not zero: for what is written at once, as by
  /// [SegmentAllocator#allocateFrom(String)], and for structures that a native call fills.
  ///
  /// @return a view of this arena
  public SegmentAllocator uninitialized() {
    return this::allocateUninitialized;
  }

  private MemorySegment allocate(long byteSize, long byteAlignment, boolean zeroed) {
    if (mode == AllocationMode.BLOCKING) {
      allocator.checkSleep(byteSize, byteAlignment);
    }
    Checks.range("byte size", byteSize, 0, Long.MAX_VALUE);
    Checks.powerOfTwo("byte alignment", byteAlignment);
    MemorySegment segment;
    if (owner != null) {
      checkThread();
      segment = takeFromChunk(byteSize, byteAlignment, zeroed);
    } else {
      synchronized (runs) {
        segment = takeFromChunk(byteSize, byteAlignment, zeroed);
      }
    }
    return segment != null ? segment : takeElsewhere(byteSize, byteAlignment, zeroed);
  }

  private @Nullable MemorySegment takeFromChunk(long byteSize, long byteAlignment, boolean zeroed) {
    long start = position + byteAlignment - 1 & -byteAlignment;
    MemorySegment all = memory;
    if (byteSize > limit - start || all == null) {
      return null;
    }
    position = start + byteSize;
    MemorySegment segment = all.asSlice(start - allocator.segments().base(), byteSize);
    if (zeroed) {
      if (position > zeroTo) {
        zero(start);
      }
      zeroedEnd = position;
    }
    return segment;
  }

  /// Zeroes what was just handed out, from `start` on, and some of what comes.
  private void zero(long start) {
    long from = Math.max(start, zeroTo);
    long atOnce = Math.clamp(from - chunkAddress, LEAST_ZEROED_BYTES, MOST_ZEROED_BYTES);
    fill(from, Math.max(position, Math.min(from + atOnce, limit)));
  }

  private void fill(long from, long to) {
    Zeros.fill(memory().asSlice(from - allocator.segments().base(), to - from));
    zeroTo = to;
  }

  /// Takes pages. No lock is held while that waits, so that others can go on, and close the arena.
  private MemorySegment takeElsewhere(long byteSize, long byteAlignment, boolean zeroed) {
    checkOpen();
    if (!isPooled) {
      return takeFromJdk(byteSize, byteAlignment);
    }
    long chunkBytes = nextChunkBytes();
    if (Math.max(byteSize, byteAlignment) <= chunkBytes >> LARGE_PART_LOG2) {
      int pages = (int) allocator.segments().pagesFor(chunkBytes);
      long page = allocator.tryTakeRun(payer, pages, mode, isScoped);
      if (page >= 0) {
        return exclusively(
            page,
            pages,
            () -> {
              addChunk(page, pages);
              return requireNonNull(takeFromChunk(byteSize, byteAlignment, zeroed));
            });
      }
    }
    // At least one page, so that an empty segment has an address of its own.
    long page = allocator.takeRun(payer, Math.max(byteSize, 1), byteAlignment, mode, isScoped);
    int pages = (int) allocator.segments().pagesFor(Math.max(byteSize, 1));
    return exclusively(page, pages, () -> takeRun(page, pages, byteSize, zeroed));
  }

  /// Makes use of pages that were just taken, if the arena is still open.
  private MemorySegment exclusively(long page, int pages, Supplier<MemorySegment> use) {
    if (owner != null) {
      runs.add(page, pages);
      return use.get();
    }
    synchronized (runs) {
      if (isClosed) {
        allocator.freeRun(payer, page, pages, isScoped);
        throw closedException();
      }
      runs.add(page, pages);
      return use.get();
    }
  }

  private MemorySegment takeFromJdk(long byteSize, long byteAlignment) {
    MemorySegment segment = liveSession().allocate(byteSize, byteAlignment);
    bytesElsewhere += byteSize;
    return segment;
  }

  /// Makes a run the current chunk.
  private void addChunk(long page, int pages) {
    long byteSize = (long) pages * allocator.pageSize();
    bytesElsewhere += position - chunkAddress;
    chunkAddress = allocator.segments().addressOf(page);
    position = chunkAddress;
    limit = chunkAddress + byteSize;
    memory();
    zeroedEnd = position;
    zeroTo = allocator.isKnownZero(page, pages) ? limit : position;
  }

  /// Each chunk is twice as large as the one before.
  private long nextChunkBytes() {
    long next =
        chunkAddress == 0
            ? FIRST_CHUNK_BYTES
            : Math.min(2 * (limit - chunkAddress), LARGEST_CHUNK_BYTES);
    return Math.max(next, allocator.pageSize());
  }

  private MemorySegment takeRun(long page, int pages, long byteSize, boolean zeroed) {
    MemorySegment segment =
        memory()
            .asSlice(allocator.segments().addressOf(page) - allocator.segments().base(), byteSize);
    if (zeroed && !allocator.isKnownZero(page, pages)) {
      Zeros.fill(segment);
    }
    bytesElsewhere += byteSize;
    return segment;
  }

  @SuppressWarnings("restricted") // called only if native access is granted
  private MemorySegment memory() {
    MemorySegment all = memory;
    if (all == null) {
      all =
          isScoped ? allocator.lastingMemory().reinterpret(liveSession(), null) : unscopedMemory();
      memory = all;
    }
    return all;
  }

  private MemorySegment unscopedMemory() {
    return allocator.segments().memoryOf(payer);
  }

  private Arena liveSession() {
    if (session == null) {
      throw closedException();
    }
    return session;
  }

  // ---- lifetime

  /// The scope of all segments that were allocated since the arena was opened or rewound; for an
  /// unscoped arena that of the allocator's memory.
  ///
  /// @return the scope
  @Override
  public MemorySegment.Scope scope() {
    Arena current = session;
    return current != null ? current.scope() : unscopedMemory().scope();
  }

  /// Ends all segments and starts anew, for the next turn of a loop: what was allocated fails from
  /// then on, as after `close`, and one chunk of pages stays for what comes. That is zeroed now up
  /// to where this turn got zeroed memory, 16 KiB at most, as a loop does the same again and again.
  /// In an unscoped arena the segments do not fail, and share memory with what comes.
  ///
  /// @throws IllegalStateException if the arena is closed, or a native call is using a segment: the
  ///   arena is as it was; or if the arena is unscoped and the allocator is closed
  /// @throws CorruptedMemoryException if somebody wrote behind a large allocation, whose pages stay
  ///   allocated; the arena is rewound all the same; only with [CheckLevel#FULL]
  /// @throws WrongThreadException if the arena is another thread's
  public void rewind() {
    if (owner != null) {
      checkThread();
      rewindNow();
    } else {
      synchronized (runs) {
        rewindNow();
      }
    }
  }

  private void rewindNow() {
    checkOpen();
    if (isScoped) {
      changeSession(liveSession());
    }
    long zeroedBefore = zeroedEnd;
    forgetBytes();
    zeroTo = position;
    zeroedEnd = position;
    runs.freeAllBut(chunkAddress == 0 ? NO_PAGE : allocator.segments().pageAt(chunkAddress));
    if (chunkAddress != 0) {
      memory();
      long to = Math.clamp(zeroedBefore, position, position + MOST_ZEROED_BYTES);
      if (to > position) {
        fill(position, to);
      }
    }
  }

  private void changeSession(Arena before) {
    try {
      before.close();
      Arena next = openSession();
      session = next;
      memory = null;
      if (watch != null) {
        watch.follow(next.scope());
      }
    } finally {
      Reference.reachabilityFence(before); // until then the watch must not find it forgotten
    }
  }

  private void forgetBytes() {
    peakBytes = peakByteSize();
    bytesElsewhere = 0;
    position = chunkAddress;
  }

  /// Closes the arena: every segment fails from then on, but for an unscoped arena's, and all pages
  /// go back.
  ///
  /// @throws IllegalStateException if it is closed already, or a native call is using a segment;
  ///   the arena is as it was
  /// @throws WrongThreadException if the arena is another thread's
  /// @throws CorruptedMemoryException if somebody wrote behind a large allocation, whose pages stay
  ///   allocated; the arena is closed all the same; only with [CheckLevel#FULL]
  @Override
  public void close() {
    if (owner != null) {
      checkThread();
      closeNow();
    } else {
      synchronized (runs) {
        closeNow();
      }
    }
  }

  /// Closes a shared arena whose allocator is closed.
  ///
  /// @return false if a native call is using a segment; it is as it was
  @Override
  boolean endWithAllocator() {
    synchronized (runs) {
      if (!isClosed && !OpenRegion.end(liveSession())) {
        return false;
      }
      if (!isClosed) {
        endNow();
      }
      return true;
    }
  }

  private void closeNow() {
    checkOpen();
    if (isScoped) {
      liveSession().close();
    }
    endNow();
  }

  private void endNow() {
    isClosed = true;
    if (watch != null) {
      watch.end();
    }
    memory = null;
    limit = NO_ROOM;
    forgetBytes();
    if (isScoped && owner == null) {
      allocator.remove(this);
    }
    runs.freeAllBut(NO_PAGE);
  }

  @SuppressWarnings("ReferenceEquality") // the same thread, on the fast path
  private void checkThread() {
    if (Thread.currentThread() != owner) {
      throw new WrongThreadException(
          "arena is another thread's: owner=" + owner + ", thread=" + Thread.currentThread());
    }
  }

  private void checkOpen() {
    if (isClosed) {
      throw closedException();
    }
  }

  private IllegalStateException closedException() {
    return new IllegalStateException("arena is closed: name=" + allocator.name());
  }

  // ---- figures

  /// Whether the memory is the allocator's. False if this module has no native access and the arena
  /// is one that needs it: then it is the JDK's.
  ///
  /// @return true if it is
  public boolean isPooled() {
    return isPooled;
  }

  /// What was handed out since the arena was opened or rewound, with the gaps between small
  /// allocations that alignment makes.
  ///
  /// @return bytes; 0 once closed
  public long allocatedByteSize() {
    return bytesElsewhere + position - chunkAddress;
  }

  /// What the arena has taken from the allocator.
  ///
  /// @return bytes, a multiple of the page size; 0 once closed, and if the memory is the JDK's
  public long reservedByteSize() {
    return runs.pages() * allocator.pageSize();
  }

  /// The most that was handed out at a time since the arena was opened.
  ///
  /// @return bytes
  public long peakByteSize() {
    return Math.max(peakBytes, allocatedByteSize());
  }
}
