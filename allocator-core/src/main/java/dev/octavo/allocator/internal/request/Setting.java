package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.reclaim.Watermarks;
import org.jspecify.annotations.Nullable;

/// What all parts of the way of a request share and none of them changes.
///
/// @param name of the allocator
/// @param pageSize in bytes
/// @param marks in pages
/// @param payers null without accounts
/// @param books of the accounts
record Setting(
    String name,
    int pageSize,
    WaitClock clock,
    Watermarks.Pages marks,
    PagePool pool,
    @Nullable Payers payers,
    Holdings holdings,
    Books<MemoryAccount> books) {

  /// Bytes of so many pages, at most the largest long.
  long byteSize(long pages) {
    return Saturated.product(pages, pageSize);
  }
}
