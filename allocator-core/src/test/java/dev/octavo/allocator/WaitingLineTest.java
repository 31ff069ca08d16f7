package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Requests in line for pages of one region: a waiter delays others only within a bound, a large
/// request gets through a stream of small ones, and each makes a last attempt at its deadline.
@Timeout(60)
class WaitingLineTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1024;
  private static final Duration SHORT = Duration.ofMillis(300);
  private static final long LIFE_NANOS = 3_000_000;

  private final Requests requests = new Requests();
  private final List<long[]> taken = Collections.synchronizedList(new ArrayList<>());
  private PageAllocator pages = build(Requests.LONG, MemoryRegion.ofArena((long) PAGES * PAGE));

  private static PageAllocator build(Duration atMost, MemoryRegion region) {
    return Bare.builder().region(region).waitAtMost(atMost).build();
  }

  private void with(Duration atMost, MemoryRegion region) {
    pages.close();
    pages = build(atMost, region);
  }

  @AfterEach
  void nothingIsLost() {
    requests.close();
    freeTaken();
    assertThat(pages.waiters()).isZero();
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.freePages()).isEqualTo(PAGES);
    pages.close();
  }

  private void freeTaken() {
    taken.forEach(run -> pages.freePageRun(run[0], (int) run[1]));
    taken.clear();
  }

  private void take(int count) {
    taken.add(new long[] {pages.allocatePageRun(count, AllocationMode.NOWAIT), count});
  }

  /// Keeps `length` pages at the start of each stretch of `every`, and nothing else.
  private void pin(int every, int length) {
    long[] all = new long[PAGES];
    assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(PAGES);
    for (long page : all) {
      if (page % every < length) {
        taken.add(new long[] {page, 1});
      } else {
        pages.freePageRun(page, 1);
      }
    }
  }

  /// Starts a request for a run that nothing will make possible while this test runs.
  private void startHopeless(On on, int count) {
    requests.startInLine(
        on,
        pages,
        () -> pages.allocate((long) count * PAGE, 1, AllocationMode.BLOCKING, Requests.LONG));
  }

  // ---- small behind large

  @ParameterizedTest
  @EnumSource(On.class)
  void aPageIsServedBehindARunThatCannotExist(On on) throws Exception {
    pin(64, 1);
    startHopeless(on, 900);
    Request<Boolean> small =
        requests.start(
            on,
            () -> {
              pages.free(pages.allocate(PAGE));
              return true;
            });
    assertThat(small.served()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(RequestForm.class)
  void eachFormIsServedBehindARunThatCannotExist(RequestForm form) throws Exception {
    pin(128, 1);
    RequestForm.Asker asker = form.prepare(pages);
    startHopeless(On.PLATFORM, 512);
    requests.start(On.PLATFORM, () -> asker.ask(32)).served().run();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 16", "8, 8", "32, 4", "100, 1", "63, 64"})
  void eachSizeAndAlignmentIsServedBehindALargeRequest(int count, int align) throws Exception {
    take(100);
    take(100);
    startHopeless(On.PLATFORM, 825);
    long page = requests.start(On.PLATFORM, () -> pages.allocatePageRun(count, align)).served();
    pages.freePageRun(page, count);
  }

  @Test
  void aStreamIsServedBehindSeveralLargeRequests() throws Exception {
    pin(64, 1);
    for (int i = 0; i < 4; i++) {
      startHopeless(i % 2 == 0 ? On.PLATFORM : On.VIRTUAL, 100 + 200 * i);
    }
    Request<Integer> stream =
        requests.start(
            On.PLATFORM,
            () -> {
              int served = 0;
              for (int i = 0; i < 300; i++) {
                pages.free(pages.allocate((1L + i % 16) * PAGE));
                served++;
              }
              return served;
            });
    assertThat(stream.served()).isEqualTo(300);
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void regionsWithoutMemoryAndMappingsToo(On on) throws Exception {
    for (MemoryRegion region :
        List.of(
            MemoryRegion.reserveOnly((long) PAGES * PAGE),
            MemoryRegion.mapped((long) PAGES * PAGE))) {
      freeTaken();
      with(Requests.LONG, region);
      pin(64, 1);
      Request<Long> large = requests.startInLine(on, pages, () -> pages.allocatePageRun(900));
      long page = requests.start(on, () -> pages.allocatePageRun(5)).served();
      pages.freePageRun(page, 5);
      large.thread().interrupt();
      assertThat(large.refused().reason()).isEqualTo(OutOfPagesException.Reason.INTERRUPTED);
    }
  }

  @Test
  void equalRequestsAreServedInOrderOfArrivalBehindAHopelessOne() throws Exception {
    pin(2, 1);
    List<long[]> singles = new ArrayList<>();
    for (long page = pages.tryAllocatePageRun(1); page >= 0; page = pages.tryAllocatePageRun(1)) {
      singles.add(new long[] {page, 1});
    }
    startHopeless(On.PLATFORM, 900);
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    List<Request<Boolean>> line = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int number = i;
      line.add(
          requests.startInLine(
              i % 2 == 0 ? On.PLATFORM : On.VIRTUAL,
              pages,
              () -> {
                long page = pages.allocatePageRun(1);
                order.add(number);
                return taken.add(new long[] {page, 1});
              }));
    }
    for (int i = 0; i < 4; i++) {
      pages.freePageRun(singles.removeLast()[0], 1);
      line.get(i).served();
    }
    assertThat(order).containsExactly(0, 1, 2, 3);
    singles.forEach(run -> pages.freePageRun(run[0], 1));
  }

  // ---- large among small

  @ParameterizedTest
  @CsvSource({"PLATFORM, 8, 120, 768", "VIRTUAL, 12, 90, 512", "PLATFORM, 6, 170, 800"})
  void aLargeRequestGetsThroughAStreamOfSmallOnes(On on, int loops, int most, int large)
      throws Exception {
    long seed = System.nanoTime();
    int each = Math.min(most, PAGES / loops);
    AtomicBoolean stop = new AtomicBoolean();
    List<Request<Boolean>> streams = new ArrayList<>();
    for (int i = 0; i < loops; i++) {
      Random random = new Random(seed + i);
      streams.add(requests.start(on, () -> stream(random, each, stop)));
    }
    try {
      long page =
          requests.start(on, () -> pages.allocatePageRun(large)).served(Requests.LONG.dividedBy(2));
      pages.freePageRun(page, large);
    } catch (AssertionError | OutOfPagesException e) {
      throw new AssertionError("large request failed: seed=" + seed, e);
    } finally {
      stop.set(true);
    }
    for (Request<Boolean> stream : streams) {
      assertThat(stream.served()).as("seed=" + seed).isTrue();
    }
  }

  /// Holds nothing while it waits: what waits for more than it would let go is a deadlock of its
  /// own.
  private boolean stream(Random random, int most, AtomicBoolean stop) {
    while (!stop.get()) {
      int count = 1 + random.nextInt(most);
      long page = pages.allocatePageRun(count);
      LockSupport.parkNanos(LIFE_NANOS);
      pages.freePageRun(page, count);
    }
    return true;
  }

  // ---- the last attempt

  @ParameterizedTest
  @EnumSource(RequestForm.class)
  void atItsDeadlineEachFormTakesFromTheWindow(RequestForm form) throws Exception {
    with(SHORT, MemoryRegion.ofArena((long) PAGES * PAGE));
    RequestForm.Asker asker = form.prepare(pages);
    take(PAGES - 300 - (form == RequestForm.RESIZE ? 1 : 0));
    startHopeless(On.PLATFORM, 512); // its window has all free pages
    Request<Runnable> last = requests.start(On.PLATFORM, () -> asker.ask(256));
    last.served().run();
  }

  @ParameterizedTest
  @CsvSource({"PLATFORM, 1, 1", "VIRTUAL, 1, 1", "PLATFORM, 200, 1", "VIRTUAL, 64, 64"})
  void atItsDeadlineARequestTakesAnyRun(On on, int count, int align) throws Exception {
    with(SHORT, MemoryRegion.ofArena((long) PAGES * PAGE));
    take(PAGES / 2 + 100);
    startHopeless(on, 500);
    long page = requests.start(on, () -> pages.allocatePageRun(count, align)).served();
    pages.freePageRun(page, count);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NOWAIT", "ATOMIC"},
      value = AllocationMode.class)
  void whatDoesNotWaitTakesFromTheWindow(AllocationMode mode) {
    take(PAGES - 300);
    startHopeless(On.VIRTUAL, 512);
    pages.free(pages.allocate(300 * PAGE, mode));
    pages.free(pages.allocate(256 * PAGE, 256 * PAGE, mode));
  }

  @Test
  void aRequestWithoutTimeTakesFromTheWindow() {
    take(PAGES - 300);
    startHopeless(On.PLATFORM, 512);
    MemorySegment segment = pages.allocate(PAGE, 1, AllocationMode.BLOCKING, Duration.ZERO);
    pages.free(segment);
  }

  @Test
  void theFirstInLineIsServedFromItsWindowWhenItIsFree() throws Exception {
    take(300);
    take(300);
    take(424);
    Request<Long> large =
        requests.startInLine(On.PLATFORM, pages, () -> pages.allocatePageRun(600));
    Request<Long> small = requests.startInLine(On.VIRTUAL, pages, () -> pages.allocatePageRun(400));
    for (int i = 0; i < 2; i++) {
      long[] run = taken.removeFirst();
      pages.freePageRun(run[0], (int) run[1]);
    }
    pages.freePageRun(large.served(), 600);
    pages.freePageRun(small.served(), 400);
  }
}
