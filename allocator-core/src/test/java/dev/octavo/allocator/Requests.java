package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/// Requests on threads of their own, and the bounds within which a test waits for them.
final class Requests implements AutoCloseable {

  /// Bound for a request that must not wait for its deadline.
  static final Duration PROMPT = Duration.ofSeconds(5);

  /// Deadline of requests that must end long before it.
  static final Duration LONG = Duration.ofSeconds(20);

  private static final long POLL_NANOS = 200_000;
  private static final long JOIN_MILLIS = 10_000;

  private final Queue<Request<?>> started = new ConcurrentLinkedQueue<>();

  /// Kind of the thread that makes a request.
  enum On {
    PLATFORM,
    VIRTUAL
  }

  /// A call on a thread of its own.
  static final class Request<T> {

    private final FutureTask<T> task;
    private final Thread thread;

    private Request(On on, Callable<T> call) {
      task = new FutureTask<>(call);
      Thread.Builder builder =
          on == On.VIRTUAL ? Thread.ofVirtual() : Thread.ofPlatform().daemon().name("request");
      thread = builder.start(task);
    }

    Thread thread() {
      return thread;
    }

    boolean isDone() {
      return task.isDone();
    }

    /// Returns the result of a call that must end promptly.
    T served() throws Exception {
      return served(PROMPT);
    }

    T served(Duration bound) throws Exception {
      try {
        return task.get(bound.toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException e) {
        throw new AssertionError("request still waits: bound=" + bound, e);
      } catch (ExecutionException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    }

    /// Returns the failure of a call that must end promptly.
    OutOfPagesException refused() throws Exception {
      return refused(PROMPT);
    }

    OutOfPagesException refused(Duration bound) throws Exception {
      T result;
      try {
        result = served(bound);
      } catch (OutOfPagesException e) {
        return e;
      }
      throw new AssertionError("request was served: result=" + result);
    }
  }

  <T> Request<T> start(On on, Callable<T> call) {
    Request<T> request = new Request<>(on, call);
    started.add(request);
    return request;
  }

  /// Starts a request and returns when it is in line.
  <T> Request<T> startInLine(On on, PageAllocator pages, Callable<T> call) {
    int before = pages.waiters();
    Request<T> request = start(on, call);
    await("a request in line", () -> request.isDone() || pages.waiters() > before);
    await(
        "a request that sleeps in line", // it is counted a moment before it has its place
        () -> request.isDone() || request.thread().getState() == Thread.State.TIMED_WAITING);
    return request;
  }

  /// Waits until a condition holds, within a generous bound.
  static void await(String what, BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - start)
          .as("waiting for " + what)
          .isLessThan(2 * PROMPT.toNanos());
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /// Interrupts what still runs, and waits for all threads to end.
  @Override
  public void close() {
    started.forEach(request -> request.thread.interrupt());
    try {
      for (Request<?> request : started) {
        request.thread.join(JOIN_MILLIS);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
