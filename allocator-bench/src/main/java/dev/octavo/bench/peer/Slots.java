package dev.octavo.bench.peer;

/// Numbered places for the buffers of one [Peer], each empty or holding one buffer.
///
/// Emptiness is not checked: the workload knows which slots it has filled. Not thread-safe, but a
/// slot may be filled by one thread and emptied by another if the peer allows it and the caller
/// hands the slot over safely.
public interface Slots {

  /// Fills an empty slot.
  ///
  /// @param slot 0..count - 1
  /// @param byteSize the size in bytes, 1 or more
  void allocate(int slot, long byteSize);

  /// Empties a filled slot.
  ///
  /// @param slot 0..count - 1
  /// @param byteSize the size that was asked for
  void free(int slot, long byteSize);

  /// Tells where the buffer of a filled slot lies.
  ///
  /// @param slot 0..count - 1
  /// @return its address in bytes; for a peer without memory, what the address would be if its
  ///   region began at 0
  long address(int slot);
}
