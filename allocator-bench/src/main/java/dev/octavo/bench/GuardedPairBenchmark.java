package dev.octavo.bench;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// What the sleep guard costs a request: a page allocated and freed, in nanoseconds. Sections are
/// used in this JVM, by another thread.
@State(Scope.Thread)
public class GuardedPairBenchmark extends AverageTimeBenchmark {

  private static final long CAPACITY = 64 << 20;
  private static final long PAGE_BYTES = 4 << 10;
  private static final int EXERCISES = 200_000;

  private PageAllocator off;
  private PageAllocator armed;

  /// Opens both allocators, uses a section elsewhere, and requests of several sizes here.
  @Setup
  public void open() throws InterruptedException {
    off = open(SleepGuard.Mode.OFF);
    armed = open(SleepGuard.Mode.WARN);
    Thread.ofPlatform().start(() -> AtomicContext.enter("elsewhere").close()).join();
    for (int i = 0; i < EXERCISES; i++) {
      long byteSize = PAGE_BYTES * (1 + i % 5 * 8);
      off.free(off.allocate(byteSize));
      armed.free(armed.allocate(byteSize));
      off.free(requireNonNull(off.tryAllocate(byteSize)));
    }
  }

  private static PageAllocator open(SleepGuard.Mode mode) {
    return PageAllocator.builder().capacity(CAPACITY).sleepGuard(SleepGuard.of(mode)).build();
  }

  /// Gives the memory back.
  @TearDown
  public void close() {
    off.close();
    armed.close();
  }

  /// A request that looks at no guard, as it never sleeps.
  @Benchmark
  public MemorySegment unguarded() {
    MemorySegment segment = requireNonNull(off.tryAllocate(PAGE_BYTES));
    off.free(segment);
    return segment;
  }

  /// The guard is off.
  @Benchmark
  public MemorySegment off() {
    MemorySegment segment = off.allocate(PAGE_BYTES);
    off.free(segment);
    return segment;
  }

  /// The guard is armed, and the thread has never entered a section.
  @Benchmark
  public MemorySegment armed() {
    MemorySegment segment = armed.allocate(PAGE_BYTES);
    armed.free(segment);
    return segment;
  }
}
