package dev.octavo.allocator.model;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// A set of free page numbers, and what can be seen in it: blocks and runs.
final class FreePages {

  private final int pageCount;
  private final Set<Integer> pages = new HashSet<>();

  /// All of `0..pageCount-1`.
  FreePages(int pageCount) {
    this.pageCount = pageCount;
    add(0, pageCount);
  }

  int size() {
    return pages.size();
  }

  boolean contains(int page) {
    return pages.contains(page);
  }

  boolean containsAll(int page, int length) {
    for (int at = page; at < page + length; at++) {
      if (!contains(at)) {
        return false;
      }
    }
    return true;
  }

  void add(int page, int length) {
    for (int at = page; at < page + length; at++) {
      pages.add(at);
    }
  }

  void remove(int page, int length) {
    for (int at = page; at < page + length; at++) {
      pages.remove(at);
    }
  }

  /// The aligned runs of 2^order pages that are not part of larger ones, lowest first.
  ///
  /// @param largestOrder the order above which blocks do not count as larger
  List<FreeBlock> blocks(int largestOrder) {
    List<FreeBlock> blocks = new ArrayList<>();
    int page = 0;
    while (page < pageCount) {
      if (contains(page)) {
        FreeBlock block = blockFrom(page, largestOrder);
        blocks.add(block);
        page += block.pages();
      } else {
        page++;
      }
    }
    return blocks;
  }

  private FreeBlock blockFrom(int page, int largestOrder) {
    FreeBlock block = new FreeBlock(page, 0);
    while (block.order() < largestOrder && isLowerHalf(block)) {
      block = new FreeBlock(page, block.order() + 1);
    }
    return block;
  }

  /// Whether a free block and the pages behind it make a free block of the next order.
  private boolean isLowerHalf(FreeBlock block) {
    int length = block.pages();
    return block.page() % (2L * length) == 0 && containsAll(block.page() + length, length);
  }

  /// The lowest allowed first page of a run that lies in `from..to-1`.
  Optional<Integer> lowestRun(long from, long to, int length, IntPredicate allowed) {
    return IntStream.rangeClosed((int) from, (int) to - length)
        .filter(page -> allowed.test(page) && containsAll(page, length))
        .boxed()
        .findFirst();
  }

  /// The length of the longest run.
  int largestRun() {
    int largest = 0;
    int length = 0;
    for (int page = 0; page < pageCount; page++) {
      length = contains(page) ? length + 1 : 0;
      largest = Math.max(largest, length);
    }
    return largest;
  }
}
