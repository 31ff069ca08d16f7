package dev.octavo.allocator.context.check;

import dev.octavo.allocator.PageAllocator;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Small programs for [SleepCheckTest]; nobody runs them.
@SuppressWarnings("all")
final class Handlers {

  private Handlers() {}

  static final class Sleeper {
    @MightSleep
    static void sleeps() {}

    static void calm() {}
  }

  static final class Direct {
    @AtomicContext
    void on() {
      Sleeper.calm();
      Sleeper.sleeps();
    }

    void free() {
      Sleeper.sleeps();
    }
  }

  static final class Calm {
    @AtomicContext
    void on() {
      Sleeper.calm();
    }
  }

  static final class ThreeCalls {
    @AtomicContext
    void on() {
      first();
    }

    void first() {
      second();
    }

    void second() {
      third();
    }

    void third() {
      Sleeper.sleeps();
    }
  }

  static final class Shortest {
    @AtomicContext
    void on() {
      longWay();
      shortWay();
    }

    @AtomicContext
    void onOtherWay() {
      shortWay();
      longWay();
    }

    void longWay() {
      longer();
    }

    void longer() {
      Sleeper.sleeps();
    }

    void shortWay() {
      Sleeper.sleeps();
    }
  }

  static final class Circle {
    @AtomicContext
    void on() {
      there();
    }

    void there() {
      back();
    }

    void back() {
      there();
      on();
    }
  }

  static final class ClosesPages {
    @AtomicContext
    void on(PageAllocator pages) {
      pages.close();
    }
  }

  // ---- dispatch

  interface Codec {
    void decode();
  }

  static final class CalmCodec implements Codec {
    @Override
    public void decode() {}
  }

  static final class SleepyCodec implements Codec {
    @Override
    public void decode() {
      Sleeper.sleeps();
    }
  }

  static class Decoder {
    public void decode() {
      Sleeper.sleeps();
    }
  }

  static final class InheritingCodec extends Decoder implements Codec {}

  interface DefaultCodec extends Codec {
    @Override
    default void decode() {
      Sleeper.sleeps();
    }
  }

  static final class ByDefault implements Codec, DefaultCodec {}

  static final class ThroughDefault {
    @AtomicContext
    void on(ByDefault codec) {
      codec.decode();
    }
  }

  static final class ThroughInterface {
    @AtomicContext
    void on(Codec codec) {
      codec.decode();
    }
  }

  static final class ThroughClass {
    @AtomicContext
    void on(CalmCodec codec) {
      codec.decode();
    }
  }

  interface Store {
    @MightSleep
    void load();
  }

  static final class CalmStore implements Store {
    @Override
    public void load() {}
  }

  static final class UsesStore {
    @AtomicContext
    void byInterface(Store store) {
      store.load();
    }

    @AtomicContext
    void byClass(CalmStore store) {
      store.load();
    }
  }

  // ---- lambdas

  static final class Lambdas {
    @AtomicContext
    void body(List<String> names) {
      names.forEach(
          name -> {
            Sleeper.sleeps();
          });
    }

    @AtomicContext
    void reference(List<Runnable> tasks) {
      tasks.add(Sleeper::sleeps);
    }

    @AtomicContext
    void constructor(List<Callable<Object>> tasks) {
      tasks.add(SleepyObject::new);
    }
  }

  static final class SleepyObject {
    @MightSleep
    SleepyObject() {}
  }

  // ---- marks

  interface Callback<T> {
    @AtomicContext
    void on(T message);
  }

  static final class StringCallback implements Callback<String> {
    @Override
    public void on(String message) {
      Sleeper.sleeps();
    }

    public void off(String message) {
      Sleeper.sleeps();
    }
  }

  static class Base {
    @AtomicContext
    void on() {}
  }

  static final class Derived extends Base {
    @Override
    void on() {
      Sleeper.sleeps();
    }
  }

  @AtomicContext
  interface Loop {
    void turn();
  }

  static class Turner {
    public void turn() {
      Sleeper.sleeps();
    }
  }

  static final class TurningLoop extends Turner implements Loop {
    public void stop() {
      Sleeper.sleeps();
    }
  }

  @AtomicContext
  static final class AllAtomic {
    AllAtomic() {
      Sleeper.sleeps();
    }

    void on() {
      Sleeper.sleeps();
    }

    static void onStatic() {
      Sleeper.sleeps();
    }
  }

  @MightSleep
  static final class AllSleeps {
    AllSleeps() {}

    void load() {}
  }

  static final class UsesAllSleeps {
    @AtomicContext
    void on() {
      new AllSleeps().load();
    }
  }

  static final class Both {
    @AtomicContext
    @MightSleep
    void on() {}
  }

  static final class Nested {
    @AtomicContext
    void outer() {
      inner();
    }

    @AtomicContext
    void inner() {
      Sleeper.sleeps();
    }
  }

  static final class CallableHandler implements Callable<String> {
    @Override
    public @Nullable String call() {
      Sleeper.sleeps();
      return null;
    }
  }

  // ---- the JDK's

  static final class Jdk {
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayBlockingQueue<String> queue = new ArrayBlockingQueue<>(1);

    @AtomicContext
    void sleeps() throws Exception {
      Thread.sleep(1);
      lock.lock();
      lock.tryLock(1, TimeUnit.SECONDS);
      queue.take();
      queue.poll(1, TimeUnit.SECONDS);
      queue.offer("", 1, TimeUnit.SECONDS);
      synchronized (this) {
        wait();
      }
    }

    @AtomicContext
    void doesNot() {
      lock.tryLock();
      queue.poll();
      queue.offer("");
      lock.unlock();
      notify();
      Thread.yield();
    }
  }

  static class NoLock implements Lock {
    @Override
    public void lock() {}

    @Override
    public void lockInterruptibly() {}

    @Override
    public boolean tryLock() {
      return true;
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) {
      return true;
    }

    @Override
    public void unlock() {}

    @Override
    public Condition newCondition() {
      throw new UnsupportedOperationException();
    }
  }

  static final class UsesLocks {
    @AtomicContext
    void calm(NoLock lock) {
      lock.lock();
    }

    @AtomicContext
    void sleepy(Lock lock) {
      lock.lock();
    }
  }

  interface OwnLock extends Lock {
    @Override
    void lock();
  }

  static final class UsesOwnLock {
    @AtomicContext
    void on(OwnLock lock) {
      lock.lock();
    }
  }

  static final class OwnQueue extends ArrayBlockingQueue<String> {
    private static final long serialVersionUID = 1;

    OwnQueue() {
      super(1);
    }
  }

  static final class UsesOwnQueue {
    @AtomicContext
    void on(OwnQueue queue) throws InterruptedException {
      queue.take();
    }
  }

  // ---- monitors

  static final class Monitors {
    @AtomicContext
    void block() {
      synchronized (this) {
        Sleeper.calm();
      }
    }

    @AtomicContext
    void method() {
      locked();
    }

    synchronized void locked() {}
  }
}
