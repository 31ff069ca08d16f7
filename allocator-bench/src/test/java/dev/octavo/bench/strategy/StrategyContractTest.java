package dev.octavo.bench.strategy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// One contract for every strategy, against the naive truth of [BlockLedger].
class StrategyContractTest {
  private static final int PAGE_SIZE = 4096;
  private static final List<Mobility> MOBILITIES = List.of(Mobility.values());

  record Maker(String name, IntFunction<PageStrategy> make) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final List<Maker> MAKERS =
      List.of(
          new Maker("linux", LinuxBuddy::new),
          new Maker("linux of order 20", pages -> new LinuxBuddy(pages, 20)),
          new Maker("linux-grouped", GroupedLinuxBuddy::new),
          new Maker("address-ordered", pages -> new AddressOrderedBuddy(pages, 10)),
          new Maker("octavo", StrategyContractTest::octavo));

  static Stream<Maker> makers() {
    return MAKERS.stream();
  }

  private static PageStrategy octavo(int pages) {
    long byteSize = (long) pages * PAGE_SIZE;
    return new OctavoStrategy(
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .capacity(byteSize)
            .pageSize(PAGE_SIZE)
            .region(MemoryRegion.reserveOnly(byteSize))
            .build());
  }

  @Provide
  Arbitrary<Maker> anyMaker() {
    return Arbitraries.of(MAKERS);
  }

  @Property(tries = 150)
  void blocksNeverOverlapAndNothingIsLost(
      @ForAll("anyMaker") Maker maker,
      @ForAll @IntRange(min = 1, max = 3000) int pages,
      @ForAll long seed) {
    PageStrategy strategy = maker.make().apply(pages);
    BlockLedger ledger = new BlockLedger(strategy);
    long[] untouched = strategy.freeBlocks();
    SplittableRandom random = new SplittableRandom(seed);
    int largest = Math.min(strategy.maxOrder(), 10);
    for (int step = 0; step < 300; step++) {
      step(ledger, random, largest);
      ledger.checkConservation();
    }
    ledger.freeAll();
    assertThat(strategy.freeBlocks()).as("full merge").isEqualTo(untouched);
  }

  private static void step(BlockLedger ledger, SplittableRandom random, int largest) {
    if (random.nextInt(100) < 35 && !ledger.live.isEmpty()) {
      ledger.free(random.nextInt(ledger.live.size()));
      return;
    }
    int order = Math.min(largest, Long.numberOfTrailingZeros(random.nextLong()));
    Mobility mobility = MOBILITIES.get(random.nextInt(MOBILITIES.size()));
    boolean hadRoom = ledger.hasRoom(order);
    assertThat(ledger.allocate(order, mobility)).as("order %s", order).isEqualTo(hadRoom);
  }

  @ParameterizedTest
  @MethodSource("makers")
  void everyPageCanBeTakenOnce(Maker maker) {
    PageStrategy strategy = maker.make().apply(777);
    BlockLedger ledger = new BlockLedger(strategy);
    while (ledger.allocate(0, Mobility.MOVABLE)) {
      assertThat(ledger.live.size()).isLessThanOrEqualTo(777);
    }
    assertThat(ledger.live).hasSize(777);
    assertThat(strategy.freeBlocks(0)).isZero();
    assertThat(Fragmentation.unusableFreeIndex(strategy.freeBlocks(), 0)).isEqualTo(1.0);
  }

  @ParameterizedTest
  @MethodSource("makers")
  void ordersOutOfRangeAreRefused(Maker maker) {
    PageStrategy strategy = maker.make().apply(64);
    assertThat(strategy.name()).isNotBlank();
    int tooLarge = strategy.maxOrder() + 1;
    for (int order : new int[] {-1, tooLarge, 40}) {
      String rule = "order out of range: order=" + order + ", maxOrder=" + (tooLarge - 1);
      assertThatThrownBy(() -> strategy.allocate(order))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(rule);
      assertThatThrownBy(() -> strategy.free(0, order))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(rule);
    }
  }

  @ParameterizedTest
  @MethodSource("makers")
  void threadsNeverShareAPage(Maker maker) throws Exception {
    PageStrategy strategy = maker.make().apply(1000);
    long[] untouched = strategy.freeBlocks();
    AtomicIntegerArray owners = new AtomicIntegerArray(1000);
    List<Callable<Void>> workers = new ArrayList<>();
    for (int worker = 1; worker <= 4; worker++) {
      int self = worker;
      workers.add(() -> work(strategy, owners, self));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(workers.size())) {
      for (Future<Void> done : threads.invokeAll(workers)) {
        done.get();
      }
    }
    assertThat(strategy.freeBlocks()).isEqualTo(untouched);
  }

  /// Takes and frees blocks at random, signing every page while it holds it.
  private static @Nullable Void work(PageStrategy strategy, AtomicIntegerArray owners, int self) {
    SplittableRandom random = new SplittableRandom(self);
    for (int round = 0; round < 20_000; round++) {
      int order = random.nextInt(5);
      long page = strategy.allocate(order);
      if (page != PageStrategy.NO_PAGE) {
        for (int p = (int) page; p < page + (1 << order); p++) {
          change(owners, p, 0, self);
        }
        for (int p = (int) page; p < page + (1 << order); p++) {
          change(owners, p, self, 0);
        }
        strategy.free(page, order);
      }
    }
    return null;
  }

  private static void change(AtomicIntegerArray owners, int page, int from, int to) {
    int owner = owners.compareAndExchange(page, from, to);
    if (owner != from) {
      throw new AssertionError("page " + page + " is owned by " + owner + ", not " + from);
    }
  }
}
