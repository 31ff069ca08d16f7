package dev.octavo.examples;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import dev.octavo.bench.strategy.AddressOrderedBuddy;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.OctavoStrategy;
import dev.octavo.bench.strategy.PageStrategy;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/// LLFree's fragmentation test (USENIX ATC'23): a region is filled with single pages, a random half
/// is freed, then a tenth of the rest is reallocated at random, a hundred times. What counts is how
/// much of the free memory lies in wholly free chunks of 2 MiB at the end: a policy that fills
/// holes before it opens new ones gets back what the random frees destroyed. The last lines are
/// eight threads, each with an eighth of the pages, and with thread caches.
public final class LlfreeFragmentation {

  /// log2 of the pages of 4 GiB.
  private static final int REGION_ORDER = 20;

  /// log2 of the pages of a chunk of 2 MiB.
  private static final int CHUNK_ORDER = 9;

  private static final int ROUNDS = 100;
  private static final int PART = 10;
  private static final int MANY = 8;
  private static final List<Long> SEEDS = List.of(1L, 2L, 3L);

  private static final List<IntFunction<PageStrategy>> STRATEGIES =
      List.of(
          LlfreeFragmentation::octavo,
          order -> new LlfreeRule(1 << order),
          order -> new LinuxBuddy(1 << order, order),
          order -> new AddressOrderedBuddy(1 << order, order));

  private final PageStrategy pages;
  private final SplittableRandom random;
  private final long[] live;

  private LlfreeFragmentation(PageStrategy pages, long seed, int threads) {
    this.pages = pages;
    random = new SplittableRandom(seed);
    live = new long[(int) pages.pageCount() / 2 / threads];
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
      String name = strategy.apply(REGION_ORDER).name();
      SEEDS.forEach(seed -> print(out, name, () -> strategy.apply(regionOrder), seed, 1));
    }
    String name = "octavo, " + MANY + " threads";
    SEEDS.forEach(seed -> print(out, name, () -> octavo(regionOrder), seed, MANY));
  }

  private static void print(
      PrintStream out, String name, Supplier<PageStrategy> region, long seed, int threads) {
    PageStrategy first = region.get();
    int tenth = (int) first.pageCount() / 2 / PART / threads;
    out.printf(
        Locale.ROOT,
        "%-24s %-6d %14.1f %% %14.1f %%%n",
        name,
        seed,
        100 * run(first, seed, 1, threads),
        100 * run(region.get(), seed, tenth, threads));
  }

  /// Runs the whole test on a new region.
  ///
  /// @param batch how many pages are freed before as many are allocated
  /// @param threads how many share the region, each with pages of its own
  /// @return the share at the end, 0..1
  static double run(PageStrategy pages, long seed, int batch, int threads) {
    List<LlfreeFragmentation> parts = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      parts.add(new LlfreeFragmentation(pages, seed * threads + i, threads));
    }
    CyclicBarrier together = new CyclicBarrier(threads);
    try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
      List<Callable<Void>> tasks = new ArrayList<>();
      parts.forEach(part -> tasks.add(() -> part.run(batch, together)));
      for (Future<Void> done : executor.invokeAll(tasks)) {
        done.get();
      }
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException("test broken off: seed=" + seed, e);
    }
    return wholeChunkShare(pages, parts);
  }

  private Void run(int batch, CyclicBarrier together)
      throws InterruptedException, BrokenBarrierException {
    long[] all = fill();
    together.await();
    freeHalf(all);
    together.await();
    for (int round = 0; round < ROUNDS; round++) {
      for (int done = 0; done < live.length / PART; done += batch) {
        reallocate(batch);
      }
    }
    return null;
  }

  static PageStrategy octavo(int order) {
    long byteSize = (long) PageAllocator.DEFAULT_PAGE_SIZE << order;
    return new OctavoStrategy(
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .region(MemoryRegion.reserveOnly(byteSize))
            .build());
  }

  private long[] fill() {
    long[] all = new long[2 * live.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = pages.allocate(0);
    }
    return all;
  }

  private void freeHalf(long[] all) {
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

  private static double wholeChunkShare(PageStrategy pages, List<LlfreeFragmentation> parts) {
    BitSet used = new BitSet();
    long live = 0;
    for (LlfreeFragmentation part : parts) {
      live += part.live.length;
      for (long page : part.live) {
        used.set((int) (page >> CHUNK_ORDER));
      }
    }
    long chunks = pages.pageCount() >> CHUNK_ORDER;
    long whole = (chunks - used.cardinality()) << CHUNK_ORDER;
    return (double) whole / (pages.pageCount() - live);
  }
}
