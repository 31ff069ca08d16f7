package dev.octavo.bench.peer;

/// Bytes in pages of 4 KiB.
public final class Sizes {
  /// The size of a page in bytes.
  public static final int PAGE_BYTES = 4096;

  private static final int PAGE_SHIFT = Integer.numberOfTrailingZeros(PAGE_BYTES);

  private Sizes() {}

  /// Returns how many pages hold this many bytes, 1 or more.
  public static int pages(long byteSize) {
    return (int) ((byteSize + PAGE_BYTES - 1) >>> PAGE_SHIFT);
  }

  /// Returns the order of the smallest block of 2^order pages that holds this many bytes, 1 or
  /// more.
  public static int order(long byteSize) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(pages(byteSize) - 1);
  }
}
