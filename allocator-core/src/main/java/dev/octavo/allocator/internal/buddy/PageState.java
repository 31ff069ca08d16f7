package dev.octavo.allocator.internal.buddy;

/// What stands at a page.
public enum PageState {
  /// The page is free.
  FREE,
  /// The first page of an allocation.
  HEAD,
  /// The first page of an allocation that another call is resizing.
  HELD,
  /// Another page of an allocation.
  INTERIOR
}
