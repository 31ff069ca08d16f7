package dev.octavo.allocator.internal.buddy;

import java.util.ArrayList;
import java.util.List;

/// Walks the laws over a region at rest.
///
/// One pass over the pages compares what the tree owns with what the heads say; one pass over the
/// words looks for merges that did not happen and for words that the summaries hide.
final class Audit {

  /// Metadata a page, in hundredths of a byte, and what a region of few pages needs all the same.
  private static final long METADATA_PER_100_PAGES = 125;

  private static final long METADATA_FLOOR = 256;

  private final Geometry geometry;
  private final BuddyTree tree;
  private final Heads heads;
  private final BuddyPages pages;
  private final List<BrokenLaw> broken = new ArrayList<>();

  Audit(BuddyPages pages) {
    this.pages = pages;
    geometry = pages.geometry();
    tree = pages.tree();
    heads = pages.heads();
  }

  List<BrokenLaw> run() {
    checkOwners();
    checkPages();
    for (int l = 0; l < tree.levelCount(); l++) {
      checkMerged(l);
      checkFindable(l);
    }
    checkMetadata();
    checkCount();
    return List.copyOf(broken);
  }

  private void report(String law, String detail) {
    broken.add(new BrokenLaw(law, detail));
  }

  /// L1: no page is owned at two levels.
  private void checkOwners() {
    for (int l = 1; l < tree.levelCount(); l++) {
      Level level = tree.level(l);
      for (int word = 0; word < level.wordCount(); word++) {
        for (long rest = level.word(word); rest != 0; rest &= rest - 1) {
          checkOwnedOnce(l, word << geometry.radixLog2() | Long.numberOfTrailingZeros(rest));
        }
      }
    }
  }

  private void checkOwnedOnce(int l, int unit) {
    for (int below = l - 1; below >= 0; below--) {
      int log2 = (l - below - 1) * geometry.radixLog2();
      int first = unit << log2;
      for (int word = first; word < first + (1 << log2); word++) {
        if (tree.level(below).word(word) != 0) {
          int page = unit << tree.level(l).unitShift();
          report("L1", "page owned twice: page=" + page + ", levels=" + below + "," + l);
          return;
        }
      }
    }
  }

  /// L1, L2: each page is either free or part of exactly one allocation.
  private void checkPages() {
    int page = 0;
    while (page < geometry.pageCount()) {
      int length = heads.pages(page);
      if (length == Heads.HELD) {
        report("L2", "allocation held by no call: page=" + page);
        length = 1;
      }
      if (length == Heads.NOT_A_HEAD) {
        page = checkFree(page);
      } else {
        page = checkAllocated(page, length);
      }
    }
  }

  private int checkFree(int page) {
    int free = tree.runs().freeEnd(page, geometry.pageCount());
    if (free == page) {
      int next = page + 1;
      while (next < geometry.pageCount() && isLost(next)) {
        next++;
      }
      report("L2", "pages neither free nor allocated: page=" + page + ", pages=" + (next - page));
      return next;
    }
    for (int head = heads.next(page); head < free; head = heads.next(head + 1)) {
      report("L1", "head on a free page: page=" + head);
    }
    return free;
  }

  private boolean isLost(int page) {
    return heads.pages(page) == Heads.NOT_A_HEAD && tree.runs().levelOf(page) < 0;
  }

  private int checkAllocated(int page, int length) {
    if (length > geometry.pageCount() - page) {
      report("L8", "allocation ends outside: page=" + page + ", pages=" + length);
      return page + 1;
    }
    for (int inner = page; inner < page + length; inner++) {
      if (tree.runs().levelOf(inner) >= 0) {
        report("L1", "allocated page is free: page=" + inner + ", head=" + page);
      } else if (inner > page && heads.pages(inner) != Heads.NOT_A_HEAD) {
        report("L1", "head inside an allocation: page=" + inner + ", head=" + page);
      }
    }
    return page + length;
  }

  /// L3: no word of ones below the top, which would be a missing merge.
  private void checkMerged(int l) {
    if (l == geometry.topLevel()) {
      return;
    }
    Level level = tree.level(l);
    for (int word = 0; word < level.wordCount(); word++) {
      if (level.word(word) == WordRuns.lowBits(geometry.unitsInWord())) {
        report("L3", "free buddies not merged: level=" + l + ", word=" + word);
      }
    }
  }

  /// L5: nothing free is hidden from a search.
  private void checkFindable(int l) {
    tree.level(l)
        .firstHidden()
        .ifPresent(
            where -> report("L5", "free block hidden from searches: level=" + l + ", " + where));
  }

  /// L2: what was counted is what is there; of no interest if something is wrong already.
  private void checkCount() {
    long free = FreeAreas.of(tree).pages();
    if (broken.isEmpty() && pages.freePages() != free) {
      report("L2", "free pages miscounted: counted=" + pages.freePages() + ", free=" + free);
    }
  }

  /// L12: metadata stay small; words of 4 bits, as in tests, waste what they like.
  private void checkMetadata() {
    if (geometry.radixLog2() != Geometry.RADIX_LOG2) {
      return;
    }
    long bytes = pages.metadataBytes();
    long limit = METADATA_FLOOR + geometry.pageCount() * METADATA_PER_100_PAGES / 100;
    if (bytes > limit) {
      report("L12", "too much metadata: bytes=" + bytes + ", limit=" + limit);
    }
  }
}
