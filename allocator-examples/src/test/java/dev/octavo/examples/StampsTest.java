package dev.octavo.examples;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.PageAllocator;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/// A stamp breaks when a single byte of it changes.
class StampsTest {

  @Test
  void everyByteCounts() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(512, 8);
      for (long offset = 0; offset < block.byteSize(); offset++) {
        Stamps.stamp(block, 3);
        assertThat(Stamps.isIntact(block, 3)).isTrue();
        block.set(JAVA_BYTE, offset, (byte) ~block.get(JAVA_BYTE, offset));
        assertThat(Stamps.isIntact(block, 3)).as("byte %s", offset).isFalse();
      }
      Stamps.stamp(block, 3);
      assertThat(Stamps.isIntact(block, 4)).isFalse();
    }
  }

  @Test
  void talliesBlocksBytesAndBreaks() {
    Progress progress = new Progress(new PrintWriter(Writer.nullWriter()), false);
    try (PageAllocator pages = PageAllocator.builder().capacity(64 << 12).build()) {
      Stamps stamps = new Stamps(pages, progress);
      long first = pages.allocatePageRun(1);
      long second = pages.allocatePageRun(4, 4);
      stamps.allocated(0, first, 0);
      stamps.allocated(1, second, 2);
      stamps.freeing(0, first, 0);
      pages.segment(second, 4).set(JAVA_BYTE, 16_383, (byte) 1);
      stamps.freeing(1, second, 2);
      assertThat(stamps.tally()).isEqualTo(new Stamps.Tally(2, 5 << 12, 1));
      pages.freePageRun(first, 1);
      pages.freePageRun(second, 4);
    }
  }
}
