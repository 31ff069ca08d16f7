package dev.octavo.bench.strategy;

/// A policy that hands out naturally aligned blocks of 2^order pages from one region. Thread-safe.
///
/// Frees are trusted, as in the kernel: freeing what is not allocated corrupts a baseline. Octavo
/// itself checks every free.
public interface PageStrategy {
  /// What [#allocate(int)] returns when no block is large enough.
  long NO_PAGE = -1;

  /// Returns the name under which figures are reported.
  String name();

  /// Returns the size of the region in pages.
  long pageCount();

  /// Returns the largest order that can be allocated.
  int maxOrder();

  /// Takes a block of 2^order pages; returns its first page or [#NO_PAGE].
  ///
  /// @throws IllegalArgumentException if `order` is not in 0..[#maxOrder()]
  long allocate(int order);

  /// Takes a block of 2^order pages whose owner says how it will be used; policies without grouping
  /// ignore what it says.
  ///
  /// @throws IllegalArgumentException if `order` is not in 0..[#maxOrder()]
  default long allocate(int order, Mobility mobility) {
    return allocate(order);
  }

  /// Gives back a block that [#allocate(int)] returned, with the order it was asked for.
  ///
  /// @throws IllegalArgumentException if `order` is not in 0..[#maxOrder()]
  void free(long page, int order);

  /// Returns how many free blocks there are of each order 0..[#maxOrder()], as a new array.
  long[] freeBlocks();

  /// Returns how many free blocks of this order there are.
  default long freeBlocks(int order) {
    return freeBlocks()[order];
  }
}
