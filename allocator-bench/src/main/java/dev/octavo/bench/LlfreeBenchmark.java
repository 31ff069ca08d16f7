package dev.octavo.bench;

import dev.octavo.bench.strategy.PageStrategy;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.Control;

/// The workloads of the LLFree paper (Wrenger et al., USENIX ATC 2023) on 4 GiB of page numbers:
/// nanoseconds an operation, where a get and a put are an operation each in `bulkGet`, `bulkPut`
/// and `randPut`, and both together are one in `repeat` and `churn`. No memory is touched.
///
/// Half of the region is taken, in equal parts by all threads. In the first three, threads do what
/// is measured in bursts of 64 and meet whenever each has done its part; what then undoes it is not
/// measured. An iteration ends with the time, not with a part, so a part may be measured by halves.
public class LlfreeBenchmark extends AverageTimeBenchmark {

  private static final int REGION_ORDER = 20;

  /// The largest power of two that divides every part at order 12 with two threads.
  private static final int BURST = 64;

  /// The region, new for every iteration.
  @State(Scope.Benchmark)
  public static class Shared {

    /// Whose policy.
    @Param({"octavo", "linux", "address-ordered"})
    String strategy;

    /// The order of all blocks.
    @Param({"0", "3", "6", "9", "12"})
    int order;

    PageStrategy pages;
    Meeting meeting;
    int blocksEach;

    private final AtomicInteger starts = new AtomicInteger();

    /// Makes the region.
    @Setup(Level.Iteration)
    public void open(BenchmarkParams params) {
      int threads = params.getThreads();
      blocksEach = (1 << REGION_ORDER >> order) / 2 / threads;
      if (blocksEach % BURST != 0) {
        throw new IllegalArgumentException(
            "parts are not whole bursts: threads=" + threads + ", order=" + order);
      }
      pages = Strategies.open(strategy, REGION_ORDER);
      meeting = new Meeting(threads, starts.incrementAndGet());
    }
  }

  /// What one thread holds.
  public abstract static class Part {

    PageStrategy pages;
    int order;
    Meeting meeting;

    /// The blocks, of which the first `count` are held.
    long[] live;

    int count;
    private boolean hasLeft;

    /// Starts an iteration with nothing.
    @Setup(Level.Iteration)
    public final void begin(Shared shared) {
      pages = shared.pages;
      order = shared.order;
      meeting = shared.meeting;
      live = new long[shared.blocksEach];
      count = 0;
      hasLeft = false;
      prepare();
    }

    /// Says whether to wait for the others. When time is up it leaves them: the harness lets a
    /// thread go that has measured, and lets others begin another burst meanwhile.
    final boolean isStaying(Control control) {
      if (control.stopMeasurement && !hasLeft) {
        hasLeft = true;
        meeting.leave();
      }
      return !hasLeft;
    }

    final void meet(Control control) {
      if (isStaying(control)) {
        meeting.await();
      }
    }

    /// Gets the iteration ready.
    void prepare() {}

    final void get() {
      live[count++] = pages.allocate(order);
    }

    final void put() {
      pages.free(live[--count], order);
    }

    final void getAll() {
      while (count < live.length) {
        get();
      }
    }

    final void putAll() {
      while (count > 0) {
        put();
      }
    }
  }

  /// Takes its part; all threads put their parts back together, unmeasured.
  @State(Scope.Thread)
  public static class Getting extends Part {

    /// Makes room if the part is complete.
    @Setup(Level.Invocation)
    public void makeRoom(Control control) {
      if (count == live.length) {
        meet(control);
        putAll();
        meet(control);
      }
    }
  }

  /// Puts its part back in reverse; all threads take their parts together, unmeasured.
  @State(Scope.Thread)
  public static class Putting extends Part {

    /// Takes all if nothing is left.
    @Setup(Level.Invocation)
    public void takeAll(Control control) {
      if (count == 0) {
        meet(control);
        getAll();
        meet(control);
      }
    }
  }

  /// Puts back a part of what all threads took, shuffled over all of it.
  @State(Scope.Thread)
  public static class Scattering extends Part {

    /// Takes all and deals anew if nothing is left.
    @Setup(Level.Invocation)
    public void deal(Control control) {
      if (count == 0) {
        meet(control);
        getAll();
        if (isStaying(control)) {
          meeting.exchange(live);
        }
      }
    }
  }

  /// Holds its part; the region is half full.
  @State(Scope.Thread)
  public static class Holding extends Part {

    private static final AtomicInteger SEEDS = new AtomicInteger();

    private final SplittableRandom random = new SplittableRandom(SEEDS.incrementAndGet());

    @Override
    void prepare() {
      getAll();
      meeting.await();
    }
  }

  /// Gets alone.
  @Benchmark
  @OperationsPerInvocation(BURST)
  public int bulkGet(Getting part) {
    for (int i = 0; i < BURST; i++) {
      part.get();
    }
    return part.count;
  }

  /// Puts alone, last in, first out.
  @Benchmark
  @OperationsPerInvocation(BURST)
  public int bulkPut(Putting part) {
    for (int i = 0; i < BURST; i++) {
      part.put();
    }
    return part.count;
  }

  /// Puts alone, of blocks that were shuffled over all threads.
  @Benchmark
  @OperationsPerInvocation(BURST)
  public int randPut(Scattering part) {
    for (int i = 0; i < BURST; i++) {
      part.put();
    }
    return part.count;
  }

  /// A get and its put, on a half-full region.
  @Benchmark
  public long repeat(Holding part) {
    long page = part.pages.allocate(part.order);
    part.pages.free(page, part.order);
    return page;
  }

  /// Puts a random block of its own and gets one, on a half-full region.
  @Benchmark
  public long churn(Holding part) {
    int victim = part.random.nextInt(part.live.length);
    part.pages.free(part.live[victim], part.order);
    long page = part.pages.allocate(part.order);
    part.live[victim] = page;
    return page;
  }
}
