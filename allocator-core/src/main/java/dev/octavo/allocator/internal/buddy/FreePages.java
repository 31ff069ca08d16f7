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

  /// A slot keeps fewer pages than this to itself.
  static final long BATCH = 32;

  private static final VarHandle PASSED_ON;

  static {
    try {
      PASSED_ON = MethodHandles.lookup().findVarHandle(FreePages.class, "passedOn", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Transit transit;

  /// Written by atomic adds.
  private volatile long passedOn;

  /// @param pages how many are free now
  FreePages(Transit transit, long pages) {
    this.transit = transit;
    passedOn = pages;
  }

  void add(Stripe stripe, long delta) {
    long noted = stripe.addPages(delta);
    if (noted >= BATCH || noted <= -BATCH) {
      passOn(stripe);
    }
  }

  /// Passes on what a slot has noted.
  void passOn(Stripe stripe) {
    PASSED_ON.getAndAdd(this, stripe.takePages());
  }

  /// The free pages; exact if no call runs.
  long sum() {
    return passedOn + transit.notedPages();
  }

  /// Whether at least so many pages are free; as exact as [#sum], and cheaper if far more are.
  boolean isAtLeast(long pages) {
    return passedOn - BATCH * transit.stripeCount() >= pages || sum() >= pages;
  }
}
