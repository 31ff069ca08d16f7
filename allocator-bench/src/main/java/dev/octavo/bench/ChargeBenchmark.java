package dev.octavo.bench;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.oom.MemoryAccount;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// What it costs to charge a page to an account three levels deep and to uncharge it, alone and
/// around a pair of page runs. Run with `-t 1` and `-t 2`; nanoseconds of one thread.
@State(Scope.Benchmark)
public class ChargeBenchmark extends AverageTimeBenchmark {

  private static final int PAGE_BYTES = 4096;
  private static final long CAPACITY = 64 << 20;

  private PageAllocator pages;
  private MemoryAccount batched;
  private MemoryAccount strict;

  /// Opens an allocator and accounts.
  @Setup
  public void open() {
    pages = PageAllocator.builder().capacity(CAPACITY).build();
    MemoryAccount tenants =
        MemoryAccount.root("engine").max(CAPACITY).open().child("tenants").open();
    batched = tenants.child("batched").max(CAPACITY).open();
    strict = tenants.child("strict").max(CAPACITY).strict().open();
  }

  /// Closes the allocator.
  @TearDown
  public void close() {
    pages.close();
  }

  /// From the thread's stock.
  @Benchmark
  public void batched() {
    batched.charge(PAGE_BYTES);
    batched.uncharge(PAGE_BYTES);
  }

  /// Exact at every moment.
  @Benchmark
  public void strict() {
    strict.charge(PAGE_BYTES);
    strict.uncharge(PAGE_BYTES);
  }

  /// A page run, not charged.
  @Benchmark
  public long pair() {
    long page = pages.allocatePageRun(1);
    pages.freePageRun(page, 1);
    return page;
  }

  /// A page run, charged.
  @Benchmark
  public long chargedPair() {
    batched.charge(PAGE_BYTES);
    long page = pages.allocatePageRun(1);
    pages.freePageRun(page, 1);
    batched.uncharge(PAGE_BYTES);
    return page;
  }
}
