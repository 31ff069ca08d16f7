package dev.octavo.allocator;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Runs tasks at the same time and passes on what they throw.
public final class Threads {

  /// A task that may throw anything, and knows its number.
  public interface Task<T> {
    T run(int number) throws Exception;
  }

  private Threads() {}

  /// Runs `count` tasks on as many threads, started together; returns their results by number.
  public static <T> List<T> together(int count, Task<T> task) throws Exception {
    CyclicBarrier start = new CyclicBarrier(count);
    try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
      List<Callable<T>> calls = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int number = i;
        calls.add(
            () -> {
              start.await();
              return task.run(number);
            });
      }
      return results(threads.invokeAll(calls));
    }
  }

  public static <T> List<T> results(List<Future<T>> futures) throws Exception {
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      try {
        results.add(future.get());
      } catch (ExecutionException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    }
    return results;
  }
}
