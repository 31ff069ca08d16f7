package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What is taken away from one goes to others: nothing of theirs is freed, zeroed or charged by
/// what the first still does, nor by closing twice or too late.
@Timeout(60)
class ReapTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 256;
  private static final int ROUNDS = 300;

  private final MemoryAccount root = MemoryAccount.root("e").open();
  private final MemoryAccount other = root.child("b").strict().scoreAdj(-1000).open();
  private final MemoryAccount victim = root.child("r").strict().reapable().open();

  private PageAllocatorBuilder builder() {
    return PageAllocator.builder()
        .capacity((long) PAGES * PAGE)
        .watermarks(Watermarks.none())
        .threadCache(0, 0)
        .oomPolicy(OomPolicy.none())
        .accounts(root);
  }

  /// The owner frees its own memory, once each, while the reaper takes it and others allocate.
  @ParameterizedTest
  @EnumSource(CheckLevel.class)
  void anOwnerFreesWhileTheReaperDoes(CheckLevel checks) throws Exception {
    PageAllocator pages = builder().checks(checks).build();
    int rounds = checks == CheckLevel.FULL ? ROUNDS / 10 : ROUNDS;
    for (int round = 0; round < rounds; round++) {
      AccountAllocator ofVictim = pages.under(victim);
      AccountAllocator ofOther = pages.under(other);
      List<MemorySegment> mine = new ArrayList<>();
      for (int i = 0; i < PAGES; i++) {
        mine.add(ofVictim.allocate(PAGE, AllocationMode.NOWAIT));
      }
      List<MemorySegment> theirs = new ArrayList<>();
      Threads.together(
          3,
          number -> {
            switch (number) {
              case 0 -> mine.forEach(segment -> freeIfThere(ofVictim, segment));
              case 1 -> takeSome(ofOther, theirs);
              default -> assertThat(pages.payers().reap(victim)).isTrue();
            }
            return number;
          });
      theirs.forEach(ofOther::free);
      assertThat(pages.audit()).isEmpty();
      assertThat(pages.buddyInfo().freePages()).isEqualTo(PAGES);
      assertThat(victim.ownUsage()).isZero();
      assertThat(other.ownUsage()).isZero();
      ofVictim.close();
      ofOther.close();
    }
    pages.close();
  }

  private static void freeIfThere(AccountAllocator tenant, MemorySegment segment) {
    try {
      tenant.free(segment);
    } catch (InvalidFreeException e) {
      assertThat(e.reason())
          .isIn(
              InvalidFreeException.Reason.REAPED,
              InvalidFreeException.Reason.DOUBLE_FREE,
              InvalidFreeException.Reason.BUSY);
    }
  }

  private static void takeSome(AccountAllocator tenant, List<MemorySegment> into) {
    for (int i = 0; i < 2000; i++) {
      MemorySegment segment = tenant.tryAllocate(PAGE, 1, AllocationMode.NOWAIT);
      if (segment != null) {
        into.add(segment);
      }
    }
  }

  /// A waiter is served; its account is reaped before it wakes, and its pages go to the next one.
  @Test
  void aServedWaiterThatWakesTooLateHasNothing() throws Exception {
    CountDownLatch wake = new CountDownLatch(1);
    WaitClock clock =
        new WaitClock() {
          @Override
          public long nanoTime() {
            return SYSTEM.nanoTime();
          }

          @Override
          public void park(Object blocker, long nanos) {
            if (Thread.currentThread().getName().equals("slow")) {
              SYSTEM.park(blocker, wake.getCount() == 0 ? nanos : Long.MAX_VALUE);
            } else {
              SYSTEM.park(blocker, nanos);
            }
          }

          @Override
          public void unpark(Thread thread) {
            if (!thread.getName().equals("slow") || wake.getCount() == 0) {
              SYSTEM.unpark(thread);
            }
          }
        };
    PageAllocator pages = builder().waitClock(clock).waitAtMost(Duration.ofSeconds(30)).build();
    AccountAllocator ofVictim = pages.under(victim);
    AccountAllocator ofOther = pages.under(other);
    MemorySegment ten = ofOther.allocate(10 * PAGE);
    MemorySegment rest = ofOther.allocate((PAGES - 10L) * PAGE);
    List<Throwable> failures = new ArrayList<>();
    Thread slow =
        Thread.ofPlatform()
            .name("slow")
            .start(
                () -> {
                  try {
                    ofVictim.allocate(10 * PAGE);
                  } catch (RuntimeException e) {
                    failures.add(e);
                  }
                });
    while (slow.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    ofOther.free(ten); // handed over to slow, which does not wake yet
    assertThat(victim.ownUsage()).isEqualTo(10L * PAGE);
    assertThat(pages.payers().reap(victim)).isTrue();
    MemorySegment mine = ofOther.allocate(10 * PAGE);
    assertThat(pages.freePages()).isZero();
    wake.countDown();
    SYSTEM.unpark(slow);
    slow.join();
    assertThat(failures).hasSize(1).first().isInstanceOf(IllegalStateException.class);
    assertThat(pages.freePages()).isZero();
    assertThat(other.ownUsage()).isEqualTo((long) PAGES * PAGE);
    ofOther.free(mine);
    ofOther.free(rest);
    ofOther.close();
    ofVictim.close();
    pages.close();
  }

  private static final WaitClock SYSTEM = WaitClock.SYSTEM;

  @Test
  void anArenaOfTheVictimGivesNothingOfOthersBack() {
    PageAllocator pages = builder().build();
    AccountAllocator ofVictim = pages.under(victim);
    AccountAllocator ofOther = pages.under(other);
    PageArena arena = ofVictim.openUnscopedArena(AllocationMode.ATOMIC);
    arena.allocate((PAGES - 1L) * PAGE);
    assertThat(pages.payers().reap(victim)).isTrue();
    MemorySegment mine = ofOther.allocate((PAGES - 1L) * PAGE);
    arena.close();
    assertThat(pages.freePages()).isOne();
    ofOther.free(mine);
    ofVictim.close();
    ofOther.close();
    pages.close();
  }

  @Test
  void closingTwiceGivesNoNumberAway() {
    PageAllocator pages = builder().build();
    AccountAllocator twice = pages.under(other);
    twice.close();
    twice.close();
    AccountAllocator ofOther = pages.under(other);
    AccountAllocator ofVictim = pages.under(victim);
    MemorySegment mine = ofOther.allocate(4 * PAGE);
    mine.fill((byte) 7);
    ofVictim.allocate(100 * PAGE);
    twice.close();
    assertThat(pages.payers().reap(victim)).isTrue();
    assertThat(mine.get(JAVA_BYTE, 0)).isEqualTo((byte) 7);
    assertThat(other.ownUsage()).isEqualTo(4L * PAGE);
    ofOther.free(mine);
    ofOther.close();
    ofVictim.close();
    pages.close();
  }

  @Test
  void whatIsClosedAllocatesNoMore() {
    PageAllocator pages = builder().build();
    AccountAllocator closed = pages.under(other);
    PageArena arena = closed.openArena();
    closed.close();
    assertThatThrownBy(() -> closed.allocate(PAGE))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("allocator of the account is closed: account=e/b, name=octavo");
    assertThatThrownBy(() -> arena.allocate(PAGE)).isInstanceOf(IllegalStateException.class);
    assertThat(closed.tryAllocate(PAGE, 1, AllocationMode.ATOMIC)).isNull();
    arena.close();
    assertThat(root.usage()).isZero();
    pages.close();
  }

  @Test
  void nothingIsHandedOverToAVictim() {
    PageAllocator pages = builder().build();
    AccountAllocator ofVictim = pages.under(victim);
    AccountAllocator ofOther = pages.under(other);
    MemorySegment mine = ofOther.allocate(3 * PAGE);
    assertThat(pages.payers().reap(victim)).isTrue();
    assertThatThrownBy(() -> ofOther.handOver(mine, ofVictim))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("account=e/r");
    assertThat(other.ownUsage()).isEqualTo(3L * PAGE);
    ofOther.free(mine);
    ofVictim.close();
    ofOther.close();
    pages.close();
  }

  @Test
  void segmentsOfATenantEndWithTheAllocator() {
    PageAllocator pages = builder().build();
    AccountAllocator ofVictim = pages.under(victim);
    MemorySegment segment = ofVictim.allocate(PAGE);
    ofVictim.free(segment);
    pages.close();
    assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aRefusedFreeKeepsTheOwner() {
    PageAllocator pages = builder().checks(CheckLevel.FULL).build();
    AccountAllocator ofOther = pages.under(other);
    MemorySegment segment = ofOther.allocate(100);
    MemorySegment page = pages.segment(0, PAGES).asSlice(offset(pages, segment), PAGE);
    byte old = page.get(JAVA_BYTE, 101);
    page.set(JAVA_BYTE, 101, (byte) ~old);
    assertThatThrownBy(() -> ofOther.free(segment)).isInstanceOf(CorruptedMemoryException.class);
    page.set(JAVA_BYTE, 101, old);
    ofOther.free(segment);
    assertThat(root.usage()).isZero();
    ofOther.close();
    pages.close();
  }

  private static long offset(PageAllocator pages, MemorySegment segment) {
    return segment.address() - pages.segment(0, 1).address();
  }

  /// A limit below the capacity: memory is plentiful, and still the shrinker is asked, before
  /// anybody is chosen.
  @Test
  void atALimitShrinkersAreAskedFirst() {
    root.limits(MemoryAccount.Limits.ofMax(64L * PAGE));
    PageAllocator pages =
        builder().oomPolicy(OomPolicy.kernel()).waitAtMost(Duration.ofSeconds(20)).build();
    AccountAllocator ofVictim = pages.under(victim);
    AccountAllocator ofOther = pages.under(other);
    List<MemorySegment> cached = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      cached.add(ofVictim.allocate(PAGE));
    }
    Shrinker cache =
        new Shrinker() {
          @Override
          public synchronized long count() {
            return (long) cached.size() * PAGE;
          }

          @Override
          public synchronized long scan(long byteSize) {
            for (long freed = 0; freed < byteSize && !cached.isEmpty(); freed += PAGE) {
              pages.free(cached.removeLast());
            }
            return byteSize;
          }
        };
    try (Shrinker.Registration _ = pages.addShrinker("cache", cache)) {
      MemorySegment got = ofOther.allocate(20 * PAGE);
      assertThat(ofVictim.isReaped()).isFalse();
      ofOther.free(got);
    }
    synchronized (cache) { // a call may still be under way
      cached.forEach(pages::free);
    }
    ofVictim.close();
    ofOther.close();
    pages.close();
  }
}
