package dev.octavo.allocator.model;

/// A free block: 2^order free pages, the first a multiple of 2^order, not part of a larger one.
///
/// @param page the first page
/// @param order log2 of its pages
public record FreeBlock(int page, int order) {

  /// How many pages it has.
  int pages() {
    return 1 << order;
  }
}
