package dev.octavo.bench.report;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// Ends the JVM of a row that takes too long: a benchmark that hangs costs its row, not the run.
///
/// Used by the thread that runs the benchmarks alone.
final class RowLimit {
  private final Duration limit;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("row-limit").factory());
  private @Nullable ScheduledFuture<?> pending;

  RowLimit(Duration limit) {
    this.limit = limit;
  }

  /// Starts the clock for a row; that of the row before stops.
  void begin() {
    end();
    pending = timer.schedule(RowLimit::killForks, limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  /// Stops the clock.
  void end() {
    if (pending != null) {
      pending.cancel(false);
      pending = null;
    }
  }

  /// The forks are all the children that this process has.
  private static void killForks() {
    ProcessHandle.current().children().forEach(ProcessHandle::destroyForcibly);
  }
}
