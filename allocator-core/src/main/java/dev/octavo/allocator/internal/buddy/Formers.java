package dev.octavo.allocator.internal.buddy;

import java.util.BitSet;

/// Which owners' release would form a run of some length and alignment, as seen at one time.
/// Immutable.
///
/// An *owner* is a number from 0; its pages are those of its allocations. Pages that are neither
/// free nor an owner's are *fixed*. Exact if no other call ran while it was found out; otherwise a
/// guess.
public final class Formers {

  private final boolean exists;
  private final BitSet alone;
  private final BitSet together;

  private Formers(boolean exists, BitSet alone, BitSet together) {
    this.exists = exists;
    this.alone = alone;
    this.together = together;
  }

  static Formers noneNeeded() {
    return new Formers(true, new BitSet(), new BitSet());
  }

  static Formers of(BitSet alone, BitSet together) {
    return new Formers(false, (BitSet) alone.clone(), (BitSet) together.clone());
  }

  /// Whether there is such a run of free pages. Then no owner's release is needed, and the answers
  /// to the other two questions are false.
  public boolean runExists() {
    return exists;
  }

  /// Whether there is such a run of free pages and pages of this owner.
  ///
  /// @param owner 0 or more
  public boolean alone(int owner) {
    return alone.get(owner);
  }

  /// Whether this owner has pages in the nearest run: of all that have no fixed page the one with
  /// the fewest pages that are not free, the lowest of those.
  ///
  /// @param owner 0 or more
  public boolean together(int owner) {
    return together.get(owner);
  }
}
