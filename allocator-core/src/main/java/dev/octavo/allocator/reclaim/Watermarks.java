package dev.octavo.allocator.reclaim;

/// Three amounts of free memory, in bytes, at which an allocator changes what it does.
///
/// | free memory | what happens |
/// |---|---|
/// | falls below `lowBytes` | the background reclaimer is woken |
/// | would fall below `minBytes` | only requests that may use the reserve go on; others wait or fail |
/// | reaches `highBytes` | the background reclaimer rests |
///
/// Immutable; pure arithmetic, never sleeps.
///
/// @param minBytes the reserve, at least 0
/// @param lowBytes at least `minBytes`
/// @param highBytes at least `lowBytes`
public record Watermarks(long minBytes, long lowBytes, long highBytes) {

  private static final Watermarks NONE = new Watermarks(0, 0, 0);

  private static final int LINUX_PAGE_SIZE = 4096;
  private static final long KIB = 1024;
  private static final long LEAST_MIN_KIB = 128;
  private static final long MOST_MIN_KIB = 262_144;

  /// Of the capacity at most one 32nd is reserved, which is what Linux's formula gives for 16 MiB.
  private static final int LEAST_CAPACITY_OF_MIN = 32;

  private static final int MIN_OF_STEP = 4;
  private static final int CAPACITY_OF_STEP = 1000;

  /// Marks in ascending order.
  ///
  /// @throws IllegalArgumentException if one is negative, or they are not in ascending order
  public Watermarks {
    if (minBytes < 0 || lowBytes < minBytes || highBytes < lowBytes) {
      throw new IllegalArgumentException(
          "watermarks must ascend from 0: minBytes=%d, lowBytes=%d, highBytes=%d"
              .formatted(minBytes, lowBytes, highBytes));
    }
  }

  /// Marks of your own.
  ///
  /// @param minBytes the reserve, in bytes, at least 0
  /// @param lowBytes in bytes, at least `minBytes`
  /// @param highBytes in bytes, at least `lowBytes`
  /// @return these marks
  /// @throws IllegalArgumentException if one is negative, or they are not in ascending order
  public static Watermarks of(long minBytes, long lowBytes, long highBytes) {
    return new Watermarks(minBytes, lowBytes, highBytes);
  }

  /// No reserve, and no reclaim before memory has run out.
  ///
  /// @return marks of 0 bytes
  public static Watermarks none() {
    return NONE;
  }

  /// Linux's marks for pages of 4 KiB.
  ///
  /// @param capacityBytes of the allocator, positive
  /// @return the default
  /// @throws IllegalArgumentException if `capacityBytes` is not positive
  /// @see #byDefault(long, int)
  public static Watermarks byDefault(long capacityBytes) {
    return byDefault(capacityBytes, LINUX_PAGE_SIZE);
  }

  /// Linux's marks: `min` is the square root of 16 times the KiB of memory, in KiB, within 128 KiB
  /// and 256 MiB; `low` and `high` are each a quarter of `min` or a thousandth of the memory above,
  /// whichever is more. Unlike in Linux `min` is at most one 32nd of the capacity, so that small
  /// allocators stay usable. All are whole pages, rounded down; of an allocator of less than 32
  /// pages all are 0.
  ///
  /// Source: `calculate_min_free_kbytes` and `__setup_per_zone_wmarks` in Linux's
  /// `mm/page_alloc.c`.
  ///
  /// @param capacityBytes of the allocator, positive
  /// @param pageSize in bytes, positive
  /// @return the default
  /// @throws IllegalArgumentException if one of the two is not positive
  public static Watermarks byDefault(long capacityBytes, int pageSize) {
    if (capacityBytes <= 0) {
      throw new IllegalArgumentException(
          "capacity must be positive: capacityBytes=" + capacityBytes);
    }
    checkPageSize(pageSize);
    long minBytes =
        Math.min(linuxMinKib(capacityBytes) * KIB, capacityBytes / LEAST_CAPACITY_OF_MIN);
    long minPages = minBytes / pageSize;
    long step =
        Math.max(minPages / MIN_OF_STEP, capacityBytes / pageSize / CAPACITY_OF_STEP) * pageSize;
    long min = minPages * pageSize;
    return new Watermarks(min, min + step, min + 2 * step);
  }

  private static long linuxMinKib(long capacityBytes) {
    // Beyond the square of the greatest result no root is needed, and below it a double is exact.
    double square = Math.min(capacityBytes / KIB, MOST_MIN_KIB * MOST_MIN_KIB / 16) * 16;
    return Math.clamp((long) Math.sqrt(square), LEAST_MIN_KIB, MOST_MIN_KIB);
  }

  private static void checkPageSize(int pageSize) {
    if (pageSize <= 0) {
      throw new IllegalArgumentException("page size must be positive: pageSize=" + pageSize);
    }
  }

  /// The marks in whole pages, each rounded up.
  ///
  /// @param pageSize in bytes, positive
  /// @return the same in pages
  /// @throws IllegalArgumentException if `pageSize` is not positive
  public Pages inPages(int pageSize) {
    checkPageSize(pageSize);
    return new Pages(
        Math.ceilDiv(minBytes, pageSize),
        Math.ceilDiv(lowBytes, pageSize),
        Math.ceilDiv(highBytes, pageSize));
  }

  /// The marks in pages, and how far each kind of request may go below `min`. Requests that may
  /// wait, and those that neither wait nor use the reserve, stop at `min`; callbacks of the
  /// reclaimer, which are about to free something, stop at 0.
  ///
  /// @param min pages of the reserve
  /// @param low pages below which reclaim starts
  /// @param high pages at which reclaim ends
  public record Pages(long min, long low, long high) {

    /// Where a request stops that must not wait but may use the reserve.
    ///
    /// @return three eighths of `min`, in pages
    public long atomicMark() {
      return min / 8 * 3 + min % 8 * 3 / 8;
    }

    /// Where the requests of a victim stop, that needs memory to get out of the way.
    ///
    /// @return half of `min`, in pages
    public long victimMark() {
      return min / 2;
    }

    /// Whether so many free pages are enough for a request: taking it leaves at least `mark`.
    ///
    /// @param freePages now, at least 0
    /// @param pages of the request, at least 0
    /// @param mark where this kind of request stops, in pages
    /// @return whether the request may have them
    public static boolean isEnough(long freePages, long pages, long mark) {
      return freePages - pages >= mark;
    }
  }
}
