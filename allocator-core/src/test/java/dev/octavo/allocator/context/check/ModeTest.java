package dev.octavo.allocator.context.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which calls with an allocation mode sleep. The enum is a stand-in, compiled apart.
class ModeTest {

  private static final String MODE =
      """
      package dev.octavo.allocator;
      public enum AllocationMode { BLOCKING, NOWAIT, ATOMIC }
      """;

  private static final String USER =
      """
      package com.example;
      import static dev.octavo.allocator.AllocationMode.*;
      import dev.octavo.allocator.AllocationMode;
      import dev.octavo.allocator.context.check.*;
      import java.util.function.*;
      abstract class User {
        static final AllocationMode OWN = NOWAIT;
        static AllocationMode last;
        static int size;

        @MightSleep static void get(long size, AllocationMode mode) {}
        @MightSleep static void first(AllocationMode mode, long size) {}
        @MightSleep static void two(AllocationMode mode, AllocationMode other) {}
        @MightSleep static void none() {}
        static long measure() { return 1; }

        @AtomicContext void quietNowait() { get(1, NOWAIT); }
        @AtomicContext void quietAtomic() { get(size + 1, ATOMIC); }
        @AtomicContext void quietFirst() { first(NOWAIT, 1); }
        @AtomicContext void quietStaticBehind() { first(NOWAIT, size); }
        @AtomicContext void quietAfterCall() { get(measure(), NOWAIT); }
        @AtomicContext void quietBranch(boolean b) { if (b) { get(1, NOWAIT); } else { get(2, ATOMIC); } }
        @AtomicContext void quietHandedOn() { pass(NOWAIT); }
        @AtomicContext void quietHandedTwice() { passTwice(NOWAIT, 1); }
        @AtomicContext void quietConstructor() { new Taker(1, ATOMIC); }
        @AtomicContext void quietCaptured() { capture(NOWAIT).run(); }

        @AtomicContext void sleepsBlocking() { get(1, BLOCKING); }
        @AtomicContext void sleepsVariable(AllocationMode mode) { get(1, mode); }
        @AtomicContext void sleepsField() { get(1, OWN); }
        @AtomicContext void sleepsLocal() { AllocationMode mode = NOWAIT; get(1, mode); }
        @AtomicContext void sleepsChoice(boolean b) { get(1, b ? BLOCKING : NOWAIT); }
        @AtomicContext void sleepsChoiceOtherWay(boolean b) { get(1, b ? NOWAIT : BLOCKING); }
        @AtomicContext void sleepsCompared(AllocationMode mode) { get(mode == NOWAIT ? 1 : 2, mode); }
        @AtomicContext void sleepsStored(AllocationMode mode) { last = NOWAIT; get(1, mode); }
        @AtomicContext void sleepsStoredFirst(AllocationMode mode) { last = NOWAIT; first(mode, 1); }
        @AtomicContext void sleepsOrdinalBehind(AllocationMode mode) { first(mode, NOWAIT.ordinal()); }
        @AtomicContext void sleepsTwo() { two(NOWAIT, NOWAIT); }
        @AtomicContext void sleepsWithout() { AllocationMode mode = NOWAIT; none(); }
        @AtomicContext void sleepsCallBehind() { first(BLOCKING, measure()); }
        @AtomicContext void sleepsHandedOn() { pass(BLOCKING); }
        @AtomicContext void sleepsAssigned() { assign(NOWAIT); }
        @AtomicContext void sleepsRegardless() { regardless(NOWAIT); }
        @AtomicContext void sleepsReference() { later(User::get); }
        @AtomicContext void sleepsCaptured() { capture(BLOCKING).run(); }

        void pass(AllocationMode mode) { get(1, mode); }
        void passTwice(AllocationMode mode, long size) { passOn(size, 0.5, mode); }
        void passOn(long size, double share, AllocationMode mode) { get(size, mode); }
        void assign(AllocationMode mode) { mode = last; get(1, mode); }
        void regardless(AllocationMode mode) { none(); }
        static void later(BiConsumer<Long, AllocationMode> task) {}
        static Runnable capture(AllocationMode mode) { return () -> get(1, mode); }
      }
      class Taker {
        Taker(long size, AllocationMode mode) { User.get(size, mode); }
      }
      """;

  @TempDir static Path folder;

  /// By the atomic method, where it ends.
  private static final Map<String, String> FOUND = new TreeMap<>();

  private static List<String> atomicMethods = List.of();

  @BeforeAll
  static void check() throws Exception {
    Path classes = Sources.compile(folder, "AllocationMode.java", MODE, "User.java", USER);
    SleepCheck.ofPaths(classes).violations().stream()
        .collect(Collectors.groupingBy(it -> it.atomicMethod().replaceAll(".*\\.|\\(.*", "")))
        .forEach((method, ways) -> FOUND.put(method, ways.getFirst().sleeper()));
    atomicMethods =
        USER.lines()
            .filter(line -> line.contains("@AtomicContext"))
            .map(line -> line.replaceAll(".* void |\\(.*", ""))
            .toList();
  }

  @Test
  void aCallWithAConstantThatNeverWaitsDoesNotSleep() {
    assertThat(atomicMethods).filteredOn(it -> it.startsWith("quiet")).hasSize(10);
    assertThat(FOUND.keySet()).noneMatch(it -> it.startsWith("quiet"));
  }

  @Test
  void allOthersSleep() {
    assertThat(FOUND.keySet())
        .containsExactlyInAnyOrderElementsOf(
            atomicMethods.stream().filter(it -> it.startsWith("sleeps")).toList());
  }

  @Test
  void theSleeperIsNamed() {
    assertThat(FOUND)
        .containsEntry("sleepsHandedOn", "com.example.User.get(long, AllocationMode) [@MightSleep]")
        .containsEntry("sleepsRegardless", "com.example.User.none() [@MightSleep]");
  }
}
