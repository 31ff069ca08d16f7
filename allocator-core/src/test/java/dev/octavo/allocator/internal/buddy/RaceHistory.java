package dev.octavo.allocator.internal.buddy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/// The calls of one run and their results, and whether they could have come from one thread.
public final class RaceHistory {

  private final int pageCount;
  private final List<Call> history = new ArrayList<>();

  /// By page: how many calls resize the allocation there now, and how many ever began to.
  private final int[] resizing;

  private final int[] resizes;

  private int time;

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

  /// Of a region whose pages are all free.
  public RaceHistory(int pageCount) {
    this.pageCount = pageCount;
    resizing = new int[pageCount];
    resizes = new int[pageCount];
  }

  private void record(String text, int begun, Function<RaceModel, Optional<RaceModel>> effect) {
    time++;
    history.add(new Call(text, begun, time, effect));
  }

  /// The time when a call begins.
  public int begin() {
    time++;
    return time;
  }

  /// A call to allocate has ended.
  ///
  /// @param page the first page, or `BuddyPages.NONE`
  public void took(int begun, int page, int length, int alignOrder) {
    record(
        "take " + length + " align " + alignOrder + " -> " + page,
        begun,
        page == BuddyPages.NONE
            ? model -> model.nothingFound(length, alignOrder)
            : model -> model.taken(page, length));
  }

  /// A call has taken the whole region.
  public void tookWhole(int begun) {
    record("take all", begun, RaceModel::takenWhole);
  }

  /// A call has ended all allocations, and taken the whole region.
  public void endedAll(int begun) {
    record("end all", begun, model -> Optional.of(RaceModel.noneFree(pageCount)));
  }

  /// Makes a call that frees an allocation.
  public boolean free(int page, int length, BooleanSupplier call) {
    return change("free", page, length, 0, call);
  }

  /// Makes a call that gives an allocation another length.
  public boolean resize(String name, int page, int length, int newLength, BooleanSupplier call) {
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

  /// Empty if there is an order of the calls that keeps to their times and explains every result,
  /// else the calls as text.
  public Optional<String> unexplained() {
    return isExplained(RaceModel.allFree(pageCount), history)
        ? Optional.empty()
        : Optional.of("no order explains these calls: " + this);
  }

  /// The calls in the order in which they ended.
  @Override
  public String toString() {
    return history.toString();
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
