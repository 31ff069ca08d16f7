package dev.octavo.allocator.internal.checks;

import org.jspecify.annotations.Nullable;

/// A byte that somebody wrote who had no right to.
///
/// @param page the first page of the allocation, or of the pages that one call freed
/// @param pages how many pages that is
/// @param byteSize how many bytes of them could be written, 0 if they are free
/// @param byteOffset where the first such byte is, from the start of that page
/// @param value what it holds
/// @param allocatedAt where the pages were allocated last
/// @param freedAt where they were freed, or null if they are live
public record Corruption(
    int page,
    int pages,
    long byteSize,
    long byteOffset,
    byte value,
    Site allocatedAt,
    @Nullable Site freedAt) {}
