package dev.octavo.bench;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.OomCandidate;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.oom.OomSnapshot;
import dev.octavo.allocator.oom.OomVerdict;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// Choosing a victim among many candidates of random usage, adj and age. Nanoseconds a decision;
/// the snapshot is made before.
@State(Scope.Thread)
public class OomSelectionBenchmark extends AverageTimeBenchmark {

  private static final long SEED = 6;
  private static final long TOTAL_BYTES = 1L << 34;
  private static final long REQUEST_BYTES = 1 << 20;
  private static final int PAGE_BYTES = 4096;
  private static final int ADJ_BOUND = 500;
  private static final int PROTECTED_ONE_IN = 10;

  /// How many.
  @Param({"10", "1000", "100000"})
  int candidates;

  /// Which policy.
  @Param({"kernel", "largest", "bestFit", "leastWastedWork", "kernelProtecting"})
  String policy;

  private OomPolicy decider;
  private OomSnapshot snapshot;

  /// Makes the candidates.
  @Setup
  public void make() {
    SplittableRandom random = new SplittableRandom(SEED);
    List<OomCandidate> made = new ArrayList<>();
    for (int id = 1; id <= candidates; id++) {
      made.add(
          new OomCandidate(
              id,
              "engine/tenants/t" + id,
              0,
              random.nextLong(TOTAL_BYTES / candidates * 2),
              0,
              random.nextInt(-ADJ_BOUND, ADJ_BOUND),
              Preference.NORMAL,
              random.nextLong(Long.MAX_VALUE),
              false,
              true,
              false));
    }
    OomSnapshot.Request request =
        OomSnapshot.Request.of("worker", "BLOCKING", REQUEST_BYTES, PAGE_BYTES);
    snapshot = new OomSnapshot("engine", TOTAL_BYTES, 0, request, OomSnapshot.NO_VICTIM, made);
    decider = policy(policy);
  }

  private static OomPolicy policy(String name) {
    return switch (name) {
      case "kernel" -> OomPolicy.kernel();
      case "largest" -> OomPolicy.largest();
      case "bestFit" -> OomPolicy.bestFit();
      case "leastWastedWork" -> OomPolicy.leastWastedWork();
      case "kernelProtecting" ->
          OomPolicy.kernel().protecting(candidate -> candidate.id() % PROTECTED_ONE_IN == 0);
      default -> throw new IllegalArgumentException("unknown policy: name=" + name);
    };
  }

  /// Decides.
  @Benchmark
  public OomVerdict decide() {
    return decider.decide(snapshot);
  }
}
