package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Shared words with the few accesses the tree needs.
///
/// Every change that competes goes through [#compareAndSet]: tests subclass this type to make the
/// n-th one fail, to run another operation just before it, or to count. With no subclass loaded the
/// calls are static to the compiler.
class Words {

  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  /// The words begin two cache lines behind the array's length, which every access reads: a thread
  /// that changes the first words would slow all others down.
  private static final int PADDING = 16;

  private final long[] padded;
  private final int length;

  Words(int length) {
    this.length = length;
    padded = new long[PADDING + length];
  }

  final int length() {
    return length;
  }

  /// Volatile read: the proofs about failure (see [Transit]) need one order of all such reads.
  long get(int index) {
    return (long) WORD.getVolatile(padded, PADDING + index);
  }

  boolean compareAndSet(int index, long expected, long update) {
    return WORD.compareAndSet(padded, PADDING + index, expected, update);
  }

  /// Release store into a word that only the caller may change now.
  final void setRelease(int index, long value) {
    WORD.setRelease(padded, PADDING + index, value);
  }
}
