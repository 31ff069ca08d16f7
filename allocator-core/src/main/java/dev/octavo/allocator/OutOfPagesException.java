package dev.octavo.allocator;

/// Thrown when no run of enough free pages exists; the call has changed nothing (L5, L6).
///
/// The message names the request and the state of the region just after the failure, in the form of
/// Linux's /proc/buddyinfo. While other threads allocate and free, that state may be newer than the
/// failure itself.
public final class OutOfPagesException extends RuntimeException {

  /// Why there is no such run.
  public enum Reason {
    /// Fewer pages are free than requested.
    NOT_ENOUGH_MEMORY,
    /// Enough pages are free, but not side by side at the alignment requested.
    FRAGMENTATION,
    /// There is such a run, but only in the reserve, which the mode must not use.
    RESERVE,
    /// The region would be too small for the request even if nothing were allocated.
    CAPACITY,
    /// The account that pays for it, or one above it, has reached its max.
    ACCOUNT_LIMIT,
    /// The OOM policy decided against the request; the message has the candidates.
    OOM_POLICY,
    /// The request has waited until its deadline; the message says for what.
    DEADLINE,
    /// The thread was interrupted while it waited, and still is.
    INTERRUPTED
  }

  private static final long serialVersionUID = 1L;

  /// Why.
  private final Reason reason;

  OutOfPagesException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /// Why the request failed.
  ///
  /// @return the reason
  public Reason reason() {
    return reason;
  }
}
