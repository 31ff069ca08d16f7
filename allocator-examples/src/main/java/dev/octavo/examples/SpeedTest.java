package dev.octavo.examples;

import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.reclaim.Watermarks;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.OctavoStrategy;
import dev.octavo.bench.strategy.PageStrategy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Times a trace with nothing but the allocator at work: no stamps, no samples, memory untouched.
///
/// A pass plays all events on a new allocator, in one thread; the clock runs around the events
/// only. Passes of the contestants alternate, so that a slow moment of the machine hits all. The
/// segments lie in one piece of memory that all passes share.
final class SpeedTest {
  private static final int WARMUP_PASSES = 10;
  private static final int FAILED = -1;

  private final Trace trace;
  private final int pageCount;

  /// Nanoseconds an event over the passes that count.
  record Speed(String name, double median, double fastest, double slowest) {}

  /// Plays the trace once on something new; returns how long the events took.
  private interface Pass {
    long nanos();
  }

  private record Contestant(String name, Pass pass) {}

  SpeedTest(Trace trace, int pageCount) {
    this.trace = trace;
    this.pageCount = pageCount;
  }

  List<Speed> run(int passes, Progress progress) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate((long) pageCount * trace.pageSize(), trace.pageSize());
      return race(
          List.of(
              new Contestant("Octavo, page runs", this::octavoRuns),
              new Contestant("Octavo, memory segments", () -> octavoSegments(memory)),
              new Contestant("Linux's policy (lock, unchecked)", this::linux)),
          passes,
          progress);
    }
  }

  private List<Speed> race(List<Contestant> contestants, int passes, Progress progress) {
    double[][] nanos = new double[contestants.size()][passes];
    progress.begin("timing", WARMUP_PASSES + passes);
    for (int pass = -WARMUP_PASSES; pass < passes; pass++) {
      for (int i = 0; i < nanos.length; i++) {
        double perEvent = (double) contestants.get(i).pass().nanos() / trace.eventCount();
        if (pass >= 0) {
          nanos[i][pass] = perEvent;
        }
      }
      progress.at(WARMUP_PASSES + pass + 1);
    }
    List<Speed> speeds = new ArrayList<>();
    for (int i = 0; i < nanos.length; i++) {
      speeds.add(speed(contestants.get(i).name(), nanos[i]));
    }
    return speeds;
  }

  private static Speed speed(String name, double[] nanos) {
    Arrays.sort(nanos);
    int last = nanos.length - 1;
    double median = (nanos[last / 2] + nanos[nanos.length / 2]) / 2;
    return new Speed(name, median, nanos[0], nanos[last]);
  }

  private long linux() {
    return playRuns(new LinuxBuddy(pageCount));
  }

  private long octavoRuns() {
    long byteSize = (long) pageCount * trace.pageSize();
    try (PageAllocator allocator =
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .capacity(byteSize)
            .pageSize(trace.pageSize())
            .region(MemoryRegion.reserveOnly(byteSize))
            .build()) {
      return playRuns(new OctavoStrategy(allocator));
    }
  }

  private long playRuns(PageStrategy strategy) {
    int[] pageOf = new int[trace.idCount()];
    Arrays.fill(pageOf, FAILED);
    long start = System.nanoTime();
    for (int i = 0; i < trace.eventCount(); i++) {
      int event = trace.event(i);
      if (Trace.isAllocation(event)) {
        pageOf[event] = (int) strategy.allocate(trace.order(event));
      } else {
        int id = Trace.freedId(event);
        if (pageOf[id] != FAILED) {
          strategy.free(pageOf[id], trace.order(id));
          pageOf[id] = FAILED;
        }
      }
    }
    long nanos = System.nanoTime() - start;
    freeRest(strategy, pageOf);
    return nanos;
  }

  private void freeRest(PageStrategy strategy, int[] pageOf) {
    for (int id = 0; id < pageOf.length; id++) {
      if (pageOf[id] != FAILED) {
        strategy.free(pageOf[id], trace.order(id));
      }
    }
  }

  private long octavoSegments(MemorySegment memory) {
    try (PageAllocator allocator =
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .pageSize(trace.pageSize())
            .region(MemoryRegion.of(memory))
            .build()) {
      return playSegments(allocator);
    }
  }

  private long playSegments(PageAllocator allocator) {
    @Nullable MemorySegment[] blocks = new MemorySegment[trace.idCount()];
    long start = System.nanoTime();
    for (int i = 0; i < trace.eventCount(); i++) {
      int event = trace.event(i);
      if (Trace.isAllocation(event)) {
        blocks[event] = allocator.tryAllocatePages(trace.order(event));
      } else {
        MemorySegment block = blocks[Trace.freedId(event)];
        if (block != null) {
          allocator.free(block);
          blocks[Trace.freedId(event)] = null;
        }
      }
    }
    long nanos = System.nanoTime() - start;
    for (MemorySegment block : blocks) {
      if (block != null) {
        allocator.free(block);
      }
    }
    return nanos;
  }
}
