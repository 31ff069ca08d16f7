package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.cache.PagePool;

/// The reason for which a request got no pages.
///
/// On the hot path a request returns a long: a first page, or the negative [#code] of a refusal.
public enum Refusal {

  /// There is no run of that length and alignment that leaves the request's mark free.
  NO_RUN(PagePool.NONE),
  /// The region can never hold such a run.
  CAPACITY(-2),
  /// The region can never hold such a run and what the request must leave free.
  MARK(-3),
  /// An account has no room below its max.
  LIMIT(-4),
  /// An account's max is less than what is requested.
  NEVER_PAID(-5),
  /// The paying account's allocator is closed, or its memory was taken away.
  GONE(-6),
  /// The paying account was chosen by the OOM policy, or the policy refuses the request.
  POLICY(-7),
  /// The allocator is closed.
  CLOSED(-8),
  /// An allocation that was to move can grow where it is by now.
  IN_PLACE(-9);

  private static final Refusal[] BY_CODE = values();

  private final long code;

  Refusal(long code) {
    this.code = code;
  }

  /// The negative number that stands for this refusal where a page is returned.
  public long code() {
    return code;
  }

  /// The refusal that a negative number stands for; the codes count down from -1.
  public static Refusal of(long code) {
    return BY_CODE[(int) (-1 - code)];
  }

  /// Whether waiting may help.
  boolean isTemporary() {
    return this == NO_RUN || this == LIMIT || this == IN_PLACE;
  }
}
