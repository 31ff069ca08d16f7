package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.context.AtomicContext.Registration;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// Threads that are atomic by kind.
class ThreadKindsTest {

  /// A thread of an event loop, as libraries have it.
  private static final class LoopThread extends Thread {
    LoopThread(Runnable work) {
      super(work);
    }
  }

  private static Registration loops() {
    return AtomicContext.treatThreads("loop", LoopThread.class::isInstance);
  }

  @Test
  void threadsOfTheKindAreAtomicAndOthersAreNot() throws Exception {
    try (var _ = loops()) {
      assertThat(AtomicContext.isSleepForbidden()).isFalse();
      AtomicContextTest.on(
          LoopThread::new,
          () -> {
            assertThat(AtomicContext.isSleepForbidden()).isTrue();
            assertThat(AtomicContext.sections()).containsExactly("loop");
            assertThat(AtomicContext.isNoReclaim()).isFalse();
            try (var _ = AtomicContext.allow("warm-up")) {
              assertThat(AtomicContext.isSleepForbidden()).isFalse();
              assertThat(AtomicContext.sections()).containsExactly("loop");
              try (var _ = AtomicContext.enter("flush")) {
                assertThat(AtomicContext.isSleepForbidden()).isTrue();
                assertThat(AtomicContext.sections()).containsExactly("loop", "flush");
              }
            }
            try (var _ = AtomicContext.noReclaim("shrinker")) {
              assertThat(AtomicContext.isSleepForbidden()).isTrue();
            }
            assertThat(AtomicContext.isSleepForbidden()).isTrue();
            return true;
          });
    }
    assertThat(AtomicContextTest.on(LoopThread::new, AtomicContext::isSleepForbidden)).isFalse();
  }

  /// What a thread was judged before does not stay when kinds come and go, inside of a scope, too.
  @Test
  void aThreadIsJudgedAnewWhenKindsChange() throws Exception {
    AtomicContextTest.on(
        LoopThread::new,
        () -> {
          assertThat(AtomicContext.isSleepForbidden()).isFalse();
          try (var _ = AtomicContext.noReclaim("shrinker")) {
            Registration first = loops();
            Registration second = AtomicContext.treatThreads("all", _ -> true);
            assertThat(AtomicContext.sections()).containsExactly("loop");
            first.close();
            assertThat(AtomicContext.sections()).containsExactly("all");
            assertThat(AtomicContext.isSleepForbidden()).isTrue();
            second.close();
            second.close();
            first.close();
            assertThat(AtomicContext.isSleepForbidden()).isFalse();
          }
          return true;
        });
  }

  @Test
  void aThreadIsJudgedOnceADeclaration() {
    AtomicInteger calls = new AtomicInteger();
    Thread here = Thread.currentThread();
    try (var _ =
        AtomicContext.treatThreads(
            "counted",
            thread -> {
              assertThat(Thread.currentThread()).isSameAs(thread);
              return thread.equals(here) && calls.incrementAndGet() > 0;
            })) {
      for (int i = 0; i < 100; i++) {
        assertThat(AtomicContext.isSleepForbidden()).isTrue();
      }
      assertThat(calls).hasValue(1);
      try (var _ = loops()) {
        for (int i = 0; i < 100; i++) {
          assertThat(AtomicContext.isSleepForbidden()).isTrue();
        }
      }
      assertThat(calls).hasValue(2);
    }
  }

  /// Every carrier is a platform thread.
  @Test
  void aVirtualThreadIsJudgedByItselfAndNotByItsCarrier() throws Exception {
    ThreadFactory virtual = Thread.ofVirtual().factory();
    try (var _ = AtomicContext.treatThreads("platform", thread -> !thread.isVirtual())) {
      assertThat(AtomicContextTest.on(virtual, AtomicContext::isSleepForbidden)).isFalse();
    }
    try (var _ = AtomicContext.treatThreads("virtual", Thread::isVirtual)) {
      assertThat(AtomicContextTest.on(virtual, AtomicContext::isSleepForbidden)).isTrue();
      assertThat(AtomicContext.isSleepForbidden()).isFalse();
    }
  }

  @Test
  void aPredicateThatThrowsCountsAsFalse() {
    AtomicInteger calls = new AtomicInteger();
    try (var _ =
            AtomicContext.treatThreads(
                "broken",
                _ -> {
                  calls.incrementAndGet();
                  throw new IllegalArgumentException("on purpose");
                });
        var _ = AtomicContext.treatThreads("main", Thread.currentThread()::equals)) {
      assertThat(AtomicContext.sections()).containsExactly("main");
      assertThat(AtomicContext.isSleepForbidden()).isTrue();
    }
    assertThat(calls).hasPositiveValue();
  }

  @Test
  void aPredicateMayAskTheGuardItself() {
    try (var _ =
        AtomicContext.treatThreads(
            "asks",
            thread -> !AtomicContext.isSleepForbidden() && thread.equals(Thread.currentThread()))) {
      assertThat(AtomicContext.isSleepForbidden()).isTrue();
    }
  }

  @ParameterizedTest
  @FieldSource("dev.octavo.allocator.context.AtomicContextTest#KINDS")
  void aThreadThatNeverEnteredIsAskedToo(ThreadFactory threads) throws Exception {
    try (var _ = AtomicContext.treatThreads("all", _ -> true)) {
      assertThat(AtomicContextTest.on(threads, AtomicContext::isSleepForbidden)).isTrue();
    }
  }

  @Test
  @SuppressWarnings("NullAway")
  void labelAndPredicateAreRequired() {
    assertThatThrownBy(() -> AtomicContext.treatThreads(null, _ -> true))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("label");
    assertThatThrownBy(() -> AtomicContext.treatThreads("a", null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("kind");
    assertThat(AtomicContext.isSleepForbidden()).isFalse();
  }
}
