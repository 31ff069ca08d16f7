package dev.octavo.bench;

import dev.octavo.bench.strategy.PageStrategy;
import java.util.SplittableRandom;

/// Brings a wholly free region into a given state of fragmentation, the same for every policy,
/// since all of it is allocated page by page before anything is freed.
final class Fragmenter {
  /// The order at which fragmentation is asked for: chunks of 2 MiB.
  static final int ORDER = 9;

  private static final int CHUNK_PAGES = 1 << ORDER;
  private static final long SEED = 42;

  private final PageStrategy pages;
  private final int chunks;

  /// Takes every page of a region that is a whole number of chunks.
  Fragmenter(PageStrategy pages) {
    this.pages = pages;
    long pageCount = pages.pageCount();
    if (pageCount % CHUNK_PAGES != 0) {
      throw new IllegalArgumentException("region is not whole chunks: pageCount=" + pageCount);
    }
    chunks = (int) (pageCount / CHUNK_PAGES);
    for (long i = 0; i < pageCount; i++) {
      pages.allocate(0);
    }
  }

  /// Frees half of all pages: so many chunks as a whole that this share of the free pages is no use
  /// to a request of [#ORDER], the rest at random in the other chunks.
  ///
  /// @param unusableIndex the share, 0..0.98: beyond that random pages would fill whole chunks
  void freeHalf(double unusableIndex) {
    SplittableRandom random = new SplittableRandom(SEED);
    int freePages = chunks * CHUNK_PAGES / 2;
    int wholeChunks = (int) Math.round(freePages * (1 - unusableIndex) / CHUNK_PAGES);
    int scattered = freePages - wholeChunks * CHUNK_PAGES;
    int scatteredIn = (chunks - wholeChunks) * CHUNK_PAGES;
    for (int chunk = 0; chunk < chunks; chunk++) {
      boolean whole = random.nextInt(chunks - chunk) < wholeChunks;
      if (whole) {
        wholeChunks--;
      }
      for (int i = 0; i < CHUNK_PAGES; i++) {
        boolean free = whole || random.nextInt(scatteredIn) < scattered;
        if (!whole) {
          scatteredIn--;
          scattered -= free ? 1 : 0;
        }
        if (free) {
          pages.free((long) chunk * CHUNK_PAGES + i, 0);
        }
      }
    }
  }

  /// Frees every second page, the even ones: no two free pages are neighbours.
  void freeEven() {
    freeEverySecond(0);
  }

  /// Frees the odd pages.
  void freeOdd() {
    freeEverySecond(1);
  }

  private void freeEverySecond(int first) {
    for (long page = first; page < (long) chunks * CHUNK_PAGES; page += 2) {
      pages.free(page, 0);
    }
  }
}
