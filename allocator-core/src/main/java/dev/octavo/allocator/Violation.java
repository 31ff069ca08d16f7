package dev.octavo.allocator;

import java.util.Objects;

/// A broken law, found by [PageAllocator#audit].
///
/// @param law the id of the law, `L1` to `L13`
/// @param detail where and how, as `rule: name=value, name=value`
public record Violation(String law, String detail) {

  /// Checks that both parts are there.
  public Violation {
    Objects.requireNonNull(law, "law");
    Objects.requireNonNull(detail, "detail");
  }
}
