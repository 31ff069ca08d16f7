package dev.octavo.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.octavo.allocator.PageAllocator;
import java.lang.foreign.MemorySegment;

/// Writes a pattern of its id over every word of every block when it is allocated, and looks for it
/// when the block is freed. Two live blocks that share a word cannot both keep theirs, so intact
/// stamps show that no two allocations overlapped (law L1) on real memory.
final class Stamps implements Replay.Watcher {
  /// An odd 64-bit constant with no short cycle: 2^64 divided by the golden ratio.
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  private final PageAllocator allocator;
  private final Progress progress;
  private long checkedBlocks;
  private long checkedBytes;
  private long brokenBlocks;

  /// @param blocks blocks whose stamp was looked at
  /// @param bytes bytes of these blocks, all of them read
  /// @param broken blocks that did not hold what had been written
  record Tally(long blocks, long bytes, long broken) {}

  Stamps(PageAllocator allocator, Progress progress) {
    this.allocator = allocator;
    this.progress = progress;
  }

  @Override
  public void allocated(int id, long page, int order) {
    stamp(allocator.segment(page, 1 << order), id);
  }

  @Override
  public void freeing(int id, long page, int order) {
    MemorySegment block = allocator.segment(page, 1 << order);
    checkedBlocks++;
    checkedBytes += block.byteSize();
    brokenBlocks += isIntact(block, id) ? 0 : 1;
  }

  @Override
  public void progress(int eventsDone) {
    progress.at(eventsDone);
  }

  Tally tally() {
    return new Tally(checkedBlocks, checkedBytes, brokenBlocks);
  }

  static void stamp(MemorySegment block, int id) {
    long first = (id + 1L) * SPREAD;
    long byteSize = block.byteSize();
    for (long offset = 0; offset < byteSize; offset += Long.BYTES) {
      block.set(JAVA_LONG, offset, first + offset);
    }
  }

  static boolean isIntact(MemorySegment block, int id) {
    long first = (id + 1L) * SPREAD;
    long byteSize = block.byteSize();
    long difference = 0;
    for (long offset = 0; offset < byteSize; offset += Long.BYTES) {
      difference |= block.get(JAVA_LONG, offset) ^ (first + offset);
    }
    return difference == 0;
  }
}
