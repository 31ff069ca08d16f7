package dev.octavo.bench;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.context.SleepGuard;
import java.util.function.IntSupplier;
import jdk.jfr.Recording;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/// What the sleep guard costs: the check, and opening and closing a section. Each method also
/// counts; [#unguarded] does that alone.
///
/// The state of a thread is old before anything is measured, as in a program that runs for long: a
/// collector's barriers cost more there.
@State(Scope.Thread)
public class GuardBenchmark extends AverageTimeBenchmark {

  private static final int LOOPS = 1 << 20;
  private static final String WHAT = "GuardBenchmark";

  private final SleepGuard off = SleepGuard.of(SleepGuard.Mode.OFF);
  private final SleepGuard warn = SleepGuard.of(SleepGuard.Mode.WARN);
  private int count;

  /// A JVM in which sections are used, but not by the thread that measures.
  @State(Scope.Benchmark)
  public static class Used {

    /// Uses one, in a thread that ends.
    @Setup
    public void use() throws InterruptedException {
      Thread.ofPlatform().start(GuardBenchmark::enterAndClose).join();
    }
  }

  /// A thread that has used sections.
  @State(Scope.Thread)
  public static class Entered {

    /// Uses some, and makes what it leaves old.
    @Setup
    public void enter() {
      enterAndClose();
      System.gc();
      System.gc();
    }
  }

  /// A kind of threads is declared that none is of.
  @State(Scope.Benchmark)
  public static class Kinds {
    private AtomicContext.Registration kind;

    /// Declares it.
    @Setup
    public void declare() {
      kind = AtomicContext.treatThreads("none", thread -> thread.getName().isEmpty());
    }

    /// Ends it.
    @TearDown
    public void end() {
      kind.close();
    }
  }

  /// The flight recorder runs, and takes sections of 20 ms and longer.
  @State(Scope.Benchmark)
  public static class Recorded {
    private Recording recording;

    /// Starts it.
    @Setup
    public void start() {
      recording = new Recording();
      settings(recording);
      recording.start();
    }

    /// What it takes.
    void settings(Recording started) {
      started.enable("dev.octavo.AtomicSection");
    }

    /// Ends it.
    @TearDown
    public void end() {
      recording.close();
    }
  }

  /// The flight recorder runs, without sections.
  @State(Scope.Benchmark)
  public static class RecordedOthers extends Recorded {
    @Override
    void settings(Recording started) {
      started.disable("dev.octavo.AtomicSection");
    }
  }

  private static void enterAndClose() {
    try (var _ = AtomicContext.enter("used")) {
      AtomicContext.isSleepForbidden();
    }
  }

  /// Nothing but the count.
  @Benchmark
  public int unguarded() {
    return ++count;
  }

  /// A guard that is off.
  @Benchmark
  public int checkOff(Used used) {
    off.check(WHAT);
    return ++count;
  }

  /// No section was ever opened in the JVM.
  @Benchmark
  public int checkNeverUsed() {
    warn.check(WHAT);
    return ++count;
  }

  /// Sections are used, by other threads.
  @Benchmark
  public int checkNeverEntered(Used used) {
    warn.check(WHAT);
    return ++count;
  }

  /// The thread has been in a section before.
  @Benchmark
  public int checkAfterwards(Entered entered) {
    warn.check(WHAT);
    return ++count;
  }

  /// A kind of threads is declared, not that of this one.
  @Benchmark
  public int checkOtherKind(Kinds kinds) {
    warn.check(WHAT);
    return ++count;
  }

  /// A section.
  @Benchmark
  public int enterExit(Entered entered) {
    try (var _ = AtomicContext.enter("flush")) {
      return ++count;
    }
  }

  /// The same while the flight recorder takes other events.
  @Benchmark
  public int enterExitRecordedOthers(Entered entered, RecordedOthers recorded) {
    try (var _ = AtomicContext.enter("flush")) {
      return ++count;
    }
  }

  /// The same while the flight recorder takes sections that are longer.
  @Benchmark
  public int enterExitRecorded(Entered entered, Recorded recorded) {
    try (var _ = AtomicContext.enter("flush")) {
      return ++count;
    }
  }

  /// A section in a section.
  @Benchmark
  public int enterExitNested(Entered entered) {
    try (var _ = AtomicContext.enter("request");
        var _ = AtomicContext.enter("flush")) {
      return ++count;
    }
  }

  /// A section in which a call is permitted and checked.
  @Benchmark
  public int enterAllowCheckExit(Entered entered) {
    try (var _ = AtomicContext.enter("request");
        var _ = AtomicContext.allow("measured")) {
      warn.check(WHAT);
      return ++count;
    }
  }

  /// Two sections, one after the other, of different labels; nanoseconds for both.
  @Benchmark
  public int enterExitTwoLabels(Entered entered) {
    try (var _ = AtomicContext.enter("request")) {
      count++;
    }
    try (var _ = AtomicContext.enter("flush")) {
      return ++count;
    }
  }

  /// Checks on a virtual thread that never entered.
  @Benchmark
  @OperationsPerInvocation(LOOPS)
  public int virtualCheckNeverEntered(Used used, Blackhole sink) throws InterruptedException {
    return onVirtualThread(() -> checkNeverEntered(used), sink);
  }

  /// Sections on a virtual thread.
  @Benchmark
  @OperationsPerInvocation(LOOPS)
  public int virtualEnterExit(Entered entered, Blackhole sink) throws InterruptedException {
    return onVirtualThread(() -> enterExit(entered), sink);
  }

  /// The count on a virtual thread, and nothing else.
  @Benchmark
  @OperationsPerInvocation(LOOPS)
  public int virtualUnguarded(Blackhole sink) throws InterruptedException {
    return onVirtualThread(this::unguarded, sink);
  }

  private int onVirtualThread(IntSupplier work, Blackhole sink) throws InterruptedException {
    Thread.startVirtualThread(
            () -> {
              for (int i = 0; i < LOOPS; i++) {
                sink.consume(work.getAsInt());
              }
            })
        .join();
    return count;
  }
}
