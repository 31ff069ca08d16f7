package dev.octavo.allocator.internal.buddy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/// The calls of one run and their results, and whether they could have come from one thread.
///
/// Failing is made exact as `PagePool` does it, so that its proof is tried, too.
final class RaceCalls {

  private final RaceScheduler scheduler;
  private final BuddyPages pages;
  private final List<Call> history = new ArrayList<>();

  /// By page: how many calls resize the allocation there now, and how many ever began to.
  private final int[] resizing;

  private final int[] resizes;

  private int time;
  private boolean closed;

  /// @param begun when; no two calls begin or end at the same time
  /// @param ended when it returned
  /// @param effect what it does to the model, empty if it cannot have had its result
  private record Call(
      String text, int begun, int ended, Function<RaceModel, Optional<RaceModel>> effect) {

    @Override
    public String toString() {
      return text + " @" + begun + ".." + ended;
    }
  }

  RaceCalls(RaceScheduler scheduler, Geometry geometry, int slotCount) {
    this.scheduler = scheduler;
    resizing = new int[geometry.pageCount()];
    resizes = new int[geometry.pageCount()];
    pages =
        new BuddyPages(
            geometry, slotCount, scheduler::words, scheduler.heads(geometry.pageCount()));
  }

  BuddyPages pages() {
    return pages;
  }

  /// Whether [#takeAll] was done.
  boolean isClosed() {
    return closed;
  }

  private void record(String text, int begun, Function<RaceModel, Optional<RaceModel>> effect) {
    time++;
    history.add(new Call(text, begun, time, effect));
  }

  private int begin() {
    time++;
    return time;
  }

  // ---- calls

  int take(int slot, int length) {
    return take(slot, length, 0);
  }

  int take(int slot, int length, int alignOrder) {
    int begun = begin();
    int page = pages.allocate(pages.slot(slot), length, alignOrder);
    if (page == BuddyPages.NONE) {
      page = takeOrProve(pages.slot(slot), length, alignOrder);
    }
    return recordTake(begun, page, length, alignOrder);
  }

  /// As [#take], of which the first attempt has failed already.
  int takeAgain(int slot, int length) {
    int begun = begin();
    return recordTake(begun, takeOrProve(pages.slot(slot), length, 0), length, 0);
  }

  private int recordTake(int begun, int page, int length, int alignOrder) {
    record(
        "take " + length + " align " + alignOrder + " -> " + page,
        begun,
        page == BuddyPages.NONE
            ? model -> model.nothingFound(length, alignOrder)
            : model -> model.taken(page, length));
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
    return change("free", page, length, 0, () -> pages.free(pages.slot(slot), page, length));
  }

  boolean trim(int slot, int page, int length, int newLength) {
    return resize(
        "trim",
        page,
        length,
        newLength,
        () -> pages.trim(pages.slot(slot), page, length, newLength));
  }

  boolean grow(int slot, int page, int length, int newLength) {
    return resize(
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

  private boolean resize(String name, int page, int length, int newLength, BooleanSupplier call) {
    resizing[page]++;
    resizes[page]++;
    boolean done = change(name, page, length, newLength, call);
    resizing[page]--;
    return done;
  }

  /// A call on an allocation; it may be refused while another call resizes that.
  private boolean change(String name, int page, int length, int newLength, BooleanSupplier call) {
    int begun = begin();
    int own = newLength == 0 ? 0 : 1;
    int before = resizes[page];
    boolean busy = resizing[page] > own;
    boolean done = call.getAsBoolean();
    boolean refusable = busy || resizes[page] != before;
    record(
        name + " " + page + "+" + length + " to " + newLength + " -> " + done,
        begun,
        done || !refusable ? model -> model.resized(page, length, newLength, done) : Optional::of);
    return done;
  }

  /// One attempt to take the whole region; a failure proves nothing, as `PagePool.close` knows.
  boolean takeAll(int slot) {
    int begun = begin();
    boolean done = pages.takeAll(pages.slot(slot), () -> closed = true);
    if (done) {
      record("take all", begun, RaceModel::takenWhole);
    }
    return done;
  }

  // ---- judgement

  /// Empty if there is an order of the calls that keeps to their times and explains every result,
  /// else the calls as text.
  Optional<String> unexplained() {
    RaceModel start = RaceModel.allFree(pages.geometry().pageCount());
    return isExplained(start, history)
        ? Optional.empty()
        : Optional.of("no order explains these calls: " + history);
  }

  /// Tries each call that may come next; at most as deep as there are calls.
  private static boolean isExplained(RaceModel state, List<Call> rest) {
    int firstEnd = rest.stream().mapToInt(Call::ended).min().orElse(0);
    for (Call call : rest) {
      Optional<RaceModel> then =
          call.begun < firstEnd ? call.effect.apply(state) : Optional.empty();
      if (then.isPresent()) {
        List<Call> others = new ArrayList<>(rest);
        others.remove(call);
        if (isExplained(then.get(), others)) {
          return true;
        }
      }
    }
    return rest.isEmpty();
  }
}
