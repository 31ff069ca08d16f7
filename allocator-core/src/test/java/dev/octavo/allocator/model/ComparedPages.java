package dev.octavo.allocator.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.FreeAreas;
import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/// The allocator and the model side by side: every call goes to both, and the first difference
/// fails with the calls that led to it.
///
/// Not thread-safe.
public final class ComparedPages {

  private final BuddyPages pages;
  private final ReferencePages model;
  private final int slotCount;
  private final PathsReached paths = new PathsReached();
  private final List<String> calls = new ArrayList<>();
  private boolean takenAll;

  /// A region with all pages free, twice.
  ///
  /// @param geometry its shape
  /// @param slotCount how many slots work in it, 1 or more
  public ComparedPages(Geometry geometry, int slotCount) {
    this.slotCount = slotCount;
    pages = new BuddyPages(geometry, slotCount);
    model = new ReferencePages(geometry, slotCount);
  }

  /// The model; equal to the allocator as long as nothing has failed.
  public ReferencePages model() {
    return model;
  }

  /// How many slots there are.
  public int slotCount() {
    return slotCount;
  }

  /// The paths that the calls so far have reached.
  public PathsReached paths() {
    return paths;
  }

  // ---- calls

  /// Allocates a run.
  public void allocate(int slot, int length, int alignOrder) {
    int freePages = model.freePageCount();
    Optional<Placement> expected = model.allocate(slot, length, alignOrder);
    int actual = pages.allocate(pages.slot(slot), length, alignOrder);
    paths.allocated(expected, length, freePages);
    same(call("allocate", slot, length, alignOrder), actual, pageOf(expected));
  }

  /// Allocates the lowest run in phase.
  public void allocateInPhase(int slot, int length, int alignOrder, long phase) {
    int freePages = model.freePageCount();
    Optional<Placement> expected = model.allocateInPhase(length, alignOrder, phase);
    int actual = pages.allocateInPhase(pages.slot(slot), length, alignOrder, phase);
    paths.allocated(expected, length, freePages);
    same(call("allocateInPhase", slot, length, alignOrder, phase), actual, pageOf(expected));
  }

  private static int pageOf(Optional<Placement> place) {
    return place.map(Placement::page).orElse(BuddyPages.NONE);
  }

  /// Allocates several blocks of one order.
  public void allocateMany(int slot, int order, int count) {
    List<Integer> expected = model.allocateMany(slot, order, count);
    long[] found = new long[count];
    int foundCount = pages.allocateMany(pages.slot(slot), order, found);
    List<Integer> actual = new ArrayList<>();
    for (int i = 0; i < foundCount; i++) {
      actual.add((int) found[i]);
    }
    paths.allocatedMany(expected.size(), count);
    same(call("allocateMany", slot, order, count), actual, expected);
  }

  /// Frees, or tries to.
  public void free(int slot, int page, int length) {
    boolean expected = model.free(page, length);
    boolean actual = pages.free(pages.slot(slot), page, length);
    same(call("free", slot, page, length), actual, expected);
  }

  /// Trims, or tries to.
  public void trim(int slot, int page, int length, int newLength) {
    boolean expected = model.trim(page, length, newLength);
    boolean actual = pages.trim(pages.slot(slot), page, length, newLength);
    same(call("trim", slot, page, length, newLength), actual, expected);
  }

  /// Holds, or tries to.
  public void hold(int page, int length) {
    boolean expected = model.hold(page, length);
    boolean actual = pages.hold(page, length);
    same(call("hold", page, length), actual, expected);
  }

  /// Ends the hold of a held allocation.
  public void release(int page, int length) {
    model.release(page);
    pages.release(page, length);
    calls.add(call("release", page, length));
  }

  /// Grows a held allocation.
  ///
  /// @return false, and it is still held, if there is no room
  public boolean growHeld(int slot, int page, int length, int newLength) {
    boolean expected = model.growHeld(page, length, newLength);
    boolean actual = pages.growHeld(pages.slot(slot), page, length, newLength);
    paths.grown(expected, page + newLength > model.geometry().pageCount());
    same(call("growHeld", slot, page, length, newLength), actual, expected);
    return expected;
  }

  /// Frees a held allocation.
  public void freeHeld(int slot, int page, int length) {
    model.freeHeld(page, length);
    pages.freeHeld(pages.slot(slot), page, length);
    calls.add(call("freeHeld", slot, page, length));
  }

  /// Takes all pages, or tries to; if that succeeds, nothing can be compared any more but the
  /// failure of allocations.
  public void takeAll(int slot) {
    boolean expected = model.takeAll();
    boolean actual = pages.takeAll(pages.slot(slot));
    paths.takenAll(expected);
    same(call("takeAll", slot), actual, expected);
    takenAll = expected;
  }

  /// Tries to free, trim and hold what is no allocation: each must be refused.
  public void refuse(int slot, int page, int length) {
    boolean done =
        pages.free(pages.slot(slot), page, length)
            || pages.trim(pages.slot(slot), page, length, 1)
            || pages.hold(page, length);
    same(call("free, trim or hold", slot, page, length), done, false);
  }

  // ---- comparison

  private static String call(String name, Object... arguments) {
    StringBuilder call = new StringBuilder(name);
    for (Object argument : arguments) {
      call.append(' ').append(argument);
    }
    return call.toString();
  }

  private void same(String call, Object actual, Object expected) {
    calls.add(call + " = " + expected);
    if (!actual.equals(expected)) {
      assertThat(actual).as(this::transcript).isEqualTo(expected);
    }
  }

  private String transcript() {
    return model.geometry()
        + ", calls with what the model expects:\n  "
        + String.join("\n  ", calls)
        + "\n";
  }

  /// Fails unless the allocator's state is the model's: free areas, every page, every allocation;
  /// and unless the laws hold.
  public void assertSame() {
    if (takenAll) {
      return;
    }
    FreeAreas areas = pages.freeAreas();
    assertThat(areas.blocks()).as(this::transcript).isEqualTo(model.freeBlockCounts());
    assertThat(areas.pages()).as(this::transcript).isEqualTo(model.freePageCount());
    assertThat(areas.largestRun()).as(this::transcript).isEqualTo(model.largestFreeRun());
    assertSameAllocations();
    assertThat(pages.audit()).as(this::transcript).isEmpty();
  }

  private void assertSameAllocations() {
    NavigableMap<Integer, Integer> actual = new TreeMap<>();
    int pageCount = model.geometry().pageCount();
    for (int page = pages.nextHead(0); page < pageCount; page = pages.nextHead(page + 1)) {
      actual.put(page, pages.pagesAt(page));
    }
    assertThat(actual).as(this::transcript).isEqualTo(model.allocations());
    actual.forEach(
        (page, length) -> assertSameStates(page, Math.min(page + length, pageCount - 1)));
  }

  /// Looks at a head, the page behind it, and the page behind the allocation.
  private void assertSameStates(int head, int end) {
    for (int page : new int[] {head, Math.min(head + 1, end), end}) {
      if (pages.stateOf(page) != model.stateOf(page)) {
        assertThat(pages.stateOf(page)).as(this::transcript).isEqualTo(model.stateOf(page));
      }
    }
  }

  /// Frees all that is allocated and fails unless the free blocks are those of a new region (L3).
  public void assertMergesWhollyOnceFreed() {
    model.allocations().forEach((page, length) -> free(0, page, length));
    ReferencePages fresh = new ReferencePages(model.geometry(), slotCount);
    FreeAreas areas = pages.freeAreas();
    assertThat(areas.blocks()).as(this::transcript).isEqualTo(fresh.freeBlockCounts());
    assertThat(areas.largestRun()).as(this::transcript).isEqualTo(model.geometry().pageCount());
    assertSame();
  }
}
