package dev.octavo.allocator.oom;

/// Thrown when a [MemoryAccount] refuses a call, which has changed nothing then.
public final class MemoryAccountException extends RuntimeException {

  /// Why.
  public enum Reason {
    /// The max of the account, or of one above it, leaves no room for the charge.
    LIMIT,
    /// The account is closed.
    CLOSED,
    /// An account that still uses memory is closed.
    IN_USE,
    /// An account with open children is closed.
    HAS_CHILDREN,
    /// More is uncharged than was charged: by hand to the account, or by an allocator.
    UNDERFLOW,
    /// A child of this name is open.
    DUPLICATE_NAME
  }

  private static final long serialVersionUID = 1L;

  /// Why.
  private final Reason reason;

  /// The path of the account.
  private final String account;

  private MemoryAccountException(Reason reason, String account, String message) {
    super(message);
    this.reason = reason;
    this.account = account;
  }

  static MemoryAccountException limit(MemoryAccount account, MemoryAccount domain, long byteSize) {
    String message =
        "account has reached its max: account=%s, byteSize=%d, requester=%s, usage=%d, max=%d"
            .formatted(
                domain.path(),
                byteSize,
                account.path(),
                domain.reserved(),
                domain.limits().maxByteSize());
    return new MemoryAccountException(Reason.LIMIT, domain.path(), message);
  }

  static MemoryAccountException closed(MemoryAccount account) {
    return of(Reason.CLOSED, account, "account is closed: account=" + account.path());
  }

  static MemoryAccountException inUse(MemoryAccount account) {
    return of(
        Reason.IN_USE,
        account,
        "account is in use: account=%s, usage=%d".formatted(account.path(), account.reserved()));
  }

  static MemoryAccountException hasChildren(MemoryAccount account, int children) {
    return of(
        Reason.HAS_CHILDREN,
        account,
        "account has open children: account=%s, children=%d".formatted(account.path(), children));
  }

  /// @param charged bytes of the book that was to uncharge, less than the account's own usage if
  ///   there are others
  static MemoryAccountException underflow(MemoryAccount account, long byteSize, long charged) {
    return of(
        Reason.UNDERFLOW,
        account,
        "more than was charged: account=%s, byteSize=%d, charged=%d"
            .formatted(account.path(), byteSize, charged));
  }

  static MemoryAccountException duplicateName(MemoryAccount parent, String name) {
    return of(
        Reason.DUPLICATE_NAME,
        parent,
        "child of this name is open: account=%s, name=%s".formatted(parent.path(), name));
  }

  private static MemoryAccountException of(Reason reason, MemoryAccount account, String message) {
    return new MemoryAccountException(reason, account.path(), message);
  }

  /// Why the call was refused.
  ///
  /// @return the reason
  public Reason reason() {
    return reason;
  }

  /// Which account refused it; for [Reason#LIMIT] the lowest whose max left no room, the domain of
  /// the shortage.
  ///
  /// @return its path
  public String account() {
    return account;
  }
}
