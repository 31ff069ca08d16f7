package dev.octavo.examples;

import dev.octavo.bench.strategy.PageStrategy;
import java.util.Arrays;

/// Plays a trace against a strategy, watched: samples of the free blocks, a map of the region at
/// the end, and a listener that is told of every block.
///
/// A request that fails is counted, and its free left out.
final class Replay {
  private static final int FAILED = -1;

  private final Trace trace;
  private final PageStrategy strategy;
  private final Watcher watcher;
  private final int[] pageOf;
  private int failures;

  /// Told of every block while it is allocated, and of progress.
  interface Watcher {
    default void allocated(int id, long page, int order) {}

    default void freeing(int id, long page, int order) {}

    default void progress(int eventsDone) {}
  }

  /// What a replay leaves behind when its last event has been played.
  record Outcome(String name, int failures, FragmentationSeries series, RegionMap map) {}

  Replay(Trace trace, PageStrategy strategy, Watcher watcher) {
    this.trace = trace;
    this.strategy = strategy;
    this.watcher = watcher;
    pageOf = new int[trace.idCount()];
    Arrays.fill(pageOf, FAILED);
  }

  /// Plays all events; what the trace does not free stays allocated.
  Outcome run() {
    FragmentationSeries series = new FragmentationSeries(trace.eventCount());
    int nextSample = series.interval();
    for (int i = 0; i < trace.eventCount(); i++) {
      play(trace.event(i));
      if (i + 1 == nextSample || i + 1 == trace.eventCount()) {
        series.add(i + 1, strategy.freeBlocks());
        watcher.progress(i + 1);
        nextSample += series.interval();
      }
    }
    return new Outcome(strategy.name(), failures, series, map());
  }

  private void play(int event) {
    if (Trace.isAllocation(event)) {
      allocate(event);
    } else if (pageOf[Trace.freedId(event)] != FAILED) {
      free(Trace.freedId(event));
    }
  }

  private void allocate(int id) {
    int order = trace.order(id);
    long page = strategy.allocate(order, trace.mobility(id));
    if (page == PageStrategy.NO_PAGE) {
      failures++;
      return;
    }
    pageOf[id] = (int) page;
    watcher.allocated(id, page, order);
  }

  private void free(int id) {
    long page = pageOf[id];
    int order = trace.order(id);
    pageOf[id] = FAILED;
    watcher.freeing(id, page, order);
    strategy.free(page, order);
  }

  private RegionMap map() {
    RegionMap map = RegionMap.empty(strategy.pageCount(), trace.pageSize());
    for (int id = 0; id < pageOf.length; id++) {
      if (pageOf[id] != FAILED) {
        map.addBlock(pageOf[id], trace.order(id));
      }
    }
    return map;
  }

  /// Frees what the trace left allocated; returns how many blocks that were.
  int freeRest() {
    int freed = 0;
    for (int id = 0; id < pageOf.length; id++) {
      if (pageOf[id] != FAILED) {
        free(id);
        freed++;
      }
    }
    return freed;
  }
}
