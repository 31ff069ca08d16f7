package dev.octavo.allocator.internal.threads;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Daemon threads that run foreign code, and give up their work when a call runs too long.
///
/// Java cannot stop a call. So a call that overruns its limit keeps its thread, but not the work:
/// any thread that notices takes the work over with [Worker#replace], which is true for one of
/// them, and starts another worker. The replaced one ends when its call returns. The number of
/// threads has a limit, so that calls that never return leave no more than that behind.
///
/// Threads inherit no thread locals, and a worker holds no reference to the object that started it
/// unless its body does.
///
/// | word | writers | order | test that fails without |
/// |---|---|---|---|
/// | threads | each start, each end | atomic | `CallbacksTest.threadsAreLimited` |
/// | Worker.call | its thread | volatile | `CallbacksTest.aLateCallIsSeen` |
/// | Worker.isReplaced | the thread that takes the work over | CAS | `CallbacksTest.aWorkerIsReplacedOnce` |
/// | Worker.isDone | its thread, as its last step | volatile: the body's results are seen by a reader of it | `CallbacksTest.aWorkerThatIsDoneHasLeftItsPlace` |
/// | Call.isReported | the first thread that reports it | CAS | `CallbacksTest.aLateCallIsReportedOnce` |
public final class Callbacks {

  /// The work of a thread: makes calls until there are none left or another worker has taken over.
  @FunctionalInterface
  public interface Body {

    /// Works.
    ///
    /// @param me the worker whose thread this is
    void work(Worker me);
  }

  private final String threadName;
  private final int mostThreads;
  private final Consumer<Thread> starter;
  private final AtomicInteger threads = new AtomicInteger();

  /// @param threadName name of each thread
  /// @param mostThreads number of threads at one time, those that hang included
  public Callbacks(String threadName, int mostThreads) {
    this(threadName, mostThreads, Thread::start);
  }

  /// @param starter starts a thread; tests have one that does not
  public Callbacks(String threadName, int mostThreads, Consumer<Thread> starter) {
    this.threadName = threadName;
    this.mostThreads = mostThreads;
    this.starter = starter;
  }

  /// Builds a worker that is not started.
  ///
  /// @param body what its thread runs; it ends soon after [Worker#isReplaced] is true
  public Worker worker(Body body) {
    return new Worker(threadName, body, threads);
  }

  /// Starts a worker that was built here.
  ///
  /// @return false if there are too many threads
  /// @throws OutOfMemoryError if the JVM has no thread
  public boolean start(Worker worker) {
    if (threads.incrementAndGet() > mostThreads) {
      threads.decrementAndGet();
      return false;
    }
    try {
      starter.accept(worker.thread);
      return true;
    } catch (RuntimeException | Error e) {
      threads.decrementAndGet();
      throw e;
    }
  }

  /// A call of foreign code.
  public static final class Call {

    private final String label;
    private final long since;
    private final AtomicBoolean isReported = new AtomicBoolean();

    /// @param label for messages
    /// @param since time of its begin, nanoseconds
    public Call(String label, long since) {
      this.label = label;
      this.since = since;
    }

    public String label() {
      return label;
    }

    public boolean isLate(long now, long limitNanos) {
      return now - since > limitNanos;
    }

    /// Marks the call as reported.
    ///
    /// @return true the first time
    public boolean report() {
      return isReported.compareAndSet(false, true);
    }
  }

  /// A thread and its body.
  public static final class Worker implements Runnable {

    private final Body body;
    private final AtomicInteger threads;
    private final Thread thread;
    private final AtomicBoolean isReplaced = new AtomicBoolean();
    private volatile @Nullable Call call;
    private volatile boolean isDone;

    private Worker(String threadName, Body body, AtomicInteger threads) {
      this.body = body;
      this.threads = threads;
      thread =
          Thread.ofPlatform()
              .daemon()
              .name(threadName)
              .inheritInheritableThreadLocals(false)
              .unstarted(this);
    }

    public Thread thread() {
      return thread;
    }

    @Override
    public void run() {
      try {
        body.work(this);
      } finally {
        threads.decrementAndGet();
        isDone = true;
      }
    }

    /// Makes a call, on the worker's thread. An interrupt that it leaves behind is cleared, because
    /// it would keep the worker from sleeping.
    ///
    /// @return what the callback returns
    public long call(Call made, LongSupplier callback) {
      call = made;
      try {
        return callback.getAsLong();
      } finally {
        call = null;
        clearInterrupt();
      }
    }

    private static void clearInterrupt() {
      Thread.interrupted();
    }

    /// Returns the call that the worker is in, or null.
    public @Nullable Call current() {
      return call;
    }

    /// Takes the work from this worker.
    ///
    /// @return true for the one caller that has to go on with it
    public boolean replace() {
      return isReplaced.compareAndSet(false, true);
    }

    /// Undoes [#replace] when there is no other worker. The body may have ended meanwhile.
    public void restore() {
      isReplaced.set(false);
    }

    public boolean isReplaced() {
      return isReplaced.get();
    }

    /// Whether the body has ended.
    public boolean isDone() {
      return isDone;
    }

    /// Waits until the worker ends, the time is over or the calling thread is interrupted, with the
    /// flag still set.
    ///
    /// @return [#isDone]
    public boolean await(Duration limit) {
      try {
        thread.join(limit);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return isDone;
    }
  }
}
