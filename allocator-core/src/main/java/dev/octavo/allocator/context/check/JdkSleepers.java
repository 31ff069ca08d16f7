package dev.octavo.allocator.context.check;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// The methods of the JDK that may sleep: what waits for a thread, a lock, an element, a process, a
/// peer or a name. Those that read or write are not among them, as they wait only on a blocking
/// channel, which their class does not tell.
///
/// Without parameters all methods of the name are meant. What overrides one of them in a class that
/// is not analysed may sleep as well. docs/sleep-check.md has the same list.
final class JdkSleepers {

  private static final String LIST =
      """
      java.io.Console: readLine, readPassword
      java.lang.Object: wait
      java.lang.Process: waitFor
      java.lang.Thread: join, sleep
      java.lang.ref.ReferenceQueue: remove
      java.net.DatagramSocket: receive
      java.net.InetAddress: getAllByName, getByName
      java.net.ServerSocket: accept
      java.net.Socket: connect
      java.net.http.HttpClient: send
      java.nio.channels.FileChannel: force, lock
      java.nio.channels.Selector: select
      java.util.concurrent.BlockingDeque: offerFirst(Object, long, TimeUnit), \
      offerLast(Object, long, TimeUnit), pollFirst(long, TimeUnit), pollLast(long, TimeUnit), \
      putFirst, putLast, takeFirst, takeLast
      java.util.concurrent.BlockingQueue: offer(Object, long, TimeUnit), poll(long, TimeUnit), \
      put, take
      java.util.concurrent.CompletableFuture: get, join
      java.util.concurrent.CompletionService: poll(long, TimeUnit), take
      java.util.concurrent.CountDownLatch: await
      java.util.concurrent.CyclicBarrier: await
      java.util.concurrent.Exchanger: exchange
      java.util.concurrent.ExecutorService: awaitTermination, close, invokeAll, invokeAny
      java.util.concurrent.ForkJoinPool: awaitQuiescence, invoke
      java.util.concurrent.ForkJoinTask: invoke, invokeAll, join, quietlyInvoke, quietlyJoin
      java.util.concurrent.Future: get
      java.util.concurrent.Phaser: arriveAndAwaitAdvance, awaitAdvance, awaitAdvanceInterruptibly
      java.util.concurrent.Semaphore: acquire, acquireUninterruptibly, \
      tryAcquire(int, long, TimeUnit), tryAcquire(long, TimeUnit)
      java.util.concurrent.SubmissionPublisher: submit
      java.util.concurrent.TimeUnit: sleep, timedJoin, timedWait
      java.util.concurrent.TransferQueue: transfer, tryTransfer(Object, long, TimeUnit)
      java.util.concurrent.locks.Condition: await, awaitNanos, awaitUninterruptibly, awaitUntil
      java.util.concurrent.locks.Lock: lock, lockInterruptibly, tryLock(long, TimeUnit)
      java.util.concurrent.locks.LockSupport: park, parkNanos, parkUntil
      java.util.concurrent.locks.StampedLock: readLock, readLockInterruptibly, \
      tryReadLock(long, TimeUnit), tryWriteLock(long, TimeUnit), writeLock, \
      writeLockInterruptibly
      """;

  private static final Set<String> METHODS = parse();

  private JdkSleepers() {}

  /// One line a class: `class: method, method(types)`.
  static List<String> lines() {
    return LIST.lines().toList();
  }

  /// Whether a method of the list is declared so in a class.
  static boolean contains(String owner, MethodNode method) {
    String name = owner + "." + method.name();
    return METHODS.contains(name) || METHODS.contains(name + "(" + method.parameters() + ")");
  }

  private static Set<String> parse() {
    Set<String> methods = new HashSet<>();
    for (String line : lines()) {
      int colon = line.indexOf(": ");
      // A comma within parentheses does not end a method.
      for (String method : line.substring(colon + 2).split(", (?![^(]*\\))", -1)) {
        methods.add(line.substring(0, colon) + "." + method);
      }
    }
    return methods;
  }
}
