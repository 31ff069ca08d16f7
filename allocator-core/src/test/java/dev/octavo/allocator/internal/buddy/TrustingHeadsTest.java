package dev.octavo.allocator.internal.buddy;

/// With one thread trusting heads are as good as others.
final class TrustingHeadsTest extends HeadsTest {

  @Override
  Heads heads(int pageCount) {
    return TrustingHeads.of(pageCount);
  }
}
