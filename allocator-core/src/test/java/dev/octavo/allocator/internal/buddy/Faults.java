package dev.octavo.allocator.internal.buddy;

import java.util.function.IntFunction;

/// Decides the fate of each CAS of a tree under test: the n-th one on a word fails, or another
/// operation runs just before it, as a thread in between would. A CAS on a head fails only if its
/// value has changed, as its failure is an answer and not a reason to try again. Counts what a tree
/// does, too.
final class Faults {

  private long casCount;
  private long readCount;
  private long failAt;
  private long interruptAt;
  private Runnable interruption = () -> {};

  /// Makes the n-th CAS from now fail without a reason, n from 1.
  void failNth(long n) {
    failAt = casCount + n;
  }

  /// Runs `other` just before the n-th CAS from now, n from 1; its own CASes do not count for this.
  void interruptNth(long n, Runnable other) {
    interruptAt = casCount + n;
    interruption = other;
  }

  /// Nothing happens any more.
  void end() {
    interruptAt = 0;
  }

  long casCount() {
    return casCount;
  }

  long readCount() {
    return readCount;
  }

  /// Storage for a tree, under this fate.
  IntFunction<Words> words() {
    return FlakyWords::new;
  }

  Heads heads(int pageCount) {
    return new FlakyHeads(pageCount);
  }

  BuddyPages pages(Geometry geometry, int slotCount) {
    return new BuddyPages(geometry, slotCount, words(), heads(geometry.pageCount()));
  }

  private void count() {
    casCount++;
    if (casCount == interruptAt) {
      interruptAt = 0;
      interruption.run();
    }
  }

  private final class FlakyWords extends Words {

    FlakyWords(int length) {
      super(length);
    }

    @Override
    long get(int index) {
      readCount++;
      return super.get(index);
    }

    @Override
    boolean compareAndSet(int index, long expected, long update) {
      count();
      return casCount != failAt && super.compareAndSet(index, expected, update);
    }
  }

  private final class FlakyHeads extends Heads {

    FlakyHeads(int pageCount) {
      super(pageCount);
    }

    @Override
    boolean compareAndSet(int page, byte expected, byte update) {
      count();
      return super.compareAndSet(page, expected, update);
    }
  }
}
