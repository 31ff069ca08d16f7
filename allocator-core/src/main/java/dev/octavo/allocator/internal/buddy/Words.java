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

  private final long[] words;

  Words(int length) {
    words = new long[length];
  }

  final int length() {
    return words.length;
  }

  /// Volatile read: the proofs about failure (see [Transit]) need one order of all such reads.
  long get(int index) {
    return (long) WORD.getVolatile(words, index);
  }

  boolean compareAndSet(int index, long expected, long update) {
    return WORD.compareAndSet(words, index, expected, update);
  }

  /// Release store into a word that only the caller may change now.
  final void setRelease(int index, long value) {
    WORD.setRelease(words, index, value);
  }
}
