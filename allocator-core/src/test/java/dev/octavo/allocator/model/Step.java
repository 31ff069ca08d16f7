package dev.octavo.allocator.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// One step of a program: what to call, with arguments that mean something in every state, so that
/// a program stays valid when steps are left out.
///
/// Slots are taken modulo their count, lengths modulo the page count. `which` chooses among the
/// live allocations, lowest first, modulo their count; with none live such a step does nothing.
public sealed interface Step {

  /// Takes the step.
  void run(ComparedPages pages);

  private static int slot(ComparedPages pages, int slot) {
    return slot % pages.slotCount();
  }

  /// A length in 1..pageCount.
  private static int length(ComparedPages pages, int length) {
    return within(length, pages.model().geometry().pageCount());
  }

  /// A number in 1..max.
  private static int within(int number, int max) {
    return 1 + (number - 1) % max;
  }

  /// The live allocations from the chosen one upward; empty if none is live.
  private static List<Map.Entry<Integer, Integer>> chosen(ComparedPages pages, int which) {
    List<Map.Entry<Integer, Integer>> live =
        new ArrayList<>(pages.model().allocations().entrySet());
    return live.isEmpty() ? live : live.subList(which % live.size(), live.size());
  }

  /// Allocates a run.
  record Allocate(int slot, int length, int alignOrder) implements Step {
    @Override
    public void run(ComparedPages pages) {
      pages.allocate(Step.slot(pages, slot), Step.length(pages, length), alignOrder);
    }
  }

  /// Allocates a block: 2^order pages, naturally aligned.
  record AllocateBlock(int slot, int order) implements Step {
    @Override
    public void run(ComparedPages pages) {
      int fitting = order % (pages.model().geometry().maxOrder() + 1);
      pages.allocate(Step.slot(pages, slot), 1 << fitting, fitting);
    }
  }

  /// Allocates the lowest run in phase.
  record AllocateInPhase(int slot, int length, int alignOrder, int phase) implements Step {
    @Override
    public void run(ComparedPages pages) {
      int fitting = Step.length(pages, length);
      pages.allocateInPhase(Step.slot(pages, slot), fitting, alignOrder, phase);
    }
  }

  /// Allocates many runs of 2^order pages, of any order that is no larger than the region.
  record AllocateMany(int slot, int order, int count) implements Step {
    @Override
    public void run(ComparedPages pages) {
      int fitting = order;
      while (1 << fitting > pages.model().geometry().pageCount()) {
        fitting--;
      }
      pages.allocateMany(Step.slot(pages, slot), fitting, count);
    }
  }

  /// Frees some allocations that lie one behind the other.
  record Free(int slot, int which, int count) implements Step {
    @Override
    public void run(ComparedPages pages) {
      Step.chosen(pages, which).stream()
          .limit(count)
          .forEach(live -> pages.free(Step.slot(pages, slot), live.getKey(), live.getValue()));
    }
  }

  /// Trims an allocation.
  record Trim(int slot, int which, int newLength) implements Step {
    @Override
    public void run(ComparedPages pages) {
      for (Map.Entry<Integer, Integer> live : Step.chosen(pages, which)) {
        int length = live.getValue();
        int trimmed = Step.within(newLength, length);
        pages.trim(Step.slot(pages, slot), live.getKey(), length, trimmed);
        return;
      }
    }
  }

  /// Holds an allocation and grows it, or releases it if there is no room.
  record Grow(int slot, int which, int more) implements Step {
    @Override
    public void run(ComparedPages pages) {
      for (Map.Entry<Integer, Integer> live : Step.chosen(pages, which)) {
        int page = live.getKey();
        int length = live.getValue();
        int newLength = length + Step.length(pages, more);
        pages.hold(page, length);
        if (!pages.growHeld(Step.slot(pages, slot), page, length, newLength)) {
          pages.release(page, length);
        }
        return;
      }
    }
  }

  /// Holds an allocation, takes another step meanwhile, tries to free what is held, and frees it or
  /// releases it.
  record Hold(int slot, int which, Step meanwhile, boolean free) implements Step {
    @Override
    public void run(ComparedPages pages) {
      for (Map.Entry<Integer, Integer> live : Step.chosen(pages, which)) {
        int page = live.getKey();
        int length = live.getValue();
        pages.hold(page, length);
        meanwhile.run(pages);
        pages.refuse(Step.slot(pages, slot), page, length);
        pages.paths().add("refused: held");
        if (free) {
          pages.freeHeld(Step.slot(pages, slot), page, length);
        } else {
          pages.release(page, length);
        }
        return;
      }
    }
  }

  /// What can be wrong with a free.
  enum Fault {
    /// The allocation is longer or shorter.
    WRONG_SIZE,
    /// The page is not the first of its allocation.
    INTERIOR,
    /// The allocation was freed before.
    DOUBLE,
    /// The length reaches beyond the region.
    OUTSIDE
  }

  /// Tries to free, trim and hold what is no allocation.
  record BadFree(int slot, int which, Fault fault, int off) implements Step {
    @Override
    public void run(ComparedPages pages) {
      for (Map.Entry<Integer, Integer> live : Step.chosen(pages, which)) {
        refuse(pages, Step.slot(pages, slot), live.getKey(), live.getValue());
        return;
      }
    }

    private void refuse(ComparedPages pages, int slotNumber, int page, int length) {
      int pageCount = pages.model().geometry().pageCount();
      switch (fault) {
        case WRONG_SIZE -> {
          int wrong = Step.within(length + off, pageCount);
          pages.refuse(slotNumber, page, wrong == length ? length + 1 : wrong);
        }
        case INTERIOR -> {
          if (length == 1) {
            return;
          }
          pages.refuse(slotNumber, page + Step.within(off, length - 1), length);
        }
        case DOUBLE -> {
          pages.free(slotNumber, page, length);
          pages.refuse(slotNumber, page, length);
        }
        case OUTSIDE -> pages.refuse(slotNumber, page, pageCount - page + off);
      }
      pages.paths().add("refused: " + fault);
    }
  }

  /// Tries to take the whole region while something is allocated.
  record TakeAll(int slot) implements Step {
    @Override
    public void run(ComparedPages pages) {
      if (!pages.model().allocations().isEmpty()) {
        pages.takeAll(Step.slot(pages, slot));
      }
    }
  }
}
