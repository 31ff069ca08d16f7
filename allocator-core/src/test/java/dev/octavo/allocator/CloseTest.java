package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.octavo.allocator.InvalidFreeException.Reason;
import dev.octavo.allocator.LiveAllocationsException.Place;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountException;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What becomes of what is live when an allocator is closed, and when its memory goes back.
@Timeout(30)
class CloseTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 512;

  private static PageAllocator mapped() {
    return Bare.builder().region(MemoryRegion.mapped(PAGES * PAGE)).name("test").build();
  }

  private static void assertFails(MemorySegment segment) {
    assertThatIllegalStateException().isThrownBy(() -> segment.get(JAVA_BYTE, 0));
  }

  private static LiveAllocationsException closesAndReports(PageAllocator allocator) {
    return catchThrowableOfType(LiveAllocationsException.class, allocator::close);
  }

  private static void assertRefused(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED));
  }

  private static FileChannel openFile(Path folder) throws IOException {
    return FileChannel.open(
        folder.resolve("pages"),
        StandardOpenOption.CREATE,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE);
  }

  private static void assertInUse(Throwable thrown) {
    assertThat(thrown)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("a native call is using a segment: name=test");
    assertThat(thrown.getSuppressed()).hasExactlyElementsOfTypes(LiveAllocationsException.class);
  }

  // ---- segments

  @ParameterizedTest
  @EnumSource
  void segmentsFailFromThenOnAndAreReported(CheckLevel level) throws IOException {
    PageAllocator allocator =
        Bare.builder().region(MemoryRegion.mapped(PAGES * PAGE)).checks(level).name("test").build();
    MemorySegment large = allocator.allocate(33 * PAGE - 5);
    MemorySegment small = allocator.allocate(100);
    long run = allocator.allocatePageRun(3);
    MemorySegment ofRun = allocator.segment(run, 3);
    PageArena unscoped = allocator.openUnscopedArena();
    MemorySegment ofUnscoped = unscoped.allocate(100);
    assertThatThrownBy(allocator::close)
        .isInstanceOfSatisfying(
            LiveAllocationsException.class,
            e -> {
              assertThat(e.count()).isEqualTo(4);
              assertThat(e.places()).contains(new Place(0, 33), new Place(run, 3));
              assertThat(e.sites()).hasSize(level == CheckLevel.FULL ? 4 : 0);
            })
        .hasMessageStartingWith("closed with live allocations: name=test, count=4, pages=41, ");
    List.of(large, small, ofRun, ofUnscoped).forEach(CloseTest::assertFails);
    assertRefused(() -> allocator.free(large));
    assertRefused(() -> allocator.trim(small, 1));
    assertRefused(() -> allocator.resize(small, 2 * PAGE));
    assertRefused(() -> allocator.freePageRun(run, 3));
    assertThatIllegalStateException().isThrownBy(() -> allocator.allocate(1));
    assertThatIllegalStateException().isThrownBy(() -> allocator.tryAllocatePageRun(1));
    assertThatIllegalStateException()
        .isThrownBy(() -> allocator.tryAllocateBulk(1, new MemorySegment[2]));
    assertThatIllegalStateException().isThrownBy(() -> unscoped.allocate(PAGES / 2 * PAGE));
    unscoped.close();
    allocator.close();
    allocator.assertNoLeaks();
    assertThat(ProcMaps.isMapped(large.address())).isFalse();
  }

  @Test
  void segmentsOfEveryRegionThatIsOursFail(@TempDir Path folder) throws IOException {
    try (FileChannel file = openFile(folder)) {
      for (MemoryRegion region :
          List.of(MemoryRegion.ofArena(PAGES * PAGE), MemoryRegion.ofFile(file, 0, PAGES * PAGE))) {
        PageAllocator allocator = Bare.builder().region(region).build();
        MemorySegment segment = allocator.allocate(10);
        segment.set(JAVA_BYTE, 0, (byte) 1);
        if (segment.isMapped()) {
          segment.force();
        }
        assertThat(closesAndReports(allocator).count()).isOne();
        assertFails(segment);
      }
    }
  }

  @Test
  void segmentsOfTheCallersMemoryEndWithThat() {
    MemorySegment segment;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(PAGES * PAGE, PAGE);
      PageAllocator allocator = Bare.builder().region(MemoryRegion.of(memory)).build();
      segment = allocator.allocate(10);
      assertThat(closesAndReports(allocator).count()).isOne();
      segment.set(JAVA_BYTE, 0, (byte) 1);
      assertRefused(() -> allocator.free(segment));
    }
    assertFails(segment);
  }

  @Test
  void aSegmentThatANativeCallUsesIsEndedByTheNextClose() throws Throwable {
    PageAllocator allocator = mapped();
    MemorySegment numbers = allocator.allocate(16).fill((byte) 1);
    List<Throwable> thrown = new ArrayList<>();
    NativeSort.sort(numbers, () -> thrown.add(catchThrowable(allocator::close)));
    assertInUse(thrown.getFirst());
    assertThat(numbers.get(JAVA_INT, 12)).isEqualTo(0x01010101);
    assertThatIllegalStateException().isThrownBy(() -> allocator.allocate(1));
    allocator.close();
    assertFails(numbers);
    assertThat(ProcMaps.isMapped(numbers.address())).isFalse();
  }

  // ---- arenas

  @Test
  void anOpenConfinedArenaKeepsTheMemory() throws IOException {
    PageAllocator allocator = mapped();
    MemorySegment plain = allocator.allocate(10);
    PageArena first = allocator.openArena();
    PageArena second = allocator.openArena();
    MemorySegment large = first.allocate(40 * PAGE);
    MemorySegment other = second.allocate(10);
    PageArena unused = allocator.openArena();
    large.set(JAVA_INT, 39 * PAGE, 7);
    assertThat(closesAndReports(allocator).count()).isEqualTo(3);
    assertFails(plain);
    assertThat(large.get(JAVA_INT, 39 * PAGE)).isEqualTo(7);
    assertThatIllegalStateException()
        .isThrownBy(() -> first.allocate(40 * PAGE))
        .withMessage("allocator is closed: name=test");
    assertThatIllegalStateException().isThrownBy(() -> unused.allocate(1));
    first.close();
    assertFails(large);
    second.rewind();
    assertFails(other);
    MemorySegment inChunk = second.allocate(10);
    assertThat(inChunk.get(JAVA_BYTE, 0)).isZero();
    allocator.close();
    assertThat(ProcMaps.isMapped(inChunk.address())).isTrue();
    second.close();
    unused.close();
    assertThat(ProcMaps.isMapped(inChunk.address())).isFalse();
  }

  @Test
  void aSharedArenaEnds() throws Throwable {
    PageAllocator allocator = mapped();
    PageArena arena = allocator.openSharedArena();
    PageArena closed = allocator.openSharedArena();
    closed.allocate(1);
    assertThat(allocator.arenas().openSharedArenas()).isEqualTo(2);
    closed.close();
    assertThat(allocator.arenas().openSharedArenas()).isOne();
    MemorySegment numbers = arena.allocate(16);
    List<Throwable> thrown = new ArrayList<>();
    NativeSort.sort(numbers, () -> thrown.add(catchThrowable(allocator::close)));
    assertInUse(thrown.getFirst());
    assertThat(numbers.get(JAVA_INT, 12)).isZero();
    allocator.close();
    assertFails(numbers);
    assertThat(ProcMaps.isMapped(numbers.address())).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> arena.allocate(1));
    assertThatIllegalStateException().isThrownBy(arena::close);
  }

  @Test
  void aSharedArenaThatANativeCallUsesMayBeClosedByItsOwner() throws Throwable {
    PageAllocator allocator = mapped();
    PageArena arena = allocator.openSharedArena();
    MemorySegment numbers = arena.allocate(16);
    NativeSort.sort(numbers, () -> assertThatIllegalStateException().isThrownBy(allocator::close));
    arena.close();
    assertFails(numbers);
    assertThatNoException().isThrownBy(allocator::close);
    assertThat(ProcMaps.isMapped(numbers.address())).isFalse();
  }

  // ---- who else is concerned

  @Test
  void accountsPayNoMore() throws IOException {
    MemoryAccount root = MemoryAccount.root("engine").open();
    MemoryAccount query = root.child("query").open();
    MemoryAccount victim = root.child("victim").reapable().open();
    PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.mapped(PAGES * PAGE))
            .accounts(root)
            .oomPolicy(OomPolicy.none())
            .build();
    AccountAllocator ofQuery = allocator.under(query);
    AccountAllocator ofVictim = allocator.under(victim);
    allocator.allocate(3 * PAGE);
    MemorySegment charged = ofQuery.allocate(5 * PAGE, 1);
    MemorySegment reapable = ofVictim.allocate(7 * PAGE, 1);
    PageArena arena = ofQuery.openArena(AllocationMode.NOWAIT);
    MemorySegment ofArena = arena.allocate(2 * PAGE);
    assertThat(root.usage()).isGreaterThanOrEqualTo(17 * PAGE);
    assertThat(closesAndReports(allocator).count()).isEqualTo(4);
    assertThat(root.usage()).isZero();
    List.of(charged, reapable).forEach(CloseTest::assertFails);
    ofArena.set(JAVA_BYTE, 0, (byte) 1);
    arena.close();
    assertThat(ProcMaps.isMapped(ofArena.address())).isFalse();
    assertThat(root.usage()).isZero();
    ofQuery.close();
    ofVictim.close();
    query.close();
    victim.close();
    root.close();
  }

  @Test
  void whoGrowsAnAllocationAndWaitsFails() throws Exception {
    PageAllocator allocator =
        PageAllocator.builder()
            .capacity(PAGES * PAGE)
            .watermarks(Watermarks.none())
            .waitAtMost(Duration.ofMinutes(10))
            .build();
    MemorySegment segment = allocator.allocate(PAGE);
    allocator.allocate(PAGES / 2 * PAGE);
    FutureTask<MemorySegment> growing = start(() -> allocator.resize(segment, PAGES * PAGE - PAGE));
    while (allocator.waiters() == 0) {
      Thread.onSpinWait();
    }
    assertThat(closesAndReports(allocator).count()).isEqualTo(2);
    assertThatThrownBy(growing::get).hasCauseExactlyInstanceOf(IllegalStateException.class);
  }

  @Test
  void anOverrunOfWhatIsLiveIsFound() {
    PageAllocator allocator = Bare.builder().capacity(PAGES * PAGE).checks(CheckLevel.FULL).build();
    allocator.allocate(10);
    allocator.segment(0, 1).set(JAVA_BYTE, 10, (byte) 1);
    assertThatThrownBy(allocator::close)
        .isInstanceOfSatisfying(
            CorruptedMemoryException.class,
            e ->
                assertThat(e.getSuppressed())
                    .hasExactlyElementsOfTypes(LiveAllocationsException.class));
    assertThatIllegalStateException().isThrownBy(() -> allocator.allocate(1));
    assertThatNoException().isThrownBy(allocator::close);
  }

  @Test
  void segmentsOfAFileCanBeForcedAndEndWithTheLastArena(@TempDir Path folder) throws IOException {
    try (FileChannel file = openFile(folder)) {
      PageAllocator allocator =
          Bare.builder().region(MemoryRegion.ofFile(file, 0, PAGES * PAGE)).build();
      MemorySegment plain = allocator.allocate(10);
      PageArena arena = allocator.openArena();
      MemorySegment ofArena = arena.allocate(10);
      assertThat(closesAndReports(allocator).count()).isEqualTo(2);
      plain.set(JAVA_BYTE, 9, (byte) 1);
      plain.force();
      ofArena.set(JAVA_BYTE, 9, (byte) 1);
      arena.close();
      assertFails(plain);
      assertFails(ofArena);
    }
  }

  /// A shared arena that nobody refers to any more, while a segment of it is in use.
  @Test
  void aForgottenSharedArenaEndsToo() {
    PageAllocator allocator = mapped();
    MemorySegment segment = allocator.openSharedArena().allocate(10);
    System.gc();
    assertThat(closesAndReports(allocator).count()).isOne();
    assertFails(segment);
  }

  @Test
  void anArenaWhosePagesSomebodyElseFreedGivesTheMemoryBack() throws IOException {
    PageAllocator allocator = mapped();
    PageArena arena = allocator.openArena();
    MemorySegment segment = arena.allocate(10);
    arena.allocate(40 * PAGE);
    allocator.freePageRun((segment.address() - allocator.arenas().segments().base()) / PAGE, 4);
    assertThatThrownBy(arena::close).isInstanceOf(InvalidFreeException.class);
    allocator.close();
    assertThat(ProcMaps.isMapped(segment.address())).isFalse();
  }

  /// A mistake somewhere in the program: what the allocator has charged is uncharged by hand.
  @Test
  void whatAnAllocatorHasChargedCannotBeUnchargedByHand() throws IOException {
    MemoryAccount root = MemoryAccount.root("engine").open();
    MemoryAccount query = root.child("query").open();
    PageAllocator allocator =
        Bare.builder()
            .region(MemoryRegion.mapped(PAGES * PAGE))
            .accounts(root)
            .oomPolicy(OomPolicy.none())
            .build();
    MemorySegment segment = allocator.under(query).allocate(3 * PAGE, AllocationMode.NOWAIT);
    assertThatThrownBy(() -> query.uncharge(3 * PAGE)).isInstanceOf(MemoryAccountException.class);
    assertThat(query.usage()).isEqualTo(3 * PAGE);
    LiveAllocationsException live = closesAndReports(allocator);
    assertThat(live.count()).isEqualTo(1);
    assertThat(live.getSuppressed()).isEmpty();
    assertFails(segment);
    assertThat(root.usage()).isZero();
    assertThat(ProcMaps.isMapped(segment.address())).isFalse();
  }

  /// A request that comes to wait for room in its account when `close` has just failed all that
  /// waited.
  @Test
  void whoComesToAnAccountsLineTooLateFails() throws Exception {
    MemoryAccount root = MemoryAccount.root("engine").open();
    MemoryAccount query = root.child("query").limits(MemoryAccount.Limits.ofMax(4 * PAGE)).open();
    HeldClock clock = new HeldClock();
    PageAllocator allocator =
        PageAllocator.builder()
            .capacity(PAGES * PAGE)
            .watermarks(Watermarks.none())
            .accounts(root)
            .oomPolicy(OomPolicy.none())
            .waitClock(clock)
            .waitAtMost(Duration.ofMinutes(10))
            .build();
    AccountAllocator ofQuery = allocator.under(query);
    MemorySegment segment = ofQuery.allocate(3 * PAGE, AllocationMode.NOWAIT);
    allocator.allocate(1); // so that it cannot grow in place
    FutureTask<MemorySegment> early = start(() -> ofQuery.allocate(2 * PAGE, 1));
    while (allocator.waiters() == 0) {
      Thread.onSpinWait();
    }
    FutureTask<MemorySegment> late =
        start(() -> clock.holdingMe(() -> allocator.resize(segment, 4 * PAGE)));
    clock.isHeld.await();
    FutureTask<LiveAllocationsException> closing = start(() -> closesAndReports(allocator));
    assertThatThrownBy(early::get).hasCauseExactlyInstanceOf(IllegalStateException.class);
    clock.goesOn.countDown();
    assertThat(closing.get().count()).isEqualTo(2);
    assertThatThrownBy(late::get).hasCauseExactlyInstanceOf(IllegalStateException.class);
  }

  private static <T> FutureTask<T> start(Callable<T> call) {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().start(task);
    return task;
  }

  /// Holds a thread at the second look of a wait at the clock: it has seen the allocator open, and
  /// stands in no line yet.
  private static final class HeldClock implements WaitClock {

    private final CountDownLatch isHeld = new CountDownLatch(1);
    private final CountDownLatch goesOn = new CountDownLatch(1);
    private final ThreadLocal<Integer> looks = new ThreadLocal<>();

    <T> T holdingMe(Callable<T> call) throws Exception {
      looks.set(0);
      return call.call();
    }

    @Override
    public long nanoTime() {
      Integer before = looks.get();
      if (before != null) {
        looks.set(before + 1);
        if (before == 1) {
          isHeld.countDown();
          await();
        }
      }
      return System.nanoTime();
    }

    private void await() {
      try {
        goesOn.await();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void park(Object blocker, long nanos) {
      SYSTEM.park(blocker, nanos);
    }

    @Override
    public void unpark(Thread thread) {
      SYSTEM.unpark(thread);
    }
  }
}
