package dev.octavo.allocator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.internal.reclaim.JumpingClock;
import dev.octavo.allocator.internal.request.LastResort;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryPressure;
import dev.octavo.allocator.oom.OomCandidate;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Whole episodes: a request waits in vain, somebody is chosen, and gives or is made to.
@Timeout(60)
class OomEpisodeTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 512;
  private static final Duration PATIENCE = Duration.ofNanos(LastResort.PATIENCE_NANOS);
  private static final Duration GRACE = Duration.ofSeconds(2);

  private final JumpingClock clock = new JumpingClock();
  private final MemoryAccount root = MemoryAccount.root("engine").open();
  private @Nullable PageAllocator allocator;

  private PageAllocator open(OomPolicy policy) {
    return open(policy, CheckLevel.BASIC, false);
  }

  private PageAllocator open(OomPolicy policy, CheckLevel checks, boolean dryRun) {
    PageAllocator opened =
        PageAllocator.builder()
            .capacity((long) PAGES * PAGE)
            .watermarks(Watermarks.of(16 * PAGE, 20 * PAGE, 24 * PAGE))
            .waitAtMost(Duration.ofSeconds(20))
            .waitClock(clock)
            .checks(checks)
            .accounts(root)
            .oomPolicy(policy)
            .oomKiller(
                settings -> {
                  if (dryRun) {
                    settings.dryRun();
                  }
                })
            .build();
    allocator = opened;
    return opened;
  }

  @AfterEach
  void nothingIsLost() {
    PageAllocator pages = allocator;
    if (pages != null) {
      assertThat(pages.waiters()).isZero();
      assertThat(pages.audit()).isEmpty();
      assertThat(pages.buddyInfo().freePages()).isEqualTo(PAGES);
      pages.close();
    }
    assertThat(root.usage()).isZero();
  }

  private Duration elapsed(Runnable action) {
    long start = clock.nanoTime();
    action.run();
    return Duration.ofNanos(clock.nanoTime() - start);
  }

  private static OomKiller killer(PageAllocator pages) {
    return pages.oomKiller().orElseThrow();
  }

  // ---- the reaper

  @ParameterizedTest
  @EnumSource(CheckLevel.class)
  void aReapableVictimLosesItsMemoryAfterTheGracePeriod(CheckLevel checks) {
    PageAllocator pages = open(OomPolicy.kernel(), checks, false);
    MemoryAccount cache = root.child("cache").reapable().open();
    MemoryAccount query = root.child("query").scoreAdj(-900).open();
    AccountAllocator ofCache = pages.under(cache);
    AccountAllocator ofQuery = pages.under(query);
    MemorySegment mine = ofQuery.allocate(16 * PAGE);
    mine.fill((byte) 5);
    MemorySegment stale = ofCache.allocate(400 * PAGE);
    stale.fill((byte) 7);
    MemorySegment small = ofCache.allocate(100);
    MemorySegment[] got = new MemorySegment[1];

    assertThat(elapsed(() -> got[0] = ofQuery.allocate(100 * PAGE)))
        .isBetween(GRACE.plus(PATIENCE), GRACE.plus(PATIENCE).plusMillis(200));

    assertThat(ofCache.isReaped()).isTrue();
    assertThatThrownBy(() -> stale.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> small.set(JAVA_BYTE, 0, (byte) 1))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> ofCache.free(stale))
        .isInstanceOfSatisfying(
            InvalidFreeException.class,
            e -> assertThat(e.reason()).isEqualTo(InvalidFreeException.Reason.REAPED));
    assertThatThrownBy(() -> ofCache.allocate(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("account=engine/cache");
    assertThat(cache.ownUsage()).isZero();
    assertThat(mine.get(JAVA_BYTE, 16 * PAGE - 1)).isEqualTo((byte) 5);
    if (checks != CheckLevel.FULL) { // else it is poisoned
      for (long at = 0; at < got[0].byteSize(); at++) {
        assertThat(got[0].get(JAVA_BYTE, at)).isZero();
      }
    }
    assertThat(killer(pages).audit().last().toString())
        .contains("step=KILLED, requester=main, requestByteSize=409600, domain=engine")
        .contains("step=REAPED")
        .contains("victim=engine/cache");
    ofQuery.free(mine);
    ofQuery.free(got[0]);
    ofCache.close();
    ofQuery.close();
  }

  @Test
  void whoIsReapedWhileItWaitsIsTold() {
    PageAllocator pages = open(OomPolicy.kernel());
    MemoryAccount cache = root.child("cache").reapable().open();
    AccountAllocator ofCache = pages.under(cache);
    ofCache.allocate(400 * PAGE);
    assertThatThrownBy(() -> ofCache.allocate(100 * PAGE))
        .isInstanceOf(RuntimeException.class)
        .hasMessageContaining("engine/cache");
    // Nobody needs its memory any more.
    assertThat(pages.payers().reap(cache)).isTrue();
    ofCache.close();
  }

  @Test
  void otherAccountsBytesAreUntouchedAndSegmentsOfAnotherAccountCannotBeFreedAsStale() {
    PageAllocator pages = open(OomPolicy.none());
    MemoryAccount first = root.child("first").reapable().open();
    MemoryAccount second = root.child("second").reapable().open();
    AccountAllocator ofFirst = pages.under(first);
    AccountAllocator ofSecond = pages.under(second);
    MemorySegment[] live = new MemorySegment[50];
    MemorySegment[] dead = new MemorySegment[50];
    for (int i = 0; i < live.length; i++) {
      dead[i] = ofFirst.allocate((1L + i % 5) * PAGE);
      live[i] = ofSecond.allocate((1L + i % 3) * PAGE);
      live[i].fill((byte) i);
    }
    assertThat(pages.payers().reap(first)).isTrue();
    assertThat(first.usage()).isZero();
    for (int i = 0; i < live.length; i++) {
      MemorySegment stale = dead[i];
      assertThatThrownBy(() -> pages.free(stale)).isInstanceOf(InvalidFreeException.class);
      assertThat(live[i].get(JAVA_BYTE, live[i].byteSize() - 1)).isEqualTo((byte) i);
      pages.free(live[i]);
    }
    ofFirst.close();
    ofSecond.close();
  }

  @Test
  void aRunningNativeCallRefusesTheReaperUntilItReturns() throws Throwable {
    PageAllocator pages = open(OomPolicy.none());
    MemoryAccount account = root.child("native").reapable().open();
    AccountAllocator tenant = pages.under(account);
    MemorySegment numbers = tenant.allocate(64, 4);
    AtomicReference<Boolean> during = new AtomicReference<>();
    NativeSort.sort(numbers, () -> during.set(pages.payers().reap(account)));
    assertThat(during).hasValue(false);
    assertThat(pages.payers().reap(account)).isTrue();
    assertThatThrownBy(() -> numbers.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    tenant.close();
  }

  // ---- others

  @Test
  void whoFreesInTimeKeepsTheRest() {
    PageAllocator pages = open(OomPolicy.kernel());
    MemoryAccount cache = root.child("cache").open();
    MemoryAccount query = root.child("query").scoreAdj(-500).open();
    AccountAllocator ofCache = pages.under(cache);
    AccountAllocator ofQuery = pages.under(query);
    MemorySegment large = ofCache.allocate(300 * PAGE);
    MemorySegment rest = ofCache.allocate(100 * PAGE);
    for (int i = 0; i < 30; i++) {
      clock.plan(() -> clock.advance(10_000_000));
    }
    clock.plan(
        () -> {
          assertThat(killer(pages).isVictim(cache)).isTrue();
          pages.free(large);
        });
    MemorySegment got = ofQuery.allocate(200 * PAGE);
    rest.set(JAVA_BYTE, 0, (byte) 1);
    pages.free(rest);
    pages.free(got);
    ofCache.close();
    ofQuery.close();
  }

  @Test
  void nobodyToChooseIsAFailureWithTheTable() {
    PageAllocator pages = open(OomPolicy.kernel());
    MemoryAccount precious = root.child("precious").scoreAdj(-1000).open();
    AccountAllocator tenant = pages.under(precious);
    MemorySegment most = tenant.allocate(400 * PAGE);
    assertThat(
            elapsed(
                () ->
                    assertThatThrownBy(() -> tenant.allocate(100 * PAGE))
                        .isInstanceOfSatisfying(
                            OutOfPagesException.class,
                            e ->
                                assertThat(e.reason())
                                    .isEqualTo(OutOfPagesException.Reason.OOM_POLICY))
                        .hasMessageContaining("domain=engine")
                        .hasMessageContaining("requester=engine/precious")
                        .hasMessageContaining("consumers=[engine/precious:")
                        .hasMessageContaining("invoked oom-killer")))
        .isBetween(PATIENCE, PATIENCE.plusMillis(100));
    tenant.free(most);
    tenant.close();
  }

  @Test
  void anAccountsLimitConcernsThatAccountAlone() {
    PageAllocator pages = open(OomPolicy.kernel());
    MemoryAccount tenantA = root.child("a").max(100L * PAGE).open();
    MemoryAccount job = tenantA.child("job").reapable().open();
    MemoryAccount other = tenantA.child("other").open();
    MemoryAccount huge = root.child("huge").reapable().open();
    AccountAllocator ofJob = pages.under(job);
    AccountAllocator ofOther = pages.under(other);
    AccountAllocator ofHuge = pages.under(huge);
    MemorySegment untouched = ofHuge.allocate(300 * PAGE);
    ofJob.allocate(80 * PAGE);
    MemorySegment got = ofOther.allocate(50 * PAGE);
    assertThat(ofJob.isReaped()).isTrue();
    assertThat(ofHuge.isReaped()).isFalse();
    untouched.set(JAVA_BYTE, 0, (byte) 1);
    pages.free(untouched);
    pages.free(got);
    ofJob.close();
    ofOther.close();
    ofHuge.close();
  }

  @Test
  void aDryRunDecidesAndTakesNothing() {
    PageAllocator pages = open(OomPolicy.kernel(), CheckLevel.BASIC, true);
    MemoryAccount cache = root.child("cache").reapable().open();
    AccountAllocator ofCache = pages.under(cache);
    MemorySegment kept = ofCache.allocate(400 * PAGE);
    assertThatThrownBy(() -> pages.allocate(100 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.DEADLINE));
    assertThat(killer(pages).audit().episodes()).isPositive();
    kept.set(JAVA_BYTE, 0, (byte) 1);
    ofCache.free(kept);
    ofCache.close();
  }

  @Test
  void whatWaitsIsPressure() {
    PageAllocator pages = open(OomPolicy.none());
    MemorySegment all = pages.allocate((PAGES - 16L) * PAGE);
    assertThatThrownBy(() -> pages.allocate(PAGE)).isInstanceOf(OutOfPagesException.class);
    assertThat(killer(pages).pressure().figures(MemoryPressure.Kind.SOME).totalNanos())
        .isEqualTo(Duration.ofSeconds(20).toNanos());
    pages.free(all);
  }

  @Test
  void policiesSeePlainData() {
    AtomicReference<OomCandidate> seen = new AtomicReference<>();
    PageAllocator pages =
        open(
            OomPolicy.largest()
                .protecting(
                    candidate -> {
                      if (candidate.name().equals("engine/cache")) {
                        seen.set(candidate);
                      }
                      return true;
                    }));
    MemoryAccount cache = root.child("cache").open();
    AccountAllocator ofCache = pages.under(cache);
    MemorySegment kept = ofCache.allocate(400 * PAGE);
    assertThatThrownBy(() -> pages.allocate(100 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.OOM_POLICY));
    assertThat(seen.get().usageByteSize()).isEqualTo(400L * PAGE);
    ofCache.free(kept);
    ofCache.close();
  }
}
