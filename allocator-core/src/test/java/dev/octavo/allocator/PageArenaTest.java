package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The contract of `java.lang.foreign.Arena`, a test a clause, for every arena that promises it;
/// then what is ours: pages, rewinding, zeroing, figures.
class PageArenaTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 1000;
  private static final byte DIRT = (byte) 0xA5;

  private final PageAllocator allocator =
      Bare.builder().capacity(PAGES * PAGE).name("pooled").build();
  private final PageAllocator denied =
      Bare.builder().capacity(PAGE).name("denied").withoutNativeAccess().build();

  /// The arenas that promise what the JDK's do.
  enum Kind {
    CONFINED,
    SHARED,
    CONFINED_WITHOUT_ACCESS,
    SHARED_WITHOUT_ACCESS;

    boolean isConfined() {
      return this == CONFINED || this == CONFINED_WITHOUT_ACCESS;
    }
  }

  private PageArena open(Kind kind) {
    return switch (kind) {
      case CONFINED -> allocator.openArena();
      case SHARED -> allocator.openSharedArena();
      case CONFINED_WITHOUT_ACCESS -> denied.openArena();
      case SHARED_WITHOUT_ACCESS -> denied.openSharedArena();
    };
  }

  @AfterEach
  void everythingWentBackAndEveryLawHolds() {
    assertThat(allocator.buddyInfo().freePages()).isEqualTo(PAGES);
    assertThat(allocator.audit()).isEmpty();
    allocator.close();
    denied.close();
  }

  // ---- the JDK's contract

  @ParameterizedTest
  @EnumSource
  void segmentsHaveTheSizeAndTheAlignmentAskedFor(Kind kind) {
    try (PageArena arena = open(kind)) {
      for (long byteSize : new long[] {0, 1, 7, 64, 4095, 4096, 4097, 70_000, 135_168}) {
        for (long alignment : new long[] {1, 2, 8, 64, 4096, 32_768}) {
          MemorySegment segment = arena.allocate(byteSize, alignment);
          assertThat(segment.byteSize()).isEqualTo(byteSize);
          assertThat(segment.address() % alignment).isZero();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void segmentsAreZeroed(Kind kind) {
    for (int round = 0; round < 3; round++) {
      try (PageArena arena = open(kind)) {
        for (int byteSize : new int[] {1, 48, 1000, 5000, 200_000, 48, 3000}) {
          MemorySegment segment = arena.allocate(byteSize, 1);
          assertThat(segment.mismatch(MemorySegment.ofArray(new byte[byteSize]))).isEqualTo(-1);
          segment.fill(DIRT);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void segmentsDoNotOverlap(Kind kind) {
    try (PageArena arena = open(kind)) {
      List<MemorySegment> segments = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        MemorySegment segment =
            i % 3 == 0 ? arena.allocateUninitialized(i, 8) : arena.allocate(i * 17L, 1);
        segments.add(segment.fill((byte) i));
      }
      for (int i = 0; i < segments.size(); i++) {
        byte[] expected = new byte[(int) segments.get(i).byteSize()];
        Arrays.fill(expected, (byte) i);
        assertThat(segments.get(i).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void badArgumentsAreRefused(Kind kind) {
    try (PageArena arena = open(kind)) {
      assertThatThrownBy(() -> arena.allocate(-1, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("byte size out of range: value=-1");
      for (long alignment : new long[] {0, -1, 3, Long.MIN_VALUE}) {
        assertThatThrownBy(() -> arena.allocate(8, alignment))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("byte alignment")
            .hasMessageContaining("value=" + alignment);
      }
      assertThat(arena.allocatedByteSize()).isZero();
    }
  }

  @Test
  void sizesThatOverflowAreOutOfPages() {
    try (PageArena arena = allocator.openArena()) {
      arena.allocate(100, 1);
      for (long byteSize : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 4095, 1L << 62}) {
        assertThatThrownBy(() -> arena.allocate(byteSize, 1))
            .isInstanceOf(OutOfPagesException.class);
      }
      assertThatThrownBy(() -> arena.allocate(1, 1L << 62)).isInstanceOf(OutOfPagesException.class);
      assertThat(arena.allocatedByteSize()).isEqualTo(100);
    }
  }

  @ParameterizedTest
  @EnumSource
  void allocateFromOfEveryKindWorks(Kind kind) {
    try (PageArena arena = open(kind)) {
      for (SegmentAllocator from : List.of(arena, arena.uninitialized())) {
        assertThat(from.allocateFrom("Oktav, größer").getString(0)).isEqualTo("Oktav, größer");
        assertThat(
                from.allocateFrom("zwölf", StandardCharsets.UTF_16LE)
                    .getString(0, StandardCharsets.UTF_16LE))
            .isEqualTo("zwölf");
        assertThat(from.allocateFrom(ValueLayout.JAVA_LONG, 42).get(ValueLayout.JAVA_LONG, 0))
            .isEqualTo(42);
        assertThat(from.allocateFrom(ValueLayout.JAVA_INT, 1, 2, 3).toArray(ValueLayout.JAVA_INT))
            .containsExactly(1, 2, 3);
        assertThat(from.allocate(ValueLayout.JAVA_DOUBLE, 10).byteSize()).isEqualTo(80);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void segmentsHaveTheArenasScope(Kind kind) {
    PageArena arena = open(kind);
    MemorySegment small = arena.allocate(8, 8);
    MemorySegment large = arena.allocate(200_000, 1);
    MemorySegment empty = arena.allocate(0, 1);
    assertThat(small.scope()).isEqualTo(arena.scope()).isEqualTo(large.scope());
    assertThat(empty.scope()).isEqualTo(arena.scope());
    assertThat(arena.scope().isAlive()).isTrue();
    arena.close();
    assertThat(small.scope().isAlive()).isFalse();
    assertThat(empty.scope().isAlive()).isFalse();
  }

  @ParameterizedTest
  @EnumSource
  void afterCloseTheArenaAndEverySegmentFail(Kind kind) {
    PageArena arena = open(kind);
    List<MemorySegment> segments = new ArrayList<>();
    for (int i = 1; i < 200; i++) {
      segments.add(arena.allocate(i * 40L, 1));
    }
    MemorySegment slice = segments.getFirst().asSlice(3, 8);
    arena.close();
    segments.add(slice);
    for (MemorySegment segment : segments) {
      assertThatThrownBy(() -> segment.get(ValueLayout.JAVA_BYTE, 0))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThatThrownBy(() -> arena.allocate(8, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> arena.allocateUninitialized(8, 1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(arena::rewind).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource
  void closingTwiceIsAnError(Kind kind) {
    PageArena arena = open(kind);
    arena.allocate(8, 8);
    arena.close();
    assertThatThrownBy(arena::close).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @EnumSource
  void aConfinedArenaIsItsThreadsAlone(Kind kind) throws InterruptedException {
    PageArena arena = open(kind);
    MemorySegment segment = arena.allocate(8, 8);
    List<Runnable> calls =
        List.of(
            () -> arena.allocate(8, 8),
            () -> arena.allocateUninitialized(8, 8),
            () -> segment.set(ValueLayout.JAVA_LONG, 0, 1),
            arena::rewind,
            arena::close);
    for (Runnable call : kind.isConfined() ? calls : calls.subList(0, 3)) {
      Throwable thrown = thrownOnAnotherThread(call);
      if (kind.isConfined()) {
        assertThat(thrown).isInstanceOf(WrongThreadException.class);
      } else {
        assertThat(thrown).isNull();
      }
    }
    arena.close();
  }

  private static Throwable thrownOnAnotherThread(Runnable call) throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread thread = new Thread(call);
    thread.setUncaughtExceptionHandler((ignored, e) -> thrown.set(e));
    thread.start();
    thread.join();
    return thrown.get();
  }

  /// While a native function runs on one of its segments, here `qsort`, an arena cannot be closed.
  @ParameterizedTest
  @EnumSource
  @SuppressWarnings("restricted")
  void anArenaInUseByANativeCallStaysOpen(Kind kind) throws Throwable {
    PageArena arena = open(kind);
    MemorySegment numbers = arena.allocateFrom(ValueLayout.JAVA_INT, 3, 1, 2);
    Linker linker = Linker.nativeLinker();
    MethodHandle qsort =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("qsort"),
            FunctionDescriptor.ofVoid(
                ValueLayout.ADDRESS,
                ValueLayout.JAVA_LONG,
                ValueLayout.JAVA_LONG,
                ValueLayout.ADDRESS));
    Closer closer = new Closer(arena);
    try (Arena upcalls = Arena.ofConfined()) {
      MethodHandle compare =
          MethodHandles.lookup()
              .findVirtual(
                  Closer.class,
                  "compare",
                  MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class))
              .bindTo(closer);
      MemorySegment stub =
          linker.upcallStub(
              compare,
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT,
                  ValueLayout.ADDRESS.withTargetLayout(ValueLayout.JAVA_INT),
                  ValueLayout.ADDRESS.withTargetLayout(ValueLayout.JAVA_INT)),
              upcalls);
      qsort.invokeExact(numbers, 3L, 4L, stub);
    }
    assertThat(closer.refusals).isPositive();
    assertThat(numbers.toArray(ValueLayout.JAVA_INT)).containsExactly(1, 2, 3);
    arena.close();
  }

  /// A comparator that tries to close and to rewind the arena.
  private static final class Closer {

    private final PageArena arena;
    private int refusals;

    Closer(PageArena arena) {
      this.arena = arena;
    }

    @SuppressWarnings("UnusedMethod") // the upcall
    int compare(MemorySegment a, MemorySegment b) {
      assertThatThrownBy(arena::close).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(arena::rewind).isInstanceOf(IllegalStateException.class);
      refusals++;
      return Integer.compare(a.get(ValueLayout.JAVA_INT, 0), b.get(ValueLayout.JAVA_INT, 0));
    }
  }

  // ---- pages

  @Test
  void smallAllocationsShareAChunkAndLargeOnesAreExact() {
    try (PageArena arena = allocator.openArena()) {
      assertThat(arena.reservedByteSize()).isZero();
      MemorySegment first = arena.allocate(48, 8);
      MemorySegment second = arena.allocate(16, 8);
      assertThat(second.address()).isEqualTo(first.address() + 48);
      assertThat(arena.reservedByteSize()).isEqualTo(4 * PAGE);
      arena.allocate(135_168, 1);
      assertThat(arena.reservedByteSize()).isEqualTo((4 + 33) * PAGE);
      assertThat(arena.allocatedByteSize()).isEqualTo(64 + 135_168);
      assertThat(allocator.buddyInfo().allocatedPages()).isEqualTo(4 + 33);
    }
  }

  /// L5: if there is no room for a chunk, a page does.
  @Test
  void theLastPagesAreFoundOneByOne() {
    long run = allocator.allocatePageRun(PAGES - 2);
    try (PageArena arena = allocator.openArena()) {
      arena.allocate(16, 1);
      arena.allocate(16, 1);
      assertThatThrownBy(() -> arena.allocate(16, 1)).isInstanceOf(OutOfPagesException.class);
      assertThat(arena.reservedByteSize()).isEqualTo(2 * PAGE);
    }
    allocator.freePageRun(run, PAGES - 2);
  }

  @Test
  void chunksGrow() {
    try (PageArena arena = allocator.openArena()) {
      for (int i = 0; i < 2_000; i++) {
        arena.allocate(1000, 1);
      }
      long wasted = arena.reservedByteSize() - arena.allocatedByteSize();
      assertThat(wasted).isBetween(0L, 300L << 10);
      assertThat(allocator.buddyInfo().allocatedPages() * PAGE).isEqualTo(arena.reservedByteSize());
    }
  }

  // ---- rewinding

  @ParameterizedTest
  @EnumSource
  void rewindingEndsTheSegmentsAndNotTheArena(Kind kind) {
    PageArena arena = open(kind);
    MemorySegment before = arena.allocate(100, 1);
    arena.rewind();
    assertThatThrownBy(() -> before.get(ValueLayout.JAVA_BYTE, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThat(arena.allocatedByteSize()).isZero();
    MemorySegment after = arena.allocate(100, 1);
    assertThat(after.scope()).isEqualTo(arena.scope());
    assertThat(after.get(ValueLayout.JAVA_BYTE, 99)).isZero();
    assertThat(arena.peakByteSize()).isEqualTo(100);
    arena.close();
  }

  @Test
  void rewindingKeepsOneChunkAndGivesTheRestBack() {
    try (PageArena arena = allocator.openArena()) {
      for (int i = 0; i < 10; i++) {
        arena.allocate(3000, 1);
        arena.allocate(50_000, 1);
      }
      long peak = arena.allocatedByteSize();
      arena.rewind();
      long kept = arena.reservedByteSize();
      assertThat(kept).isBetween(1L, 64L << 10);
      assertThat(allocator.buddyInfo().allocatedPages() * PAGE).isEqualTo(kept);
      assertThat(arena.peakByteSize()).isEqualTo(peak);
      long address = arena.allocate(8, 8).address();
      for (int i = 0; i < 100; i++) {
        arena.rewind();
        assertThat(arena.allocate(8, 8).address()).isEqualTo(address);
      }
      assertThat(arena.reservedByteSize()).isEqualTo(kept);
    }
  }

  @Test
  void whatIsDirtyIsZeroedAgainAfterRewinding() {
    try (PageArena arena = allocator.openArena()) {
      for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 40; i++) {
          int byteSize = 1 + (i * 37 + round * 11) % 700;
          if ((i + round) % 4 == 0) {
            arena.allocateUninitialized(byteSize, 1).fill(DIRT);
          } else {
            MemorySegment segment = arena.allocate(byteSize, 1);
            assertThat(segment.mismatch(MemorySegment.ofArray(new byte[byteSize]))).isEqualTo(-1);
            segment.fill(DIRT);
          }
        }
        arena.rewind();
      }
    }
  }

  @Test
  void uninitializedMemoryIsNotTouched() {
    try (PageArena arena = allocator.openArena()) {
      arena.allocateUninitialized(1000, 1).fill(DIRT);
      arena.rewind();
      MemorySegment segment = arena.allocateUninitialized(1000, 1);
      assertThat(segment.get(ValueLayout.JAVA_BYTE, 999)).isEqualTo(DIRT);
    }
  }

  /// A turn that cannot give all of its pages back is over all the same, and leaves no dirt.
  @Test
  void afterARewindThatFailedMemoryIsZeroed() {
    for (PageArena arena : List.of(allocator.openArena(), allocator.openUnscopedArena())) {
      arena.allocate(1000, 1).fill(DIRT);
      MemorySegment large = arena.allocate(5 * PAGE, 1);
      allocator.freePageRun((large.address() - allocator.arenas().segments().base()) / PAGE, 5);
      assertThatThrownBy(arena::rewind).isInstanceOf(InvalidFreeException.class);
      arena.allocate(5 * PAGE, 1);
      MemorySegment segment = arena.allocate(1000, 1);
      assertThat(segment.mismatch(MemorySegment.ofArray(new byte[1000]))).isEqualTo(-1);
      arena.close();
    }
  }

  /// Memory that cannot be zeroed is not handed out as zeroed.
  @Test
  void whatCannotBeZeroedIsNotHandedOut() {
    try (Arena memory = Arena.ofConfined()) {
      MemorySegment readOnly = memory.allocate(PAGES * PAGE, PAGE).asReadOnly();
      PageAllocator reader = Bare.builder().region(MemoryRegion.of(readOnly)).build();
      PageArena arena = reader.openUnscopedArena();
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> arena.allocate(8, 8)).isInstanceOf(IllegalArgumentException.class);
      }
      arena.allocateUninitialized(8, 8);
      arena.rewind();
      arena.close();
      reader.close();
    }
  }

  // ---- the unscoped kind

  @Test
  void anUnscopedArenaLeavesItsSegmentsUsable() {
    PageArena arena = denied.openUnscopedArena();
    MemorySegment segment = arena.allocate(8, 8);
    assertThat(arena.isPooled()).isTrue();
    assertThat(segment.scope()).isEqualTo(arena.scope());
    arena.close();
    assertThat(segment.get(ValueLayout.JAVA_LONG, 0)).isZero();
    assertThatThrownBy(() -> arena.allocate(8, 8)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(arena::close).isInstanceOf(IllegalStateException.class);
    assertThat(denied.buddyInfo().freePages()).isEqualTo(1);
    assertThat(denied.unpooledArenas()).isZero();
  }

  // ---- with all checks

  @Test
  void withAllChecksAStaleWriteIntoAnUnscopedArenaIsFound() {
    PageAllocator checked = Bare.builder().capacity(PAGES * PAGE).checks(CheckLevel.FULL).build();
    for (long byteSize : new long[] {100, 100_000}) {
      PageArena arena = checked.openUnscopedArena();
      MemorySegment stale = arena.allocate(byteSize, 8);
      arena.close();
      stale.set(ValueLayout.JAVA_BYTE, byteSize - 1, (byte) 1);
      assertThatThrownBy(checked::assertNoLeaks)
          .isInstanceOfSatisfying(
              CorruptedMemoryException.class,
              e -> {
                assertIsHere(e.allocationSite());
                assertIsHere(e.freeSite());
              });
    }
    checked.close();
  }

  private static void assertIsHere(List<StackTraceElement> site) {
    assertThat(site.getFirst().getClassName()).isEqualTo(PageArenaTest.class.getName());
  }

  @Test
  @SuppressWarnings("restricted")
  void withAllChecksAnArenasMemoryIsZeroAndWritesBehindALargePieceAreFound() {
    PageAllocator checked = Bare.builder().capacity(PAGES * PAGE).checks(CheckLevel.FULL).build();
    PageArena arena = checked.openUnscopedArena();
    for (int byteSize : new int[] {100, 100_000}) {
      MemorySegment segment = arena.allocate(byteSize, 1);
      assertThat(segment.mismatch(MemorySegment.ofArray(new byte[byteSize]))).isEqualTo(-1);
    }
    arena.rewind();
    MemorySegment large = arena.allocate(100_000, 1);
    arena.allocate(50_000, 1);
    MemorySegment behind =
        MemorySegment.ofAddress(large.address() + large.byteSize()).reinterpret(1);
    byte before = behind.get(ValueLayout.JAVA_BYTE, 0);
    behind.set(ValueLayout.JAVA_BYTE, 0, (byte) (before + 1));
    assertThatThrownBy(arena::close).isInstanceOf(CorruptedMemoryException.class);
    behind.set(ValueLayout.JAVA_BYTE, 0, before);
    assertThat(checked.buddyInfo().allocatedPages()).isEqualTo(25);
    checked.free(large);
    checked.close();
  }

  // ---- shared

  @Test
  void threadsShareAnArenaWithoutSharingBytes() throws InterruptedException {
    PageArena arena = allocator.openSharedArena();
    List<Thread> threads = new ArrayList<>();
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    for (int t = 1; t <= 4; t++) {
      byte mark = (byte) t;
      Thread thread = new Thread(() -> fillAndCheck(arena, mark));
      thread.setUncaughtExceptionHandler((ignored, e) -> thrown.set(e));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(thrown.get()).isNull();
    arena.close();
  }

  private static void fillAndCheck(PageArena arena, byte mark) {
    List<MemorySegment> mine = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      mine.add(arena.allocate(1 + i % 100, 1).fill(mark));
    }
    for (MemorySegment segment : mine) {
      for (long at = 0; at < segment.byteSize(); at++) {
        assertThat(segment.get(ValueLayout.JAVA_BYTE, at)).isEqualTo(mark);
      }
    }
  }

  // ---- forgotten

  @Test
  void aForgottenArenaIsReportedAndItsPagesGoBack() throws InterruptedException {
    PageAllocator watching = Bare.builder().capacity(PAGES * PAGE).watchArenas().build();
    MemorySegment[] kept = {forget(watching)};
    collectUntil(() -> watching.buddyInfo().freePages() == PAGES - 4);
    assertThat(watching.forgottenArenas()).isEqualTo(1);
    assertThat(kept[0].get(ValueLayout.JAVA_LONG, 0)).isEqualTo(42);
    kept[0] = MemorySegment.NULL;
    collectUntil(() -> watching.forgottenArenas() == 2);
    watching.close();
  }

  /// Opens three arenas: one is closed, one forgotten, of one a segment is kept.
  private static MemorySegment forget(PageAllocator watching) {
    try (PageArena closed = watching.openArena()) {
      closed.allocate(8, 8);
      closed.rewind();
      closed.allocate(8, 8);
    }
    PageArena forgotten = watching.openSharedArena();
    forgotten.allocate(300_000, 1);
    forgotten.rewind();
    forgotten.allocate(300_000, 1);
    MemorySegment kept = watching.openArena().allocate(8, 8);
    kept.set(ValueLayout.JAVA_LONG, 0, 42);
    return kept;
  }

  private static void collectUntil(BooleanSupplier condition) throws InterruptedException {
    for (int i = 0; i < 500 && !condition.getAsBoolean(); i++) {
      System.gc();
      Thread.sleep(1);
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  // ---- without native access, without memory, closed

  @Test
  void withoutNativeAccessArenasAreCounted() {
    try (PageArena arena = denied.openArena();
        PageArena shared = denied.openSharedArena()) {
      assertThat(arena.isPooled()).isFalse();
      assertThat(shared.isPooled()).isFalse();
      arena.allocate(1 << 20, 1);
      assertThat(arena.allocatedByteSize()).isEqualTo(1 << 20);
      assertThat(arena.reservedByteSize()).isZero();
      assertThat(denied.unpooledArenas()).isEqualTo(2);
      assertThat(denied.buddyInfo().allocatedPages()).isZero();
    }
  }

  @Test
  void arenasNeedMemoryAndAnOpenAllocator() {
    PageAllocator numbers = Bare.builder().region(MemoryRegion.reserveOnly(PAGE)).build();
    assertThatThrownBy(numbers::openArena).isInstanceOf(UnsupportedOperationException.class);
    numbers.close();
    PageAllocator closed = Bare.builder().capacity(PAGE).build();
    closed.close();
    assertThatThrownBy(closed::openArena).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(closed::openUnscopedArena).isInstanceOf(IllegalStateException.class);
  }
}
