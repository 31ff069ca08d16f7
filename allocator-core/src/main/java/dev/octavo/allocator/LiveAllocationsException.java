package dev.octavo.allocator;

import java.util.List;

/// Thrown by [PageAllocator#close] while allocations are live; the allocator stays open (L6).
public final class LiveAllocationsException extends IllegalStateException {

  /// A live allocation.
  ///
  /// @param page the index of its first page
  /// @param pages its length in pages
  public record Place(long page, long pages) {}

  private static final long serialVersionUID = 1L;

  /// How many.
  private final long count;

  private final transient List<Place> places;

  LiveAllocationsException(String message, long count, List<Place> places) {
    super(message);
    this.count = count;
    this.places = List.copyOf(places);
  }

  /// How many allocations are live.
  ///
  /// @return at least 1
  public long count() {
    return count;
  }

  /// Where the first of them are, lowest address first.
  ///
  /// @return up to 16 places; empty after deserialization
  public List<Place> places() {
    return places == null ? List.of() : places;
  }
}
