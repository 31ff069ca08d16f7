package dev.octavo.allocator.internal.buddy;

import java.lang.invoke.VarHandle;

/// Heads whose callers never free or resize one allocation twice at the same time: read and written
/// instead of exchanged, which saves a CAS on each free.
///
/// Everything else that is wrong with a free shows as ever, double frees one after the other
/// included. Of two that race both may succeed, and the pages are then free twice (L1).
///
/// A class of its own, so that programs without it call [Heads] as if it were final.
final class TrustingHeads extends Heads {

  private TrustingHeads(int pageCount) {
    super(pageCount);
  }

  static Heads of(int pageCount) {
    return new TrustingHeads(pageCount);
  }

  /// The fence takes the place of the CAS's own: the pages are not seen free before the head is
  /// seen cleared, or else the next owner's head could be overwritten.
  @Override
  boolean compareAndSet(int page, byte expected, byte update) {
    if (head(page) != expected) {
      return false;
    }
    setHead(page, update);
    VarHandle.releaseFence();
    return true;
  }
}
