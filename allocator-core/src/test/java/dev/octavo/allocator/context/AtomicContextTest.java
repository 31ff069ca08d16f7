package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.Threads;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// What a scope means, and who may close it.
class AtomicContextTest {

  /// Platform threads and virtual ones: everything is the same on both.
  static final List<ThreadFactory> KINDS =
      List.of(Thread.ofPlatform().factory(), Thread.ofVirtual().factory());

  static <T> T on(ThreadFactory threads, Callable<T> work) throws Exception {
    FutureTask<T> task = new FutureTask<>(work);
    threads.newThread(task).start();
    return Threads.results(List.of(task)).getFirst();
  }

  private static boolean isForbidden() {
    return AtomicContext.isSleepForbidden();
  }

  private static void assertMisuse(ThrowingCallable close, String message) {
    List<String> before = AtomicContext.sections();
    assertThatThrownBy(close).isExactlyInstanceOf(IllegalStateException.class).hasMessage(message);
    assertThat(AtomicContext.sections()).isEqualTo(before);
  }

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(AtomicContext.sections()).isEmpty();
    assertThat(isForbidden()).isFalse();
    assertThat(AtomicContext.isNoReclaim()).isFalse();
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void theInnermostEnterOrAllowDecides(ThreadFactory threads) throws Exception {
    List<Boolean> seen =
        on(
            threads,
            () -> {
              List<Boolean> forbidden = new ArrayList<>();
              forbidden.add(isForbidden());
              try (var _ = AtomicContext.enter("a")) {
                forbidden.add(isForbidden());
                try (var _ = AtomicContext.allow("b")) {
                  forbidden.add(isForbidden());
                  try (var _ = AtomicContext.enter("c")) {
                    forbidden.add(isForbidden());
                  }
                  forbidden.add(isForbidden());
                }
                forbidden.add(isForbidden());
              }
              forbidden.add(isForbidden());
              return forbidden;
            });
    assertThat(seen).containsExactly(false, true, false, true, false, true, false);
  }

  @Test
  void noReclaimChangesNothingAboutSleepingAndHoldsInEverythingInside() {
    try (var _ = AtomicContext.noReclaim("shrinker")) {
      assertThat(AtomicContext.isNoReclaim()).isTrue();
      assertThat(isForbidden()).isFalse();
      try (var _ = AtomicContext.enter("a")) {
        assertThat(AtomicContext.isNoReclaim()).isTrue();
        assertThat(isForbidden()).isTrue();
        try (var _ = AtomicContext.allow("b")) {
          assertThat(AtomicContext.isNoReclaim()).isTrue();
          assertThat(isForbidden()).isFalse();
        }
        try (var _ = AtomicContext.noReclaim("again")) {
          assertThat(isForbidden()).isTrue();
        }
        assertThat(AtomicContext.isNoReclaim()).isTrue();
      }
    }
  }

  @Test
  void sectionsAreNamedInnermostLastWhateverIsBetween() {
    try (var _ = AtomicContext.enter("request");
        var _ = AtomicContext.noReclaim("shrinker");
        var _ = AtomicContext.allow("warm-up");
        var _ = AtomicContext.enter("flush");
        var _ = AtomicContext.allow("log")) {
      assertThat(AtomicContext.sections()).containsExactly("request", "flush").isUnmodifiable();
    }
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void threadsStartedInsideKnowNothingOfIt(ThreadFactory threads) throws Exception {
    try (var _ = AtomicContext.enter("a");
        var _ = AtomicContext.noReclaim("b")) {
      assertThat(on(threads, AtomicContext::isSleepForbidden)).isFalse();
      assertThat(on(threads, AtomicContext::isNoReclaim)).isFalse();
      assertThat(on(threads, AtomicContext::sections)).isEmpty();
      Thread here = Thread.currentThread();
      assertThat(
              IntStream.range(0, 10_000)
                  .parallel()
                  .filter(_ -> isForbidden() != here.equals(Thread.currentThread()))
                  .count())
          .isZero();
    }
  }

  /// Each yield may change the carrier.
  @Test
  @SuppressWarnings("ThreadPriorityCheck") // nothing relies on what yield does
  void aScopeFollowsAVirtualThreadFromCarrierToCarrier() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<FutureTask<Boolean>> tasks = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      String label = "section-" + i;
      FutureTask<Boolean> task =
          new FutureTask<>(
              () -> {
                boolean isRight = true;
                try (var _ = AtomicContext.enter(label)) {
                  for (int j = 0; j < 100; j++) {
                    Thread.yield();
                    isRight &= isForbidden() && AtomicContext.sections().equals(List.of(label));
                  }
                }
                return isRight && !isForbidden();
              });
      tasks.add(task);
      threads.add(Thread.startVirtualThread(task));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(Threads.results(List.copyOf(tasks))).hasSize(64).containsOnly(true);
  }

  @Test
  void closingTwiceIsAnErrorAndChangesNothing() {
    AtomicContext outer = AtomicContext.enter("outer");
    AtomicContext inner = AtomicContext.enter("inner");
    inner.close();
    assertMisuse(inner::close, "a scope is closed once: closing=inner, innermost=outer");
    AtomicContext next = AtomicContext.enter("next"); // at the same depth
    assertMisuse(inner::close, "a scope is closed once: closing=inner, innermost=next");
    next.close();
    outer.close();
    assertMisuse(outer::close, "a scope is closed once: closing=outer, innermost=null");
  }

  @Test
  void closingOutOfOrderIsAnErrorAndChangesNothing() {
    AtomicContext outer = AtomicContext.enter("outer");
    AtomicContext middle = AtomicContext.allow("middle");
    AtomicContext inner = AtomicContext.enter("inner");
    assertMisuse(outer::close, "scopes are closed innermost first: closing=outer, innermost=inner");
    assertMisuse(
        middle::close, "scopes are closed innermost first: closing=middle, innermost=inner");
    assertThat(isForbidden()).isTrue();
    inner.close();
    assertThat(isForbidden()).isFalse();
    middle.close();
    outer.close();
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void closingOnAnotherThreadIsAnErrorAndChangesNothing(ThreadFactory threads) throws Exception {
    Thread opener = Thread.currentThread();
    AtomicContext open = AtomicContext.enter("here");
    on(
        threads,
        () -> {
          Thread.currentThread().setName("other");
          String thread = ", opener=" + opener.getName() + ", thread=other";
          String rule = "a scope is closed by the thread that opened it: closing=here, innermost=";
          assertMisuse(open::close, rule + "null" + thread);
          try (var _ = AtomicContext.enter("there")) {
            assertMisuse(open::close, rule + "there" + thread);
          }
          return true;
        });
    assertThat(isForbidden()).isTrue();
    open.close();
  }

  @Test
  @SuppressWarnings("NullAway")
  void labelsAreRequired() {
    try (var _ = AtomicContext.enter("a")) {
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> AtomicContext.enter(null),
              () -> AtomicContext.allow(null),
              () -> AtomicContext.noReclaim(null))) {
        assertThatThrownBy(call).isInstanceOf(NullPointerException.class).hasMessage("label");
      }
      assertThat(AtomicContext.sections()).containsExactly("a");
      assertThat(isForbidden()).isTrue();
    }
  }

  @Test
  void scopesNestToALimit() {
    Deque<AtomicContext> open = new ArrayDeque<>();
    for (int i = 0; i < Sections.MAX_DEPTH; i++) {
      open.push(AtomicContext.enter("s" + i));
    }
    assertThatThrownBy(() -> AtomicContext.enter("more"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("scopes nest too deep: depth=16384, label=more, innermost=s16383");
    assertThat(AtomicContext.sections()).hasSize(Sections.MAX_DEPTH).endsWith("s16383");
    open.forEach(AtomicContext::close);
  }

  /// Against a plain stack: any mix of scopes, closed in order or not.
  @Test
  void randomScopesAreAsAPlainStackSays() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    record Scope(char kind, String label, AtomicContext token) {}
    List<Scope> model = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      String as = "seed=" + seed + ", step=" + i;
      int choice = random.nextInt(8);
      String label = "label" + random.nextInt(5);
      switch (choice) {
        case 0 -> model.add(new Scope('e', label, AtomicContext.enter(label)));
        case 1 -> model.add(new Scope('a', label, AtomicContext.allow(label)));
        case 2 -> model.add(new Scope('n', label, AtomicContext.noReclaim(label)));
        case 3 -> {
          if (model.size() > 1) {
            Scope wrong = model.get(random.nextInt(model.size() - 1));
            assertThatThrownBy(wrong.token()::close).as(as).hasMessageContaining(wrong.label());
          }
        }
        default -> {
          if (!model.isEmpty()) {
            model.removeLast().token().close();
          }
        }
      }
      assertThat(AtomicContext.sections())
          .as(as)
          .isEqualTo(model.stream().filter(s -> s.kind() == 'e').map(Scope::label).toList());
      char last =
          model.reversed().stream()
              .map(Scope::kind)
              .filter(kind -> kind != 'n')
              .findFirst()
              .orElse('a');
      assertThat(isForbidden()).as(as).isEqualTo(last == 'e');
      assertThat(AtomicContext.isNoReclaim())
          .as(as)
          .isEqualTo(model.stream().anyMatch(s -> s.kind() == 'n'));
    }
    model.reversed().forEach(scope -> Objects.requireNonNull(scope.token()).close());
  }
}
