package dev.octavo.allocator.context.check;

import java.lang.classfile.Instruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LoadInstruction;
import java.lang.classfile.instruction.StoreInstruction;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The sections that a method opens itself, `try (var section = AtomicContext.enter("flush"))`, and
/// which of its calls are within.
///
/// A section reaches, in the order of the code, from where its token is stored to the last `close`
/// of that local variable; one whose token is not stored in a variable, to the end of the method.
final class Sections {

  private static final String TOKEN = "dev/octavo/allocator/context/AtomicContext";
  private static final int NO_SLOT = -1;

  /// Where a call is.
  enum Kind {
    /// In no section.
    NONE,
    /// In one that must not sleep.
    ENTERED,
    /// In one in which sleep is allowed.
    ALLOWED
  }

  private final List<Section> sections = new ArrayList<>();

  /// The token that the last instruction made.
  private @Nullable Section unstored;

  /// From one call on to before another, by their numbers.
  private static final class Section {

    private final Kind kind;
    private final int from;
    private int to = Integer.MAX_VALUE;
    private int slot = NO_SLOT;

    Section(Kind kind, int from) {
      this.kind = kind;
      this.from = from;
    }
  }

  /// Looks at the next instruction.
  ///
  /// @param before the one before it, if that surely ran
  /// @param calls how many calls the method has made so far, this instruction not counted
  void look(Instruction instruction, @Nullable Instruction before, int calls) {
    Section token = unstored;
    unstored = null;
    if (instruction instanceof InvokeInstruction call && call.owner().name().equalsString(TOKEN)) {
      switch (call.name().stringValue()) {
        case "enter" -> open(Kind.ENTERED, calls + 1);
        case "allow" -> open(Kind.ALLOWED, calls + 1);
        case "close" ->
            close(before instanceof LoadInstruction load ? load.slot() : NO_SLOT, calls);
        default -> {}
      }
    } else if (token != null && instruction instanceof StoreInstruction store) {
      token.slot = store.slot();
    }
  }

  private void open(Kind kind, int from) {
    unstored = new Section(kind, from);
    sections.add(unstored);
  }

  private void close(int slot, int to) {
    for (Section section : sections.reversed()) {
      if (section.slot == slot && slot != NO_SLOT) {
        section.to = to;
        return;
      }
    }
  }

  /// Where a call is: the section that was opened last counts.
  Kind of(int call) {
    for (Section section : sections.reversed()) {
      if (section.from <= call && call < section.to) {
        return section.kind;
      }
    }
    return Kind.NONE;
  }
}
