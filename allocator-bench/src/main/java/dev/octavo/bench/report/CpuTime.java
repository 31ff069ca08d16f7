package dev.octavo.bench.report;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.ScalarResult;

/// A profiler for JMH: CPU time of all Java threads for each operation, in nanoseconds.
///
/// The time in which other processes have the CPU does not count, nor does that of the compiler and
/// the collector, or the time in which a thread waits.
public final class CpuTime implements InternalProfiler {

  /// The name of the metric.
  static final String METRIC = "cpu";

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
  private long startNanos;

  /// Makes a profiler; JMH does, by the name of the class.
  public CpuTime() {}

  @Override
  public String getDescription() {
    return "CPU time of all Java threads";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    startNanos = nanos();
  }

  @Override
  public Collection<ScalarResult> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    double nanos = (double) (nanos() - startNanos) / result.getMetadata().getAllOps();
    return List.of(new ScalarResult(METRIC, nanos, "ns/op", AggregationPolicy.AVG));
  }

  /// Returns the CPU time of all live Java threads; JMH's workers live through all iterations.
  private long nanos() {
    long sum = 0;
    for (long id : threads.getAllThreadIds()) {
      sum += Math.max(0, threads.getThreadCpuTime(id));
    }
    return sum;
  }
}
