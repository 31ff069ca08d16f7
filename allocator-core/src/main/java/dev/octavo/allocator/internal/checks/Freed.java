package dev.octavo.allocator.internal.checks;

/// Pages that were freed by one call.
///
/// @param page the first
/// @param pages how many
/// @param poisoned whether they were filled
/// @param allocatedAt where they were allocated last
/// @param freedAt where they were freed
public record Freed(int page, int pages, boolean poisoned, Site allocatedAt, Site freedAt) {

  int end() {
    return page + pages;
  }
}
