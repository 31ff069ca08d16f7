package dev.octavo.bench.peer;

/// An allocator under comparison. Thread-safe; each thread works through [Slots] of its own.
public interface Peer extends AutoCloseable {

  /// Makes places for buffers.
  ///
  /// @param count how many buffers the caller will hold at once, 1 or more
  /// @return the places, all empty
  Slots slots(int count);

  /// Says whether buffers are memory; where they are page numbers only, they are not.
  default boolean hasMemory() {
    return true;
  }

  /// Gives back what the peer itself holds. All slots must be empty.
  @Override
  default void close() {}
}
