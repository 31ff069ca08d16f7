package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Counts the free pages of a tree without a word that every call writes.
///
/// Each slot notes what it makes free and takes in its [Stripe], and passes it on when that is more
/// than a batch; so the sum passed on is wrong by less than a batch a slot. Whoever needs to know
/// it better adds up the stripes, which is exact if no call runs. Linux counts its zones' free
/// pages so (`vm_stat_diff` of mm/vmstat.c).
final class FreePages {

  private static final int LEAST_BATCH = 32;
  private static final int MOST_BATCH = 1024;
  private static final int BATCH_PART_LOG2 = 7;

  /// The sum has two cache lines to itself on either side.
  private static final int SUM = 16;

  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  private final Transit transit;

  /// A slot keeps fewer pages than this to itself: several words, so that threads which take and
  /// free words of each other seldom meet here.
  private final long batch;

  /// What was passed on, at [#SUM]: written by atomic adds.
  private final long[] padded = new long[2 * SUM + 1];

  /// @param pages how many are free now
  FreePages(Transit transit, long pages) {
    this.transit = transit;
    batch = Math.clamp(pages >> BATCH_PART_LOG2, LEAST_BATCH, MOST_BATCH);
    WORD.setVolatile(padded, SUM, pages);
  }

  void add(Stripe stripe, long delta) {
    long noted = stripe.addPages(delta);
    if (noted >= batch || noted <= -batch) {
      passOn(stripe);
    }
  }

  /// Passes on what a slot has noted.
  void passOn(Stripe stripe) {
    WORD.getAndAdd(padded, SUM, stripe.takePages());
  }

  private long passedOn() {
    return (long) WORD.getVolatile(padded, SUM);
  }

  /// The free pages; exact if no call runs.
  long sum() {
    return passedOn() + transit.notedPages();
  }

  /// Whether at least so many pages are free; as exact as [#sum], and cheaper if far more are.
  ///
  /// Of calls that take pages at the same time and ask afterwards, the last one counts the pages of
  /// all: what is noted in stripes is covered by the batches, or a fence lies between a call's own
  /// note and its look at the others'.
  boolean isAtLeast(long pages) {
    if (passedOn() - batch * transit.stripeCount() >= pages) {
      return true;
    }
    VarHandle.fullFence();
    return sum() >= pages;
  }
}
