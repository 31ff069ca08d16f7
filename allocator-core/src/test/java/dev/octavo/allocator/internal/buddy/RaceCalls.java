package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;

/// The calls of one run on a tree.
///
/// Failing is made exact as `PagePool` does it, so that its proof is tried, too.
final class RaceCalls implements RaceSubject {

  /// Of words with 64 units; those of the small trees here are mostly empty.
  private static final String METADATA_ARE_SMALL = "L12";

  private final RaceScheduler scheduler;
  private final BuddyPages pages;
  private final RaceHistory history;
  private boolean closed;

  RaceCalls(RaceScheduler scheduler, Geometry geometry, int slotCount) {
    this.scheduler = scheduler;
    history = new RaceHistory(geometry.pageCount());
    pages = scheduler.pages(geometry, slotCount);
  }

  BuddyPages pages() {
    return pages;
  }

  // ---- calls

  int take(int slot, int length) {
    return take(slot, length, 0);
  }

  int take(int slot, int length, int alignOrder) {
    int begun = history.begin();
    int page = pages.allocate(pages.slot(slot), length, alignOrder);
    if (page == BuddyPages.NONE) {
      page = takeOrProve(pages.slot(slot), length, alignOrder);
    }
    history.took(begun, page, length, alignOrder);
    return page;
  }

  /// As [#take], of which the first attempt has failed already.
  int takeAgain(int slot, int length) {
    int begun = history.begin();
    int page = takeOrProve(pages.slot(slot), length, 0);
    history.took(begun, page, length, 0);
    return page;
  }

  private int takeOrProve(Slot slot, int length, int alignOrder) {
    pages.enterSearch();
    try {
      while (true) {
        scheduler.step();
        long stamp = pages.stamp();
        int page = pages.allocate(slot, length, alignOrder);
        if (page != BuddyPages.NONE || isQuietSince(stamp)) {
          return page;
        }
        scheduler.pause();
      }
    } finally {
      pages.exitSearch();
    }
  }

  private boolean isQuietSince(long stamp) {
    scheduler.step();
    return stamp >= 0 && pages.stamp() == stamp;
  }

  boolean free(int slot, int page, int length) {
    return history.free(page, length, () -> pages.free(pages.slot(slot), page, length));
  }

  boolean trim(int slot, int page, int length, int newLength) {
    return history.resize(
        "trim",
        page,
        length,
        newLength,
        () -> pages.trim(pages.slot(slot), page, length, newLength));
  }

  boolean grow(int slot, int page, int length, int newLength) {
    return history.resize(
        "grow",
        page,
        length,
        newLength,
        () -> pages.hold(page, length) && growHeld(pages.slot(slot), page, length, newLength));
  }

  private boolean growHeld(Slot slot, int page, int length, int newLength) {
    pages.enterSearch();
    try {
      while (true) {
        scheduler.step();
        long stamp = pages.stamp();
        if (pages.growHeld(slot, page, length, newLength)) {
          return true;
        }
        if (isQuietSince(stamp)) {
          pages.release(page, length);
          return false;
        }
        scheduler.pause();
      }
    } finally {
      pages.exitSearch();
    }
  }

  /// One attempt to take the whole region; a failure proves nothing, as `PagePool.endAll` knows.
  boolean takeAll(int slot) {
    int begun = history.begin();
    boolean done = pages.takeAll(pages.slot(slot));
    if (done) {
      closed = true;
      history.tookWhole(begun);
    }
    return done;
  }

  // ---- judgement

  @Override
  public Optional<String> unexplained() {
    return history.unexplained();
  }

  @Override
  public void checkAtRest(Object description) {
    if (closed) {
      return;
    }
    int pageCount = pages.geometry().pageCount();
    assertThat(pages.audit())
        .as("%s", description)
        .noneMatch(broken -> !broken.law().equals(METADATA_ARE_SMALL));
    for (int page = pages.nextHead(0); page < pageCount; page = pages.nextHead(page + 1)) {
      assertThat(pages.free(pages.slot(0), page, pages.pagesAt(page))).isTrue();
    }
    assertThat(pages.freeAreas().blocks())
        .as("%s", description)
        .isEqualTo(new BuddyPages(pages.geometry(), 1).freeAreas().blocks());
  }
}
