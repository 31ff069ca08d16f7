package dev.octavo.bench;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/// What it costs that free memory can go back to the system: nanoseconds for a run that is
/// allocated and freed at once, where nobody marks what was used, where it is marked and stays, and
/// where a thread looks for free memory a hundred times as often as it does by default.
@State(Scope.Thread)
public class PurgeBenchmark extends AverageTimeBenchmark {

  private static final long BYTES = 64 << 20;
  private static final Duration OFTEN = Duration.ofMillis(40);

  /// Whether memory is marked and goes back.
  @Param({"off", "marked", "on"})
  String purge;

  /// The length of the run.
  @Param({"1", "33"})
  int pages;

  private Arena own;
  private PageAllocator allocator;

  /// Opens the region; most of it has been used, so that there is something to give back.
  @Setup
  public void open() {
    own = Arena.ofShared();
    allocator =
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .region(
                purge.equals("off")
                    ? MemoryRegion.of(own.allocate(BYTES, 2 << 20))
                    : MemoryRegion.mapped(BYTES))
            .purgeDelay(purge.equals("on") ? OFTEN : ChronoUnit.FOREVER.getDuration())
            .build();
    int most = (int) (BYTES / allocator.pageSize()) - 100;
    long page = allocator.allocatePageRun(most);
    allocator.segment(page, most).fill((byte) 1);
    allocator.freePageRun(page, most);
  }

  /// Closes it.
  @TearDown
  public void close() {
    allocator.close();
    own.close();
  }

  /// Allocates a run and frees it.
  @Benchmark
  public long pair() {
    long page = allocator.allocatePageRun(pages);
    allocator.freePageRun(page, pages);
    return page;
  }
}
