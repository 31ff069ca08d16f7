package dev.octavo.allocator.internal.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.threads.Callbacks.Call;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Threads for foreign code; those that need a real thread wait for events only.
@Timeout(60)
class CallbacksTest {

  private static final Duration LONG = Duration.ofSeconds(60);
  private static final long LIMIT = 1000;
  private static final long SINCE = -5;

  private final List<Thread> started = new ArrayList<>();
  private final Callbacks callbacks = new Callbacks("test", 2, started::add);

  @Test
  void threadsAreDaemonsWithAName() {
    Worker worker = callbacks.worker(me -> {});
    assertThat(callbacks.start(worker)).isTrue();
    assertThat(started).containsExactly(worker.thread());
    assertThat(worker.thread().isDaemon()).isTrue();
    assertThat(worker.thread().getName()).isEqualTo("test");
  }

  @Test
  void threadsAreLimited() {
    Worker first = callbacks.worker(me -> {});
    assertThat(callbacks.start(first)).isTrue();
    assertThat(callbacks.start(callbacks.worker(me -> {}))).isTrue();
    assertThat(callbacks.start(callbacks.worker(me -> {}))).isFalse();
    assertThat(callbacks.start(callbacks.worker(me -> {}))).isFalse();
    first.run();
    assertThat(callbacks.start(callbacks.worker(me -> {}))).isTrue();
    assertThat(callbacks.start(callbacks.worker(me -> {}))).isFalse();
    assertThat(started).hasSize(3);
  }

  @Test
  void aThreadThatDoesNotStartIsNotCounted() {
    AtomicInteger failures = new AtomicInteger(2);
    Callbacks poor =
        new Callbacks(
            "poor",
            1,
            thread -> {
              if (failures.getAndDecrement() > 0) {
                throw new OutOfMemoryError("no thread");
              }
            });
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> poor.start(poor.worker(me -> {})))
          .isInstanceOf(OutOfMemoryError.class);
    }
    assertThat(poor.start(poor.worker(me -> {}))).isTrue();
  }

  @Test
  void aLateCallIsSeen() {
    Call call = new Call("a", SINCE);
    Worker worker =
        callbacks.worker(
            me -> {
              assertThat(me.call(call, () -> asserted(me, call))).isEqualTo(7);
              assertThat(me.current()).isNull();
            });
    assertThat(worker.current()).isNull();
    worker.run();
    assertThat(call.label()).isEqualTo("a");
    assertThat(call.isLate(SINCE + LIMIT, LIMIT)).isFalse();
    assertThat(call.isLate(SINCE + LIMIT + 1, LIMIT)).isTrue();
  }

  private static long asserted(Worker me, Call call) {
    assertThat(me.current()).isSameAs(call);
    return 7;
  }

  @Test
  void aLateCallIsReportedOnce() {
    Call call = new Call("a", 0);
    assertThat(call.report()).isTrue();
    assertThat(call.report()).isFalse();
  }

  @Test
  void aCallThatThrowsIsOver() {
    Worker worker = callbacks.worker(me -> {});
    assertThatThrownBy(
            () ->
                worker.call(
                    new Call("a", 0),
                    () -> {
                      throw new IllegalStateException("broken");
                    }))
        .hasMessage("broken");
    assertThat(worker.current()).isNull();
  }

  @Test
  void anInterruptLeftBehindIsCleared() {
    callbacks
        .worker(me -> {})
        .call(
            new Call("a", 0),
            () -> {
              Thread.currentThread().interrupt();
              return 0;
            });
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void aWorkerIsReplacedOnce() {
    Worker worker = callbacks.worker(me -> {});
    assertThat(worker.isReplaced()).isFalse();
    assertThat(worker.replace()).isTrue();
    assertThat(worker.replace()).isFalse();
    assertThat(worker.isReplaced()).isTrue();
    worker.restore();
    assertThat(worker.isReplaced()).isFalse();
    assertThat(worker.replace()).isTrue();
  }

  @Test
  void aWorkerThatIsDoneHasLeftItsPlace() {
    Callbacks real = new Callbacks("real", 1);
    for (int i = 0; i < 100; i++) {
      int[] result = {0};
      Worker worker = real.worker(me -> result[0] = 1);
      assertThat(real.start(worker)).isTrue();
      while (!worker.isDone()) {
        Thread.onSpinWait();
      }
      assertThat(result[0]).isOne();
    }
  }

  @Test
  void aBodyThatThrowsIsDoneToo() {
    Worker worker =
        callbacks.worker(
            me -> {
              throw new IllegalStateException("broken");
            });
    assertThatThrownBy(worker::run).hasMessage("broken");
    assertThat(worker.isDone()).isTrue();
  }

  @Test
  void awaitEndsWithTheWorkerOrAtTheLimit() {
    Callbacks real = new Callbacks("real", 2);
    CountDownLatch released = new CountDownLatch(1);
    Worker hanging = real.worker(me -> await(released));
    real.start(hanging);
    assertThat(hanging.await(Duration.ofMillis(1))).isFalse();
    Thread.currentThread().interrupt();
    assertThat(hanging.await(LONG)).isFalse();
    assertThat(Thread.interrupted()).isTrue();
    released.countDown();
    assertThat(hanging.await(LONG)).isTrue();
  }

  @Test
  void threadLocalsAreNotInherited() {
    InheritableThreadLocal<String> local = new InheritableThreadLocal<>();
    local.set("mine");
    AtomicReference<String> seen = new AtomicReference<>("none");
    Callbacks real = new Callbacks("real", 1);
    Worker worker = real.worker(me -> seen.set(String.valueOf(local.get())));
    real.start(worker);
    assertThat(worker.await(LONG)).isTrue();
    assertThat(seen.get()).isEqualTo("null");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
