package dev.octavo.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.octavo.allocator.PageAllocator;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;

/// The first ten lines: an allocator, an exact allocation, a trim, a look at what is free.
public final class QuickStart {
  private QuickStart() {}

  /// Runs the example; takes no arguments.
  public static void main(String[] args) {
    run(System.out);
  }

  static void run(PrintStream out) {
    try (PageAllocator pages = PageAllocator.builder().capacity(64L << 20).build()) {
      MemorySegment block = pages.allocate(132 << 10);
      block.set(JAVA_LONG, 0, 42);
      out.println("132 KiB: " + pages.buddyInfo().allocatedPages() + " pages, not 64");

      block = pages.trim(block, 100 << 10);
      out.println("100 KiB: " + pages.buddyInfo().allocatedPages() + " pages");
      out.println("still there: " + block.get(JAVA_LONG, 0));

      pages.free(block);
      out.println(pages.buddyInfo().toBuddyinfoLine());
    }
  }
}
