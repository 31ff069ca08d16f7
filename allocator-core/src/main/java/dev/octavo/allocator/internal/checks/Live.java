package dev.octavo.allocator.internal.checks;

/// A live allocation.
///
/// @param page its first page
/// @param pages its length in pages
/// @param byteSize the bytes that its user may touch; what is left of its last page is its red zone
/// @param guarded whether the red zone was filled
/// @param site where it was allocated
public record Live(int page, int pages, long byteSize, boolean guarded, Site site) {

  /// The same allocation of another length, all of which may be touched.
  Live resized(int newPages, int pageShift) {
    return new Live(page, newPages, (long) newPages << pageShift, false, site);
  }
}
