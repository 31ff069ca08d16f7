package dev.octavo.allocator.internal.buddy;

import java.util.Arrays;

/// Where a user of the tree works: hints that decide placement, and nothing else.
///
/// A slot remembers for each level the chunk where it last found a block, and the window where it
/// last placed an exact run. Its *home* is where it looks for a chunk when the last one has nothing
/// left. Until it has *settled* there, it is only where the home shall be.
///
/// Several threads may share a slot. The fields are plain: a lost or old hint costs a detour, or
/// places a block elsewhere, and never breaks a law.
public final class Slot {

  /// No word to pass over.
  public static final int NO_WORD = -1;

  private final Stripe stripe;
  private final Geometry geometry;
  private final int[] chunks;
  private int homePage;
  private boolean settled;
  private int windowPage;
  private int passedOver = NO_WORD;

  /// @param geometry the tree's shape
  /// @param stripe where it announces its moves
  /// @param homePage where it looks first
  Slot(Geometry geometry, Stripe stripe, int homePage) {
    this.geometry = geometry;
    this.stripe = stripe;
    this.homePage = homePage;
    chunks = new int[geometry.topLevel() + 1];
    Arrays.setAll(chunks, level -> chunkOf(level, homePage));
    windowPage = homePage;
    settled = homePage == 0;
  }

  Stripe stripe() {
    return stripe;
  }

  /// Whether the home stays where it is.
  boolean isSettled() {
    return settled;
  }

  int homePage() {
    return homePage;
  }

  /// Makes a page the home for good, before any block was found elsewhere.
  void settle(int page) {
    homePage = page;
    Arrays.setAll(chunks, level -> chunkOf(level, page));
    settled = true;
  }

  /// The chunk of `level` that holds the home.
  int homeChunk(int level) {
    return chunkOf(level, homePage);
  }

  /// The chunk of `level` to try first.
  int chunk(int level) {
    return chunks[level];
  }

  void remember(int level, int page) {
    int chunk = chunkOf(level, page);
    if (chunks[level] != chunk) {
      chunks[level] = chunk;
    }
  }

  /// Makes blocks of pages come from other words than this one until further notice, [#NO_WORD] to
  /// end it.
  public void passOver(int word) {
    passedOver = word;
  }

  boolean passesOver(int level, int word) {
    return level == 0 && word == passedOver;
  }

  int windowPage() {
    return windowPage;
  }

  void rememberWindow(int page) {
    windowPage = page;
  }

  private int chunkOf(int level, int page) {
    int shift = geometry.unitShift(level + 1) + geometry.chunkWordsLog2(level);
    return shift >= Integer.SIZE ? 0 : page >>> shift;
  }
}
