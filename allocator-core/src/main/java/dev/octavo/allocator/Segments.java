package dev.octavo.allocator;

import dev.octavo.allocator.InvalidFreeException.Reason;
import dev.octavo.allocator.internal.request.Holdings;
import dev.octavo.allocator.internal.request.Payer;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The map between pages, addresses and segments of one allocator: which pages a segment covers,
/// and which account pays for it.
final class Segments {

  private final String name;
  private final int pageShift;

  /// What segments are slices of, or null if there is no memory.
  private final @Nullable MemorySegment region;

  private final MemorySegment.@Nullable Scope regionScope;
  private final boolean readOnly;
  private final long base;
  private final long capacity;
  private final Failures failures;
  private final Holdings holdings;
  private final boolean hasPayers;

  /// @param region what segments are slices of, or null if there is no memory
  /// @param capacity in bytes
  Segments(
      String name,
      int pageShift,
      @Nullable MemorySegment region,
      long capacity,
      Failures failures,
      Holdings holdings) {
    this.name = name;
    this.pageShift = pageShift;
    this.region = region;
    this.capacity = capacity;
    this.failures = failures;
    this.holdings = holdings;
    regionScope = region == null ? null : region.scope();
    readOnly = region != null && region.isReadOnly();
    base = region == null ? 0 : region.address();
    hasPayers = holdings.hasPayers();
  }

  // ---- sizes

  /// Pages that so many bytes take.
  long pagesFor(long byteSize) {
    return byteSize == 0 ? 0 : ((byteSize - 1) >>> pageShift) + 1;
  }

  int pageSize() {
    return 1 << pageShift;
  }

  /// log2 of an alignment in pages, 0 if it is no more than a page.
  int alignOrder(long byteAlignment) {
    return Math.max(0, Long.numberOfTrailingZeros(byteAlignment) - pageShift);
  }

  /// Distance of the region's base from such an alignment, in pages.
  long phase(int alignOrder) {
    return (base >>> pageShift) & ((1L << alignOrder) - 1);
  }

  // ---- pages to segments

  /// @throws UnsupportedOperationException if the region has no memory
  MemorySegment memory() {
    if (region == null) {
      throw new UnsupportedOperationException(
          "region has no memory, use page runs: name=" + name + ", region=reserve-only");
    }
    return region;
  }

  /// What segments of a payer are slices of.
  MemorySegment memoryOf(@Nullable Payer payer) {
    return payer == null ? memory() : payer.memory(memory());
  }

  MemorySegment slice(MemorySegment memory, long page, long byteSize) {
    return memory.asSlice(page << pageShift, byteSize);
  }

  long base() {
    return base;
  }

  long addressOf(long page) {
    return base + (page << pageShift);
  }

  /// The page of an address inside of the region.
  long pageAt(long address) {
    return (address - base) >>> pageShift;
  }

  // ---- segments to pages

  /// Whether a segment is what an allocation of no bytes returned.
  boolean isEmptyAllocation(MemorySegment segment) {
    return segment.byteSize() == 0 && !isWithin(segment.address());
  }

  private boolean isWithin(long address) {
    return address >= base && address - base < capacity;
  }

  /// The page at whose start a segment begins.
  ///
  /// @throws InvalidFreeException if it is no segment of this allocator
  int headOf(MemorySegment segment) {
    long address = segment.address();
    if (!isWithin(address)) {
      throw failures.invalidSegment(Reason.FOREIGN_SEGMENT, segment);
    }
    if (!hasRegionScope(segment)) {
      payerOf(segment, (int) pageAt(address));
    }
    if (segment.isReadOnly() != readOnly) {
      throw failures.invalidSegment(Reason.READ_ONLY, segment);
    }
    if ((address & (pageSize() - 1)) != 0) {
      throw failures.invalidSegment(Reason.INTERIOR_POINTER, segment);
    }
    return (int) pageAt(address);
  }

  /// The payer of the allocation at a page, or null.
  ///
  /// @throws InvalidFreeException if the segment's scope is not that of the region or the payer
  @Nullable Payer payerOf(MemorySegment segment, int page) {
    if (!hasPayers) {
      if (!hasRegionScope(segment)) {
        throw failures.invalidSegment(Reason.FOREIGN_SEGMENT, segment);
      }
      return null;
    }
    Payer payer = holdings.payerOf(page);
    if (hasRegionScope(segment)) {
      return payer;
    }
    if (payer == null || !payer.hasScope(segment.scope())) {
      boolean isGone = !segment.scope().isAlive();
      throw failures.invalidSegment(isGone ? Reason.REAPED : Reason.FOREIGN_SEGMENT, segment);
    }
    return payer;
  }

  private boolean hasRegionScope(MemorySegment segment) {
    MemorySegment.Scope scope = segment.scope();
    return scope.equals(regionScope);
  }
}
