package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.Slot;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Real threads allocate from their words as fast as they can, while what they hold is taken back
/// again and again: no page is lost, none has two owners, none is refused that is there.
///
/// Each page that somebody gets or gives is stamped in a ledger. What no order of steps shows,
/// shows here: the plain stores of an owner against the handshake of a drainer.
@Timeout(120)
class RevocationTest {

  private static final int ORDER = 12;
  private static final int PAGES = 1 << ORDER;
  private static final Geometry GEOMETRY = new Geometry(PAGES, ORDER, Geometry.RADIX_LOG2);

  /// Every lease that there is, for everybody.
  private static final CacheLimits AMPLE = new CacheLimits(PAGES, 1L << 40);

  /// The words of pages, for everybody.
  private static final CacheLimits WORDS_OF_PAGES = new CacheLimits(3 * 64, 1L << 40);

  private static final int[] LENGTHS = {1, 1, 1, 2, 3, 4, 8, 33, 64, 65};

  private static PagePool pool(CacheLimits limits) {
    return new PagePool(GEOMETRY, new PoolOptions(2, limits));
  }

  /// At most so many runs has one worker.
  private static final int MOST_LIVE = 12;

  private record Run(int page, int pages, int stamp) {}

  /// One thread's work. Runs that it hands over are freed by others.
  private static final class Worker {

    private final PagePool pool;
    private final PageLedger ledger;
    private final ConcurrentLinkedQueue<Run> handedOver;
    private final int stamp;
    private final SplittableRandom random;
    private final List<Run> live = new ArrayList<>();

    Worker(PagePool pool, PageLedger ledger, ConcurrentLinkedQueue<Run> handedOver, int number) {
      this.pool = pool;
      this.ledger = ledger;
      this.handedOver = handedOver;
      stamp = number + 1;
      random = new SplittableRandom(number);
    }

    void step() {
      if (live.size() < MOST_LIVE && random.nextInt(live.size() + 2) < MOST_LIVE / 2) {
        allocate(LENGTHS[random.nextInt(LENGTHS.length)]);
      } else {
        Run run = live.remove(random.nextInt(live.size()));
        switch (random.nextInt(16)) {
          case 0 -> {
            handedOver.add(run);
            free(handedOver.poll());
          }
          case 1 -> trim(run);
          default -> free(run);
        }
      }
    }

    void allocate(int pages) {
      int page = random.nextInt(4) == 0 ? many(pages) : pool.allocate(pages, 0, 0);
      assertThat(page).as("allocation of %d", pages).isNotNegative();
      keep(page, pages);
    }

    /// Allocates two at once and frees the second.
    private int many(int pages) {
      long[] into = new long[2];
      assertThat(pool.allocateMany(pages, into)).isEqualTo(2);
      ledger.got((int) into[1], pages, stamp);
      free(new Run((int) into[1], pages, stamp));
      return (int) into[0];
    }

    private void keep(int page, int pages) {
      ledger.got(page, pages, stamp);
      live.add(new Run(page, pages, stamp));
    }

    void free(@Nullable Run run) {
      if (run != null) {
        ledger.gives(run.page, run.pages, run.stamp);
        assertThat(pool.free(run.page, run.pages)).isTrue();
      }
    }

    private void trim(Run run) {
      int pages = 1 + random.nextInt(run.pages);
      ledger.gives(run.page + pages, run.pages - pages, run.stamp);
      assertThat(pool.trim(run.page, run.pages, pages)).isTrue();
      live.add(new Run(run.page, pages, run.stamp));
    }

    void finish() {
      live.forEach(this::free);
      live.clear();
    }
  }

  private static void assertWhole(PagePool pool) {
    assertThat(pool.audit()).isEmpty();
    assertThat(pool.cachedPages()).isZero();
    assertThat(pool.freeAreas().pages()).isEqualTo(pool.geometry().pageCount());
    assertThat(pool.freeAreas().blocks(pool.geometry().maxOrder())).isEqualTo(1);
  }

  // ---- owners against drainers

  private static final int OWNERS = 2;
  private static final int REVOCATIONS = 1_000;

  @Test
  void nothingIsLostOrOwnedTwiceWhileWordsAreTakenBack() throws Exception {
    PagePool pool = pool(AMPLE);
    int kept = pool.allocate(1, 0, 0);
    PageLedger ledger = new PageLedger(PAGES);
    ConcurrentLinkedQueue<Run> handedOver = new ConcurrentLinkedQueue<>();
    AtomicBoolean done = new AtomicBoolean();
    Threads.together(
        OWNERS + 1,
        number -> {
          if (number == OWNERS) {
            try {
              revokeContinually(pool);
            } finally {
              done.set(true);
            }
            return number;
          }
          Worker worker = new Worker(pool, ledger, handedOver, number);
          while (!done.get()) {
            worker.step();
          }
          worker.finish();
          return number;
        });
    handedOver.forEach(run -> assertThat(pool.free(run.page, run.pages)).isTrue());
    assertThat(pool.free(kept, 1)).isTrue();
    assertWhole(pool);
  }

  private static void revokeContinually(PagePool pool) {
    for (int i = 0; i < REVOCATIONS; i++) {
      await(() -> pool.cachedPages() > 0);
      if (i % 2 == 0) {
        assertThat(pool.freeAreas().pages()).isNotNegative();
      } else {
        assertThat(pool.allocate(PAGES, 0, 0)).isNegative();
      }
    }
  }

  private static final int HANDSHAKES = 2_000;

  /// The smallest race there is: one word, in which the owner takes and frees a page, and which a
  /// drainer takes back and gives to the tree at once.
  @Test
  void oneWordGoesToAndFro() throws Exception {
    BuddyPages buddy = new BuddyPages(new Geometry(64, 6, Geometry.RADIX_LOG2), 1);
    int kept = buddy.allocate(buddy.slot(0), 1, 0);
    PageLedger ledger = new PageLedger(64);
    CompletableFuture<Owner> entered = new CompletableFuture<>();
    AtomicBoolean done = new AtomicBoolean();
    Threads.together(
        2,
        number -> {
          if (number == 0) {
            LeaseKinds kinds = LeaseKinds.within(buddy.geometry(), 64);
            Owner owner = new Owner(Thread.currentThread(), 1, buddy, kinds);
            entered.complete(owner);
            while (!done.get()) {
              takeAndPut(buddy, owner, ledger);
            }
            owner.letGoAll();
          } else {
            try {
              Owner owner = entered.get();
              for (int i = 0; i < HANDSHAKES; i++) {
                await(() -> owner.pages() > 0);
                takeBack(buddy, owner, ledger);
              }
            } finally {
              done.set(true);
            }
          }
          return number;
        });
    assertThat(buddy.free(buddy.slot(0), kept, 1)).isTrue();
    assertThat(buddy.audit()).isEmpty();
    assertThat(buddy.freeAreas().blocks(6)).isEqualTo(1);
  }

  private static void takeAndPut(BuddyPages buddy, Owner owner, PageLedger ledger) {
    int page = owner.take(1, 0);
    if (page == PagePool.NONE) {
      page = buddy.allocate(owner.slot(), 1, 0);
      if (page == PagePool.NONE) {
        return;
      }
      assertThat(buddy.forget(page, 1)).isTrue();
      owner.hold(page, 1, 0);
    }
    ledger.got(page, 1, 1);
    ledger.gives(page, 1, 1);
    int lease = owner.leaseCovering(page, 1);
    if (lease == Owner.NONE || !owner.put(lease, page, 1)) {
      buddy.put(owner.slot(), page, 1);
    }
  }

  private static void takeBack(BuddyPages buddy, Owner owner, PageLedger ledger) {
    OtherThreads others = new OtherThreads();
    Slot slot = buddy.slot(0);
    buddy.enterSearch();
    if (owner.revoke()) {
      others.handshake();
      owner.takeBackRevoked(slot, others);
    }
    long taken = buddy.takeWord(slot, 0, 0);
    for (long rest = taken; rest != 0; rest &= rest - 1) {
      ledger.got(Long.numberOfTrailingZeros(rest), 1, 2);
      ledger.gives(Long.numberOfTrailingZeros(rest), 1, 2);
    }
    if (taken != 0) {
      buddy.putWord(slot, 0, 0, taken);
    }
    buddy.exitSearch();
  }

  private static void await(BooleanSupplier condition) {
    OtherThreads others = new OtherThreads();
    for (int spins = 0; !condition.getAsBoolean(); spins++) {
      assertThat(Thread.currentThread().isInterrupted()).as("given up").isFalse();
      others.await(spins);
    }
  }

  private static final int TIGHT_PAGES = 128;
  private static final int TIGHT_ROUNDS = 20_000;

  /// L5: two words and three owners, each of which holds a word whenever it can. Each has eight
  /// pages at most, so there is always a page for everybody.
  @Test
  void nobodyIsRefusedWhatOthersHold() throws Exception {
    PagePool pool =
        new PagePool(
            new Geometry(TIGHT_PAGES, 7, Geometry.RADIX_LOG2), new PoolOptions(2, WORDS_OF_PAGES));
    PageLedger ledger = new PageLedger(TIGHT_PAGES);
    Threads.together(
        3,
        number -> {
          Worker worker = new Worker(pool, ledger, new ConcurrentLinkedQueue<>(), number);
          for (int round = 0; round < TIGHT_ROUNDS; round++) {
            for (int i = 0; i < 8; i++) {
              worker.allocate(1);
            }
            worker.finish();
          }
          return number;
        });
    assertWhole(pool);
  }

  /// The owner has not noticed that its word went back, when it frees a page that was allocated
  /// from there meanwhile.
  @Test
  void aPageFreedByAnOwnerThatWasDrainedIsNotLost() throws Exception {
    PagePool pool = pool(AMPLE);
    int held = pool.allocate(1, 0, 0);
    int other =
        onVirtualThread(
            () -> {
              assertThat(pool.freeAreas().pages()).isEqualTo(PAGES - 1);
              return pool.allocate(1, 0, 0);
            });
    assertThat(other / 64).isEqualTo(held / 64);
    assertThat(pool.free(other, 1)).isTrue();
    assertThat(pool.free(held, 1)).isTrue();
    assertWhole(pool);
  }

  /// Virtual threads have their home where the first owner has it.
  private static int onVirtualThread(Callable<Integer> call) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      return threads.submit(call).get();
    }
  }

  // ---- sleeping and dead owners

  @Test
  void everyLastPageIsThereAlthoughItsOwnersSleep() throws Exception {
    PagePool pool = pool(AMPLE);
    CountDownLatch asleep = new CountDownLatch(3);
    CountDownLatch wake = new CountDownLatch(1);
    Threads.together(
        4,
        number -> {
          if (number < 3) {
            for (int length : LENGTHS) {
              assertThat(pool.free(pool.allocate(length, 0, 0), length)).isTrue();
            }
            asleep.countDown();
            wake.await();
            return pool.allocate(1, 0, 0) >= 0;
          }
          asleep.await();
          try {
            assertThat(pool.cachedPages()).isGreaterThan(64);
            assertThat(pool.allocate(PAGES, ORDER, 0)).isZero();
            assertThat(pool.cachedPages()).isZero();
            return pool.free(0, PAGES);
          } finally {
            wake.countDown();
          }
        });
    assertThat(pool.freeAreas().pages()).isEqualTo(PAGES - 3);
    assertThat(pool.audit()).isEmpty();
  }

  @Test
  void everyLastPageIsThereAlthoughItsOwnersHaveDied() throws Exception {
    PagePool pool = pool(AMPLE);
    Threads.together(
        3,
        number -> {
          for (int length : LENGTHS) {
            assertThat(pool.free(pool.allocate(length, 0, 0), length)).isTrue();
          }
          return number;
        });
    assertThat(pool.allocate(PAGES, ORDER, 0)).isZero();
    assertThat(pool.free(0, PAGES)).isTrue();
    assertWhole(pool);
  }

  @Test
  void closingFindsWhatSleepersHold() throws Exception {
    PagePool pool = pool(AMPLE);
    assertThat(pool.free(pool.allocate(3, 0, 0), 3)).isTrue();
    Threads.together(
        1,
        number -> {
          pool.shut();
          pool.endAll((page, pages) -> {});
          return number;
        });
    assertThat(pool.allocate(3, 0, 0)).isNegative();
    assertThat(pool.cachedPages()).isZero();
  }

  // ---- double frees

  private static final int DOUBLE_FREE_ROUNDS = 2_000;
  private static final int BATCH = 100;
  private static final int FREERS = 3;

  /// L8: all threads free all of these; each succeeds once, and nothing is free twice.
  @Test
  void ofRacingFreesOneSucceeds() throws Exception {
    PagePool pool = pool(AMPLE);
    long[] batch = new long[BATCH];
    int[] length = {1};
    AtomicInteger successes = new AtomicInteger();
    CyclicBarrier turn = new CyclicBarrier(FREERS);
    Threads.together(
        FREERS,
        number -> {
          for (int round = 0; round < DOUBLE_FREE_ROUNDS; round++) {
            if (round % FREERS == number) {
              length[0] = LENGTHS[round % LENGTHS.length] % 33 + 1;
              successes.set(0);
              assertThat(pool.allocateMany(length[0], batch)).isEqualTo(BATCH);
            }
            turn.await();
            for (long page : batch) {
              if (pool.free((int) page, length[0])) {
                successes.incrementAndGet();
              }
            }
            turn.await();
            assertThat(successes.get()).isEqualTo(BATCH);
            turn.await();
          }
          return number;
        });
    assertWhole(pool);
  }

  // ---- threads come and go

  private static final int VIRTUAL_THREADS = 12_000;
  private static final int WAVES = 250;
  private static final int WAVE = 10;

  @Test
  void virtualThreadsLeaveNothingBehind() throws Exception {
    PagePool pool = pool(AMPLE);
    List<Future<Boolean>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < VIRTUAL_THREADS; i++) {
        int pages = 1 + i % 40;
        all.add(threads.submit(() -> pool.free(pool.allocate(pages, 0, 0), pages)));
      }
    }
    assertThat(Threads.results(all)).hasSize(VIRTUAL_THREADS).doesNotContain(false);
    assertThat(pool.cachedPages()).isZero();
    assertWhole(pool);
  }

  @Test
  void platformThreadsLeaveNothingBehind() throws Exception {
    AtomicInteger largestNumber = new AtomicInteger();
    BuddyPages buddy = new BuddyPages(GEOMETRY, 1);
    OtherThreads others = new OtherThreads();
    Owners owners =
        new Owners(buddy, AMPLE, others) {
          @Override
          Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
            largestNumber.accumulateAndGet(number, Math::max);
            return super.newOwner(thread, number, kinds);
          }
        };
    PagePool pool =
        new PagePool(
            buddy, owners, others, new PoolOptions(1, CacheLimits.byDefault(buddy.geometry())));
    long kept = pool.allocate(5, 0, 0);
    for (int wave = 0; wave < WAVES; wave++) {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < WAVE; i++) {
        int pages = 1 + (wave + i) % 40;
        threads.add(Thread.ofPlatform().start(() -> pool.free(pool.allocate(pages, 0, 0), pages)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertThat(largestNumber.get()).isBetween(1, WAVE);
    assertThat(pool.freeAreas().pages()).isEqualTo(PAGES - 5);
    assertThat(pool.free((int) kept, 5)).isTrue();
    assertWhole(pool);
  }

  /// More than have room in the table: the others work without words of their own.
  @Test
  void moreThreadsThanOwnersWork() throws Exception {
    PagePool pool = pool(WORDS_OF_PAGES);
    int count = 300;
    CountDownLatch all = new CountDownLatch(count);
    List<Boolean> freed =
        Threads.together(
            count,
            number -> {
              int page = pool.allocate(1, 0, 0);
              all.countDown();
              all.await();
              return pool.free(page, 1);
            });
    assertThat(freed).doesNotContain(false);
    assertWhole(pool);
  }

  // ---- limits

  @Test
  void threadsHoldNoMoreThanTheyMay() throws Exception {
    for (int limit : new int[] {0, 63, 64, 200, 500, 1_000}) {
      PagePool pool = pool(new CacheLimits(192, limit));
      CyclicBarrier rest = new CyclicBarrier(6);
      Threads.together(
          6,
          number -> {
            for (int round = 0; round < 40; round++) {
              int length = LENGTHS[(round + number) % LENGTHS.length];
              assertThat(pool.free(pool.allocate(length, 0, 0), length)).isTrue();
              rest.await();
              assertThat(pool.cachedPages()).isBetween(0L, (long) limit);
              rest.await();
            }
            return number;
          });
      assertWhole(pool);
    }
  }
}
