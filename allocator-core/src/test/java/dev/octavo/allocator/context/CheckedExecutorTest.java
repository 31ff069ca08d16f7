package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.context.SleepGuard.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Tasks that end inside of a scope.
class CheckedExecutorTest {

  private final List<String> log = new ArrayList<>();

  private SleepGuard guard(Mode mode) {
    return new SleepGuard(mode, () -> 0, log::add);
  }

  private static void leak() {
    AtomicContext.enter("outer");
    AtomicContext.allow("inner");
  }

  @ParameterizedTest
  @EnumSource
  void whatATaskLeavesOpenIsClosedInEveryMode(Mode mode) {
    Executor checking = AtomicContext.checking(Runnable::run, guard(mode));
    try (var _ = AtomicContext.enter("caller")) {
      try {
        checking.execute(CheckedExecutorTest::leak);
      } catch (IllegalStateException leak) {
        assertThat(mode).isEqualTo(Mode.THROW);
      }
      assertThat(AtomicContext.sections()).containsExactly("caller");
      assertThat(AtomicContext.isSleepForbidden()).isTrue();
    }
    assertThat(AtomicContext.isSleepForbidden()).isFalse();
  }

  @Test
  void aLeakIsReportedAsTheModeSays() {
    SleepGuard guard = guard(Mode.OFF);
    Executor checking = AtomicContext.checking(Runnable::run, guard);
    checking.execute(CheckedExecutorTest::leak);
    assertThat(guard.totals()).isEqualTo(new SleepGuard.Totals(0, 0, 0, 0));
    guard.setMode(Mode.COUNT);
    checking.execute(CheckedExecutorTest::leak);
    assertThat(guard.totals()).isEqualTo(new SleepGuard.Totals(0, 1, 1, 0));
    assertThat(log).isEmpty();

    String expected =
        "BUG: task ended in atomic sections: "
            + "task=dev.octavo.allocator.context.CheckedExecutorTest$$Lambda, "
            + "sections=[outer, inner], depth=2, expectedDepth=0, thread="
            + Thread.currentThread().getName()
            + ", virtual=false";
    guard.setMode(Mode.WARN);
    checking.execute(CheckedExecutorTest::leak);
    assertThat(log).containsExactly(expected);
    guard.setMode(Mode.THROW);
    assertThatThrownBy(() -> checking.execute(CheckedExecutorTest::leak))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage(expected);
    assertThat(guard.totals().leaks()).isEqualTo(3);
  }

  @Test
  void logsOfLeaksAreLimitedByTask() {
    SleepGuard guard = guard(Mode.WARN);
    Executor checking = AtomicContext.checking(Runnable::run, guard);
    for (int i = 0; i < 100; i++) {
      checking.execute(CheckedExecutorTest::leak);
    }
    assertThat(log).hasSize(1 + SiteLimits.BURST);
    assertThat(guard.totals())
        .isEqualTo(new SleepGuard.Totals(0, 100, 1, 100 - 1 - SiteLimits.BURST));
  }

  @ParameterizedTest
  @EnumSource
  void theExceptionOfATaskComesFirst(Mode mode) {
    Executor checking = AtomicContext.checking(Runnable::run, guard(mode));
    assertThatThrownBy(
            () ->
                checking.execute(
                    () -> {
                      leak();
                      throw new UnsupportedOperationException("of the task");
                    }))
        .isInstanceOf(UnsupportedOperationException.class)
        .satisfies(
            thrown -> assertThat(thrown.getSuppressed()).hasSize(mode == Mode.THROW ? 1 : 0));
    assertThat(AtomicContext.sections()).isEmpty();
  }

  @Test
  void tasksThatCloseWhatTheyOpenAreLeftAlone() {
    SleepGuard guard = guard(Mode.THROW);
    Executor checking = AtomicContext.checking(Runnable::run, guard);
    assertThatNoException()
        .isThrownBy(
            () -> {
              checking.execute(() -> {});
              checking.execute(() -> AtomicContext.enter("a").close());
            });
    assertThat(guard.totals().leaks()).isZero();
  }

  /// The next task of the same thread starts outside of all scopes.
  @Test
  void aPooledThreadIsHandedOnClean() throws Exception {
    try (ExecutorService pool = Executors.newSingleThreadExecutor()) {
      SleepGuard guard = guard(Mode.COUNT);
      Executor checking = AtomicContext.checking(pool, guard);
      checking.execute(CheckedExecutorTest::leak);
      assertThat(pool.submit(AtomicContext::isSleepForbidden).get()).isFalse();
      assertThat(guard.totals().leaks()).isEqualTo(1);
      pool.submit(CheckedExecutorTest::leak).get(); // unchecked
      assertThat(pool.submit(AtomicContext::sections).get()).containsExactly("outer");
    }
  }

  @Test
  @SuppressWarnings("NullAway")
  void argumentsAreRequired() {
    assertThatThrownBy(() -> AtomicContext.checking(null)).hasMessage("executor");
    assertThatThrownBy(() -> AtomicContext.checking(Runnable::run, null)).hasMessage("guard");
    assertThatThrownBy(() -> AtomicContext.checking(Runnable::run).execute(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("task");
  }
}
