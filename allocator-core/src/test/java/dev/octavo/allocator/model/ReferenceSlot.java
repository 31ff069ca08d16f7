package dev.octavo.allocator.model;

import java.util.HashMap;
import java.util.Map;

/// What one slot of the model remembers: for each level the page where a block was last found, and
/// the page where the last odd run was placed. At first all of these are the slot's home.
final class ReferenceSlot {

  private int home;
  private boolean settled;
  private final Map<Integer, Integer> lastBlocks = new HashMap<>();
  private int lastRun;
  private long passedOver = -1;

  ReferenceSlot(int home) {
    this.home = home;
    settled = home == 0;
    lastRun = home;
  }

  int home() {
    return home;
  }

  /// Whether the home stays where it is.
  boolean isSettled() {
    return settled;
  }

  /// Makes a page the home for good.
  void settle(int page) {
    settled = true;
    home = page;
  }

  /// Where a block was last found for this level.
  int lastBlock(int level) {
    return lastBlocks.getOrDefault(level, home);
  }

  void rememberBlock(int level, int page) {
    lastBlocks.put(level, page);
  }

  /// Whether blocks of pages shall not come from this word of level 0.
  boolean passesOver(long word) {
    return word == passedOver;
  }

  /// Makes blocks of pages come from other words of level 0 than this, -1 for none.
  void passOver(long word) {
    passedOver = word;
  }

  int lastRun() {
    return lastRun;
  }

  void rememberRun(int page) {
    lastRun = page;
  }
}
