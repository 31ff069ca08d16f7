package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.Geometry;

/// How many free pages threads may keep to themselves.
///
/// @param pagesPerThread what one may hold, 0 or more
/// @param pagesInAll what all together may hold, 0 or more
/// @param low with fewer free pages than this in the tree, no thread holds any; 0 or more
public record CacheLimits(int pagesPerThread, long pagesInAll, long low) {

  private static final int PART_FOR_ONE = 32;
  private static final int PART_FOR_ALL = 4;

  public CacheLimits(int pagesPerThread, long pagesInAll) {
    this(pagesPerThread, pagesInAll, 0);
  }

  public CacheLimits withLow(long pages) {
    return new CacheLimits(pagesPerThread, pagesInAll, pages);
  }

  /// What one more thread may hold, if others hold so many pages.
  int left(long pagesOfOthers) {
    return Math.clamp(pagesInAll - pagesOfOthers, 0, pagesPerThread);
  }

  /// A part of the region each.
  public static CacheLimits byDefault(Geometry geometry) {
    int pageCount = geometry.pageCount();
    return new CacheLimits(pageCount / PART_FOR_ONE, pageCount / PART_FOR_ALL);
  }
}
