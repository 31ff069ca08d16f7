package dev.octavo.examples;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.bench.strategy.AddressOrderedBuddy;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.OctavoStrategy;
import dev.octavo.bench.strategy.PageStrategy;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/// LLFree's fragmentation test (USENIX ATC'23): a region is filled with single pages, a random half
/// is freed, then a tenth of the rest is reallocated at random, a hundred times. What counts is how
/// much of the free memory lies in wholly free chunks of 2 MiB at the end: a policy that fills
/// holes before it opens new ones gets back what the random frees destroyed.
public final class LlfreeFragmentation {

  /// log2 of the pages of 4 GiB.
  private static final int REGION_ORDER = 20;

  /// log2 of the pages of a chunk of 2 MiB.
  private static final int CHUNK_ORDER = 9;

  private static final int ROUNDS = 100;
  private static final int PART = 10;
  private static final List<Long> SEEDS = List.of(1L, 2L, 3L);

  private static final List<IntFunction<PageStrategy>> STRATEGIES =
      List.of(
          LlfreeFragmentation::octavo,
          order -> new LinuxBuddy(1 << order, order),
          order -> new AddressOrderedBuddy(1 << order, order));

  private final PageStrategy pages;
  private final SplittableRandom random;
  private final long[] live;

  private LlfreeFragmentation(PageStrategy pages, long seed) {
    this.pages = pages;
    random = new SplittableRandom(seed);
    live = new long[(int) pages.pageCount() / 2];
  }

  /// Runs the test on each policy; takes no arguments.
  public static void main(String[] args) {
    print(System.out, REGION_ORDER);
  }

  static void print(PrintStream out, int regionOrder) {
    out.printf(
        "LLFree's fragmentation test, %,d pages, %d rounds of reallocating 1/%d;%n"
            + "share of the free memory in wholly free chunks of 2^%d pages%n%n",
        1 << regionOrder, ROUNDS, PART, CHUNK_ORDER);
    out.printf("%-24s %-6s %16s %16s%n", "policy", "seed", "one by one", "a tenth at once");
    for (IntFunction<PageStrategy> strategy : STRATEGIES) {
      for (long seed : SEEDS) {
        double single = run(strategy.apply(regionOrder), seed, 1);
        double batch = run(strategy.apply(regionOrder), seed, (1 << regionOrder) / 2 / PART);
        out.printf(
            Locale.ROOT,
            "%-24s %-6d %14.1f %% %14.1f %%%n",
            strategy.apply(CHUNK_ORDER).name(),
            seed,
            100 * single,
            100 * batch);
      }
    }
  }

  /// Runs the whole test on a new region.
  ///
  /// @param batch how many pages are freed before as many are allocated
  /// @return the share at the end, 0..1
  static double run(PageStrategy pages, long seed, int batch) {
    LlfreeFragmentation test = new LlfreeFragmentation(pages, seed);
    test.fillAndFreeHalf();
    for (int round = 0; round < ROUNDS; round++) {
      for (int done = 0; done < test.live.length / PART; done += batch) {
        test.reallocate(batch);
      }
    }
    return test.wholeChunkShare();
  }

  static PageStrategy octavo(int order) {
    long byteSize = (long) PageAllocator.DEFAULT_PAGE_SIZE << order;
    return new OctavoStrategy(
        PageAllocator.builder().region(MemoryRegion.reserveOnly(byteSize)).build());
  }

  private void fillAndFreeHalf() {
    long[] all = new long[2 * live.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = pages.allocate(0);
    }
    for (int i = 0; i < live.length; i++) {
      swap(all, i, i + random.nextInt(all.length - i));
    }
    System.arraycopy(all, 0, live, 0, live.length);
    for (int i = live.length; i < all.length; i++) {
      pages.free(all[i], 0);
    }
  }

  private void reallocate(int batch) {
    for (int i = 0; i < batch; i++) {
      swap(live, i, i + random.nextInt(live.length - i));
      pages.free(live[i], 0);
    }
    for (int i = 0; i < batch; i++) {
      live[i] = pages.allocate(0);
    }
  }

  private static void swap(long[] array, int i, int j) {
    long moved = array[i];
    array[i] = array[j];
    array[j] = moved;
  }

  private double wholeChunkShare() {
    long[] blocks = pages.freeBlocks();
    long whole = 0;
    long free = 0;
    for (int order = 0; order < blocks.length; order++) {
      free += blocks[order] << order;
      whole += order >= CHUNK_ORDER ? blocks[order] << order : 0;
    }
    return (double) whole / free;
  }
}
