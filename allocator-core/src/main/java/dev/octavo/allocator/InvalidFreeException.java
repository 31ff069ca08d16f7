package dev.octavo.allocator;

/// Thrown when a segment or page run that is freed, trimmed or resized is not a live allocation of
/// this allocator; the call has changed nothing (L6, L8).
public final class InvalidFreeException extends IllegalArgumentException {

  /// What is wrong with the argument. Of several, the first in this order is named.
  public enum Reason {
    /// The allocator is closed.
    CLOSED,
    /// The account it was charged to was chosen when memory ran out, and its memory taken away.
    REAPED,
    /// The segment is no part of the region: other memory, a heap segment, or another arena's view.
    FOREIGN_SEGMENT,
    /// A read-only view of an allocation.
    READ_ONLY,
    /// An address inside an allocation, not its start.
    INTERIOR_POINTER,
    /// The pages are free: freed before, by this or by another thread, or never allocated.
    DOUBLE_FREE,
    /// An allocation starts there, but of another number of pages: a slice, or a segment from
    /// before a trim.
    WRONG_SIZE,
    /// Another call is resizing the allocation at this moment.
    BUSY
  }

  private static final long serialVersionUID = 1L;

  /// What is wrong.
  private final Reason reason;

  InvalidFreeException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /// What is wrong with the argument.
  ///
  /// @return the reason
  public Reason reason() {
    return reason;
  }
}
