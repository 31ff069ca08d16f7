package dev.octavo.examples;

import dev.octavo.bench.strategy.AddressOrderedBuddy;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.PageStrategy;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.IntFunction;

/// Two lifetimes mixed: of the pages that are allocated, nine of ten live short and one lives long,
/// at random around their means. A region of 1 GiB is kept half full this way, most of it by the
/// long ones. What counts is how much of the free memory lies in wholly free chunks of 2 MiB,
/// averaged over the second half of the run.
public final class TwoLifetimes {

  /// log2 of the pages of 1 GiB.
  private static final int REGION_ORDER = 18;

  /// log2 of the pages of a chunk of 2 MiB.
  private static final int CHUNK_ORDER = 9;

  private static final int LONG_ONE_IN = 10;

  /// Short ones live for so many allocations in the mean, as a part of the region's pages.
  private static final int SHORT_PART = 32;

  /// As many allocations as the region has pages, so many times.
  private static final int ROUNDS = 30;

  private static final int SAMPLES_PER_ROUND = 8;
  private static final List<Long> SEEDS = List.of(1L, 2L, 3L);

  private static final List<IntFunction<PageStrategy>> STRATEGIES =
      List.of(
          LlfreeFragmentation::octavo,
          order -> new LlfreeRule(1 << order),
          order -> new LinuxBuddy(1 << order, order),
          order -> new AddressOrderedBuddy(1 << order, order));

  private final PageStrategy pages;
  private final SplittableRandom random;
  private final int pageCount;
  private final int[] usedInChunk;
  private final PriorityQueue<long[]> deaths =
      new PriorityQueue<>((a, b) -> Long.compare(a[0], b[0]));

  private TwoLifetimes(PageStrategy pages, long seed) {
    this.pages = pages;
    random = new SplittableRandom(seed);
    pageCount = (int) pages.pageCount();
    usedInChunk = new int[pageCount >> CHUNK_ORDER];
  }

  /// Runs the simulation on each policy; takes no arguments.
  public static void main(String[] args) {
    print(System.out, REGION_ORDER);
  }

  static void print(PrintStream out, int regionOrder) {
    out.printf(
        "two lifetimes, %,d pages half full, 90 %% short and 10 %% long, %d rounds;%n"
            + "share of the free memory in wholly free chunks of 2^%d pages%n%n",
        1 << regionOrder, ROUNDS, CHUNK_ORDER);
    for (IntFunction<PageStrategy> strategy : STRATEGIES) {
      out.printf("%-24s", strategy.apply(REGION_ORDER).name());
      for (long seed : SEEDS) {
        out.printf(Locale.ROOT, " %9.1f %%", 100 * run(strategy.apply(regionOrder), seed));
      }
      out.println();
    }
  }

  /// Runs the simulation on a new region.
  ///
  /// @return the mean share, 0..1
  static double run(PageStrategy pages, long seed) {
    return new TwoLifetimes(pages, seed).run();
  }

  private double run() {
    long steps = (long) ROUNDS * pageCount;
    double sum = 0;
    int samples = 0;
    for (long now = 0; now < steps; now++) {
      bury(now);
      allocate(now);
      if (now >= steps / 2 && now % (pageCount / SAMPLES_PER_ROUND) == 0) {
        sum += wholeChunkShare();
        samples++;
      }
    }
    return sum / samples;
  }

  private void bury(long now) {
    while (!deaths.isEmpty() && deaths.element()[0] <= now) {
      long page = deaths.remove()[1];
      pages.free(page, 0);
      usedInChunk[(int) (page >> CHUNK_ORDER)]--;
    }
  }

  private void allocate(long now) {
    long page = pages.allocate(0);
    if (page == PageStrategy.NO_PAGE) {
      throw new IllegalStateException("region full: policy=" + pages.name() + ", step=" + now);
    }
    usedInChunk[(int) (page >> CHUNK_ORDER)]++;
    deaths.add(new long[] {now + lifetime(), page});
  }

  /// Uniform from 1 to twice the mean. The means are chosen so that half of the region is live.
  private long lifetime() {
    long shortMean = pageCount / SHORT_PART;
    long live = pageCount / 2;
    long longMean = LONG_ONE_IN * live - (LONG_ONE_IN - 1) * shortMean;
    long mean = random.nextInt(LONG_ONE_IN) == 0 ? longMean : shortMean;
    return 1 + random.nextLong(2 * mean);
  }

  private double wholeChunkShare() {
    long whole = 0;
    long free = 0;
    for (int used : usedInChunk) {
      free += (1 << CHUNK_ORDER) - used;
      whole += used == 0 ? 1 << CHUNK_ORDER : 0;
    }
    return (double) whole / free;
  }
}
