package dev.octavo.allocator.internal.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Answer;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Reason;
import dev.octavo.allocator.internal.reclaim.WaitingRoom.Waiting;
import dev.octavo.allocator.reclaim.Shrinker;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The waiting room and the reclaimer on real threads and the real clock, over a toy memory.
@Timeout(60)
@SuppressWarnings("ThreadPriorityCheck") // so that threads meet on few processors, too
class ReclaimThreadsTest {

  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1000 * MILLI;

  private static final int THREADS = 8;
  private static final int TOTAL = 16;
  private static final int REQUESTS = 4_000;

  /// Room, memory and reclaimer, wired as an allocator does it.
  private static final class Toy implements WaitingRoom.Host, Reclaimer.Host {

    private final Permits memory = new Permits();
    private final ThreadLocal<Long> freedHere = ThreadLocal.withInitial(() -> 0L);
    private final Reclaimer reclaimer =
        new Reclaimer(
            new Reclaimer.Settings("toy", 1, 20 * MILLI, MILLI, MILLI, MILLI),
            this,
            WaitClock.SYSTEM);
    private final WaitingRoom room = new WaitingRoom(WaitClock.SYSTEM, this, SECOND);

    @Override
    public void entered() {}

    @Override
    public void left() {}

    @Override
    public void stillWaiting() {
      reclaimer.wake();
    }

    @Override
    public void dump(List<Waiting> line) {}

    @Override
    public List<Reclaimer.Need> needs() {
      return room.isEmpty() ? List.of() : List.of(new First());
    }

    @Override
    public long call(String label, LongSupplier callback) {
      return callback.getAsLong();
    }

    /// What the first in line waits for.
    private final class First implements Reclaimer.Need {

      @Override
      public Object key() {
        return "line";
      }

      @Override
      public boolean isAwaited() {
        return true;
      }

      @Override
      public long missingBytes() {
        return room.firstRequest() instanceof Permits.Wanted wanted ? wanted.count() : 0;
      }

      @Override
      public int stages() {
        return 1;
      }

      @Override
      public long mostBytes(@Nullable Object owner, int stage) {
        return Long.MAX_VALUE;
      }

      @Override
      public long helpedBytes() {
        return freedHere.get();
      }
    }

    Answer await(int count, long nanos) {
      reclaimer.wake();
      return room.await(memory.wanted(count), System.nanoTime() + nanos);
    }

    /// A shrinker with so many permits, each given when asked.
    Shrinker cache(int permits) {
      return cache(new AtomicLong(permits));
    }

    Shrinker cache(AtomicLong left) {
      return new Shrinker() {
        @Override
        public long count() {
          return left.get();
        }

        @Override
        public long scan(long byteSize) {
          int now = (int) Math.min(byteSize, left.get());
          left.addAndGet(-now);
          memory.release(now, room);
          freedHere.set(freedHere.get() + now);
          return now;
        }
      };
    }
  }

  /// A shrinker that has nothing, and does something in its place.
  private record Useless(Runnable scan) implements Shrinker {

    @Override
    public long count() {
      return 1 << 20;
    }

    @Override
    public long scan(long byteSize) {
      scan.run();
      return byteSize;
    }
  }

  /// When a request got in line at the latest, when at the earliest, and when it was served.
  private record Service(long begun, long inLine, long served) {}

  // ---- stress

  /// Every request ends served or failed with its reason, permits are conserved, nobody is left,
  /// and who was in line before another came is served before it.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyRequestEndsAndNothingIsLost(boolean virtual) throws Exception {
    long seed = new Random().nextLong();
    String description = "seed=" + seed + ", virtual=" + virtual;
    Permits memory = new Permits();
    memory.put(TOTAL);
    AtomicLong stamps = new AtomicLong();
    ThreadLocal<Long> inLine = new ThreadLocal<>();
    Toy hosts = new Toy();
    WaitingRoom room =
        new WaitingRoom(WaitClock.SYSTEM, hosts, SECOND) {
          @Override
          void enqueue(Waiter waiter) {
            super.enqueue(waiter);
            inLine.set(stamps.incrementAndGet());
          }
        };
    ConcurrentLinkedQueue<Service> services = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Thread> workers = new ConcurrentLinkedQueue<>();
    AtomicInteger unserved = new AtomicInteger();
    CountDownLatch done = new CountDownLatch(THREADS);
    for (int number = 0; number < THREADS; number++) {
      Random random = new Random(seed + number);
      Runnable body =
          () -> {
            for (int i = 0; i < REQUESTS; i++) {
              int count = 1 + random.nextInt(TOTAL / 2);
              if (!room.isEmpty() || !memory.take(count)) {
                long[] served = {0};
                Permits.Wanted request =
                    memory.new Wanted(count) {
                      @Override
                      public long tryTake() {
                        long taken = super.tryTake();
                        if (taken != WaitingRoom.NONE) {
                          served[0] = stamps.incrementAndGet();
                        }
                        return taken;
                      }
                    };
                long begun = stamps.incrementAndGet();
                Answer answer =
                    room.await(request, System.nanoTime() + random.nextInt(2_000) * 1_000L);
                if (answer.reason() != Reason.SERVED) {
                  assertThat(answer.reason()).isIn(Reason.DEADLINE, Reason.INTERRUPTED);
                  assertThat(answer.result()).isEqualTo(WaitingRoom.NONE);
                  unserved.incrementAndGet();
                  if (answer.reason() == Reason.INTERRUPTED) {
                    assertThat(Thread.interrupted()).isTrue();
                  }
                  continue;
                }
                services.add(new Service(begun, inLine.get(), served[0]));
              }
              if (random.nextInt(4) == 0) {
                Thread.yield();
              }
              memory.release(count, room);
            }
            done.countDown();
          };
      workers.add(virtual ? Thread.ofVirtual().start(body) : Thread.ofPlatform().start(body));
    }
    Random chaos = new Random(seed - 1);
    List<Thread> targets = new ArrayList<>(workers);
    while (done.getCount() > 0 && targets.stream().anyMatch(Thread::isAlive)) {
      targets.get(chaos.nextInt(THREADS)).interrupt();
      Thread.yield();
    }
    for (Thread worker : targets) {
      worker.join();
    }
    assertThat(done.getCount()).as(description).isZero();
    assertThat(memory.free()).as(description).isEqualTo(TOTAL);
    assertThat(room.isEmpty()).as(description).isTrue();
    assertThat(room.line()).as(description).isEmpty();
    assertThat(room.ended(Reason.SERVED)).as(description).isEqualTo(services.size());
    assertThat(room.ended(Reason.DEADLINE) + room.ended(Reason.INTERRUPTED))
        .as(description)
        .isEqualTo(unserved.get());
    assertThat(overtaken(services)).as(description).isZero();
    assertThat(services).as(description).hasSizeGreaterThan(100);
  }

  /// How many were served before somebody who had been in line before they came.
  private static int overtaken(Iterable<Service> services) {
    List<Service> byBegin = new ArrayList<>();
    services.forEach(byBegin::add);
    List<Service> byLine = new ArrayList<>(byBegin);
    byBegin.sort(Comparator.comparingLong(Service::begun));
    byLine.sort(Comparator.comparingLong(Service::inLine));
    int overtaken = 0;
    int next = 0;
    long lastServed = 0;
    for (Service service : byBegin) {
      while (next < byLine.size() && byLine.get(next).inLine < service.begun) {
        lastServed = Math.max(lastServed, byLine.get(next).served);
        next++;
      }
      overtaken += service.served < lastServed ? 1 : 0;
    }
    return overtaken;
  }

  /// 8 threads that want twice what there is, while shrinkers free, lie, throw and hang.
  @Test
  void badShrinkersDelayNoRequestBeyondItsDeadline() throws Exception {
    Toy toy = new Toy();
    toy.memory.put(TOTAL / 2);
    CountDownLatch released = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    toy.reclaimer.add(
        "hangs",
        new Useless(
            () -> {
              boolean waiting = true;
              while (waiting) {
                try {
                  released.await();
                  waiting = false;
                } catch (InterruptedException e) {
                  // A hard one.
                }
              }
              ended.countDown();
            }),
        null);
    toy.reclaimer.add(
        "throws",
        new Useless(
            () -> {
              throw new IllegalStateException("broken");
            }),
        null);
    toy.reclaimer.add("lies", new Useless(() -> {}), null);
    toy.reclaimer.add("frees", toy.cache(TOTAL / 2), null);
    AtomicLong latest = new AtomicLong();
    Threads.together(
        THREADS,
        number -> {
          for (int i = 0; i < 200; i++) {
            int count = 1 + ThreadLocalRandom.current().nextInt(TOTAL / 4);
            long deadline = System.nanoTime() + 5 * SECOND;
            Answer answer = toy.await(count, 5 * SECOND);
            latest.accumulateAndGet(System.nanoTime() - deadline, Math::max);
            assertThat(answer.reason()).isEqualTo(Reason.SERVED);
            toy.memory.release(count, toy.room);
          }
          return number;
        });
    assertThat(latest.get()).isNotPositive();

    assertThat(toy.await(TOTAL, 50 * SECOND)).as("all there is").isEqualTo(Answer.served(TOTAL));
    while (toy.reclaimer.stats().exhausted() == 0
        || toy.reclaimer.stats().hung() == 0
        || toy.reclaimer.stats().thrown() == 0) {
      assertThat(toy.await(1, 50 * MILLI).reason()).isEqualTo(Reason.DEADLINE);
    }
    assertThat(toy.memory.free()).isZero();
    released.countDown();
    ended.await();
    toy.reclaimer.close();
    assertThat(toy.room.isEmpty()).isTrue();
  }

  /// Threads allocate and free all the time, and a liar gives nothing: exhaustion is reached, with
  /// few scans, and ends when another shrinker has something.
  @Test
  void exhaustionIsReachedWhileOthersAllocateAndFree() throws InterruptedException {
    Toy toy = new Toy();
    AtomicLong scans = new AtomicLong();
    toy.reclaimer.add("lies", new Useless(scans::incrementAndGet), null);
    AtomicLong left = new AtomicLong();
    toy.reclaimer.add("late", toy.cache(left), null);
    AtomicBoolean done = new AtomicBoolean();
    toy.memory.put(2);
    Thread noise =
        Thread.ofPlatform()
            .daemon()
            .start(
                () -> {
                  while (!done.get()) {
                    if (toy.memory.take(1)) {
                      toy.memory.release(1, toy.room);
                    }
                  }
                });
    while (!toy.reclaimer.isExhausted("line")) {
      Answer answer = toy.await(TOTAL, 5 * MILLI);
      assertThat(answer.reason()).isEqualTo(Reason.DEADLINE);
      toy.reclaimer.wake();
    }
    assertThat(scans.get()).isLessThan(100);
    left.set(TOTAL);
    assertThat(toy.await(TOTAL, 50 * SECOND)).isEqualTo(Answer.served(TOTAL));
    done.set(true);
    noise.join();
    toy.reclaimer.close();
  }

  @Test
  void aThousandOwnersHaveOneThread() throws InterruptedException {
    Toy toy = new Toy();
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    for (int owner = 0; owner < 500; owner++) {
      toy.reclaimer.add("a", new Useless(() -> seen.add(Thread.currentThread())), owner).close();
    }
    AtomicReference<Thread> thread = new AtomicReference<>();
    for (int owner = 0; owner < 500; owner++) {
      toy.reclaimer.add(
          "b",
          new Useless(
              () -> {
                seen.add(Thread.currentThread());
                thread.set(Thread.currentThread());
              }),
          owner);
    }
    waitUntilSet(toy, thread);
    toy.reclaimer.close();
    thread.get().join();
    assertThat(seen).containsExactly(thread.get());
  }

  // ---- the thread's end

  @Test
  void closingEndsTheThread() throws InterruptedException {
    Toy toy = new Toy();
    AtomicReference<Thread> thread = new AtomicReference<>();
    toy.reclaimer.add("a", new Useless(() -> thread.set(Thread.currentThread())), null);
    waitUntilSet(toy, thread);
    assertThat(thread.get().isDaemon()).isTrue();
    toy.reclaimer.close();
    thread.get().join();
  }

  @Test
  void anAllocatorThatIsGarbageEndsTheThread() throws InterruptedException {
    AtomicReference<Thread> thread = new AtomicReference<>();
    WeakReference<Toy> toy = new WeakReference<>(used(thread));
    while (toy.get() != null) {
      System.gc();
      Thread.yield();
    }
    thread.get().join();
  }

  /// Used, and not closed; the registration and the shrinker, which refers to it, are kept by it
  /// alone.
  private static Toy used(AtomicReference<Thread> thread) {
    Toy toy = new Toy();
    toy.reclaimer.add("a", toy.cache(1), null);
    toy.reclaimer.add("b", new Useless(() -> thread.set(Thread.currentThread())), null);
    assertThat(toy.await(1, 10 * SECOND).reason()).isEqualTo(Reason.SERVED);
    waitUntilSet(toy, thread);
    return toy;
  }

  /// Waits in vain for memory, until a shrinker has been asked for it.
  private static void waitUntilSet(Toy toy, AtomicReference<Thread> thread) {
    while (thread.get() == null) {
      assertThat(toy.await(1, 20 * MILLI).reason()).isEqualTo(Reason.DEADLINE);
    }
  }
}
