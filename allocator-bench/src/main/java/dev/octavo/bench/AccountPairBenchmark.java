package dev.octavo.bench;

import dev.octavo.allocator.AccountAllocator;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// What accounts cost who allocates: a pair of segments in the name of an account three levels
/// deep, beside the same pair on an allocator without accounts. Run with `-t 1` and `-t 2`;
/// nanoseconds of one thread.
@State(Scope.Benchmark)
public class AccountPairBenchmark extends AverageTimeBenchmark {

  private static final long CAPACITY = 1L << 30;

  /// A page, and 33 pages.
  @Param({"4096", "135168"})
  private int byteSize;

  private PageAllocator without;
  private PageAllocator with;
  private AccountAllocator tenant;

  /// Opens both allocators and an account.
  @Setup
  public void open() {
    without = PageAllocator.builder().capacity(CAPACITY).build();
    MemoryAccount root = MemoryAccount.root("engine").max(CAPACITY).open();
    MemoryAccount account = root.child("tenants").open().child("tenant").max(CAPACITY / 2).open();
    with = PageAllocator.builder().capacity(CAPACITY).accounts(root).build();
    tenant = with.under(account);
  }

  /// Closes them.
  @TearDown
  public void close() {
    tenant.close();
    with.close();
    without.close();
  }

  /// Nobody pays.
  @Benchmark
  public MemorySegment uncharged() {
    MemorySegment segment = without.allocate(byteSize);
    without.free(segment);
    return segment;
  }

  /// The account pays.
  @Benchmark
  public MemorySegment charged() {
    MemorySegment segment = tenant.allocate(byteSize, 1);
    tenant.free(segment);
    return segment;
  }
}
