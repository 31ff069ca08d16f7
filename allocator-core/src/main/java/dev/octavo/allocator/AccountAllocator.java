package dev.octavo.allocator;

import dev.octavo.allocator.context.check.MightSleep;
import dev.octavo.allocator.internal.request.Payer;
import dev.octavo.allocator.internal.request.Requests;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A [PageAllocator] in the name of a [MemoryAccount]: what it allocates is charged to the account,
/// and uncharged when it is freed, here or at the allocator.
///
/// A request for which the account, or one above it, has no room under its max fails with
/// [OutOfPagesException.Reason#ACCOUNT_LIMIT]; one of mode BLOCKING waits for room first, and may
/// have an account below that max chosen by the OOM policy. An account above its high mark waits a
/// millisecond before each request of mode BLOCKING, and has its
/// [shrinkers][PageAllocator#addShrinker(String, dev.octavo.allocator.reclaim.Shrinker,
/// MemoryAccount)] asked.
///
/// *Reapable accounts.* Their segments have a scope of their own. When such an account is chosen
/// and does not give its memory back in time, the scope ends: every access fails with
/// [IllegalStateException], the pages are zeroed and free, and all further requests fail. Arenas of
/// such an account can only be unscoped ones; what they gave ends with the account.
///
/// Thread-safe, as the allocator is. A pair costs about twice what it costs there, if the thread
/// has room in stock (docs/benchmarks.md); see [MemoryAccount].
@SuppressWarnings("exports") // of @Nullable, which users need not have
public final class AccountAllocator implements SegmentAllocator, AutoCloseable {

  private final Allocations allocations;
  private final ArenaSource arenas;
  private final Payer payer;

  AccountAllocator(Allocations allocations, ArenaSource arenas, Payer payer) {
    this.allocations = allocations;
    this.arenas = arenas;
    this.payer = payer;
  }

  /// Who pays.
  ///
  /// @return the account
  public MemoryAccount account() {
    return payer.account();
  }

  /// Whether the memory of this allocator was taken away.
  ///
  /// @return true if it was; then all requests fail
  public boolean isReaped() {
    return payer.state() == Payer.State.REAPED;
  }

  /// As [PageAllocator#allocate(long, long)].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws OutOfPagesException if there were not enough pages, or no room in the account, up to
  ///   the deadline
  /// @throws IllegalStateException if the allocator is closed, or the account's memory was taken
  ///   away
  /// @throws UnsupportedOperationException if the region has no memory
  @Override
  @MightSleep
  public MemorySegment allocate(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, AllocationMode.BLOCKING);
  }

  /// As [PageAllocator#allocate(long, AllocationMode)].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param mode what the request may do
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws IllegalArgumentException if `byteSize < 0`
  /// @throws OutOfPagesException if there were not enough pages, or no room in the account
  /// @throws IllegalStateException if the allocator is closed, or the account's memory was taken
  ///   away
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocate(long byteSize, AllocationMode mode) {
    return allocate(byteSize, 1, mode);
  }

  /// As [PageAllocator#allocate(long, long, AllocationMode)].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @param mode what the request may do
  /// @return a segment of exactly `byteSize` bytes, not zeroed
  /// @throws IllegalArgumentException if `byteSize < 0` or `byteAlignment` is not a power of two
  /// @throws OutOfPagesException if there were not enough pages, or no room in the account
  /// @throws IllegalStateException if the allocator is closed, or the account's memory was taken
  ///   away
  /// @throws UnsupportedOperationException if the region has no memory
  @MightSleep
  public MemorySegment allocate(long byteSize, long byteAlignment, AllocationMode mode) {
    if (mode == AllocationMode.BLOCKING && allocations.mustNotSleep()) {
      allocations.reportSleep(byteSize, byteAlignment);
    }
    return allocations.allocate(payer, byteSize, byteAlignment, mode, allocations.waitNanos());
  }

  /// As [PageAllocator#tryAllocate(long, long, AllocationMode)].
  ///
  /// @param byteSize the size in bytes, 0 or more
  /// @param byteAlignment the alignment in bytes, a power of two
  /// @param mode NOWAIT or ATOMIC
  /// @return a segment of exactly `byteSize` bytes, or null if there are not enough pages, or no
  ///   room in the account
  /// @throws IllegalArgumentException if `mode` is BLOCKING, `byteSize < 0` or `byteAlignment` is
  ///   not a power of two
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public @Nullable MemorySegment tryAllocate(
      long byteSize, long byteAlignment, AllocationMode mode) {
    return allocations.tryAllocate(payer, byteSize, byteAlignment, mode);
  }

  /// Frees a segment, as [PageAllocator#free] does.
  ///
  /// @param segment the segment, of the size that was asked for
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  public void free(MemorySegment segment) {
    allocations.free(segment);
  }

  /// Makes an allocation another account's, which pays for it from then on.
  ///
  /// @param segment a segment that this allocator returned; it must not be used afterwards
  /// @param other whose it becomes
  /// @return the segment to use and to free from now on, at the same address
  /// @throws InvalidFreeException if it is not a live allocation; see its reasons
  /// @throws IllegalArgumentException if it is not charged to this account, or `other` is of
  ///   another allocator
  /// @throws dev.octavo.allocator.oom.MemoryAccountException if a max above the other account
  ///   leaves no room; nothing has changed then
  /// @throws IllegalStateException if the other account's memory was taken away
  public MemorySegment handOver(MemorySegment segment, AccountAllocator other) {
    if (other.allocations != allocations) {
      throw new IllegalArgumentException(
          "account of another allocator: name="
              + allocations.name()
              + ", other="
              + other.allocations.name());
    }
    return allocations.handOver(segment, payer, other.payer);
  }

  /// As [PageAllocator#openArena()]. Without native access it takes the JDK's memory, which is not
  /// charged.
  ///
  /// @return a new arena, charged to the account
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory, or the account is reapable
  public PageArena openArena() {
    return openArena(AllocationMode.BLOCKING);
  }

  /// As [PageAllocator#openArena(AllocationMode)].
  ///
  /// @param mode of all requests of the arena
  /// @return a new arena, charged to the account
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory, or the account is reapable
  public PageArena openArena(AllocationMode mode) {
    checkScoped();
    return PageArena.open(arenas, payer, mode, PageArena.Lifetime.CONFINED);
  }

  /// As [PageAllocator#openSharedArena()].
  ///
  /// @return a new arena, charged to the account
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory, or the account is reapable
  public PageArena openSharedArena() {
    checkScoped();
    return PageArena.open(arenas, payer, AllocationMode.BLOCKING, PageArena.Lifetime.SHARED);
  }

  /// As [PageAllocator#openUnscopedArena(AllocationMode)]. What it gives has the scope of the
  /// account, if that is reapable.
  ///
  /// @param mode of all requests of the arena
  /// @return a new arena, charged to the account
  /// @throws IllegalStateException if the allocator is closed
  /// @throws UnsupportedOperationException if the region has no memory
  public PageArena openUnscopedArena(AllocationMode mode) {
    return PageArena.open(arenas, payer, mode, PageArena.Lifetime.UNSCOPED);
  }

  private void checkScoped() {
    if (payer.isReapable()) {
      throw new UnsupportedOperationException(
          "segments of a reapable account end with it, open an unscoped arena: account="
              + payer.account().path());
    }
  }

  /// Ends this allocator, and all arenas that it opened; the account stays open. Closing it again
  /// does nothing. Costs a handshake with all threads and a pass over the metadata.
  ///
  /// @throws IllegalStateException if something it allocated is live, or a native call is using one
  ///   of its segments; it is open as before
  @Override
  public void close() {
    Requests requests = allocations.requests();
    Objects.requireNonNull(requests.payers(), "accounts").close(payer);
    requests.dismissGone();
  }
}
