package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Real threads that wait for memory.
@Timeout(120)
class OomKillerStressTest {

  private static final int THREADS = 8;
  private static final int TICKS = 4000;
  private static final int ROUNDS = 1000;
  private static final long CAPACITY = 1 << 20;

  /// One that finds out if two threads are in it.
  private static final class LonelyHost extends FakeHost {
    final AtomicInteger inside = new AtomicInteger();
    final AtomicInteger met = new AtomicInteger();

    LonelyHost() {
      super(CAPACITY, 0);
      root.limits(MemoryAccount.Limits.ofMax(CAPACITY));
    }

    @Override
    public long capacityByteSize() {
      enter();
      inside.decrementAndGet();
      return super.capacityByteSize();
    }

    @Override
    public boolean reap(MemoryAccount account) {
      enter();
      try {
        return super.reap(account);
      } finally {
        inside.decrementAndGet();
      }
    }

    private void enter() {
      if (inside.incrementAndGet() > 1) {
        met.incrementAndGet();
      }
      for (int i = 0; i < 100; i++) {
        Thread.onSpinWait();
      }
    }
  }

  private final LonelyHost host = new LonelyHost();

  @Test
  void manyThreadsInOneShortageAreOneEpisode() throws Exception {
    host.root.child("held").open().charge(CAPACITY);
    MemoryAccount asking = host.root.child("asking").open();
    OomKiller killer = OomKiller.of(host).clock(host.nanos::get).build();
    Threads.together(
        THREADS,
        number -> {
          for (int i = 0; i < TICKS; i++) {
            assertThat(
                    killer.tick(
                        new Shortage(
                            Shortage.Kind.PAGES, host.root, asking, 1, "w" + number, "BLOCKING")))
                .isEqualTo(new Outcome.Wait());
          }
          return number;
        });
    assertThat(killer.audit().last())
        .singleElement()
        .extracting(OomAudit.Entry::step)
        .isEqualTo(Step.KILLED);
    assertThat(host.met).hasValue(0);
  }

  /// Eight tenants want more than there is; one more thread reads the audit all the time.
  @Test
  void oneVictimIsInFlightAtAnyMoment() throws Exception {
    long seed = System.nanoTime();
    System.out.println("OomKillerStressTest: seed=" + seed);
    OomKiller killer =
        OomKiller.of(host)
            .grace(Duration.ofNanos(300_000))
            .reaper(2, Duration.ofNanos(100_000))
            .build();
    List<MemoryAccount> tenants = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      MemoryAccountBuilder builder = host.root.child("t" + i).scoreAdj(100 * i - 400);
      tenants.add(i % 4 == 3 ? builder.open() : builder.reapable().open());
    }
    host.root.child("idle").scoreAdj(1000).open().charge(CAPACITY / 4);
    host.refused.add(tenants.get(THREADS - 2));
    AtomicInteger atWork = new AtomicInteger(THREADS);
    AtomicLong looks = new AtomicLong();
    Threads.together(
        THREADS + 1,
        number -> {
          if (number == THREADS) {
            do { // at least once: it may start when the others have ended
              checkOneAtATime(killer.audit().last());
              looks.incrementAndGet();
            } while (atWork.get() > 0);
          } else {
            try {
              work(killer, tenants.get(number), new Random(seed + number));
            } finally {
              atWork.decrementAndGet();
            }
          }
          return number;
        });
    System.out.println(
        "OomKillerStressTest: looks=%s, killed=%d, reaped=%d, skipped=%d, failed=%d"
            .formatted(
                looks,
                killer.audit().count(Step.KILLED),
                killer.audit().count(Step.REAPED),
                killer.audit().count(Step.SKIPPED),
                killer.audit().count(Step.FAILED)));
    assertThat(host.met).hasValue(0);
    assertThat(looks).hasPositiveValue();
    assertThat(killer.audit().count(Step.KILLED)).isPositive();
    tenants.forEach(tenant -> tenant.uncharge(tenant.ownUsage()));
    assertThat(host.root.usage()).isEqualTo(CAPACITY / 4);
  }

  /// Grows, waits when there is nothing left, and lets go of all when it fails or has been reaped.
  private void work(OomKiller killer, MemoryAccount tenant, Random random) {
    for (int round = 0; round < ROUNDS; round++) {
      long size = 1L + random.nextInt((int) CAPACITY / 16);
      Shortage shortage =
          new Shortage(Shortage.Kind.PAGES, host.root, tenant, size, tenant.name(), "BLOCKING");
      boolean isAnswered = false;
      while (!isAnswered) {
        isAnswered = isCharged(tenant, size);
        if (!isAnswered && killer.tick(shortage) instanceof Outcome.Fail) {
          isAnswered = true;
          letGo(tenant, tenant.ownUsage());
        }
      }
      if (random.nextInt(64) == 0) {
        letGo(tenant, tenant.ownUsage());
      }
    }
    letGo(tenant, tenant.ownUsage());
  }

  /// A reaper may be quicker.
  private static void letGo(MemoryAccount tenant, long byteSize) {
    try {
      tenant.uncharge(byteSize);
    } catch (MemoryAccountException reaped) {
      assertThat(reaped.reason()).isEqualTo(MemoryAccountException.Reason.UNDERFLOW);
    }
  }

  private boolean isCharged(MemoryAccount tenant, long byteSize) {
    return tenant.tryCharge(byteSize).isEmpty();
  }

  /// Whoever is killed has ended before the next is.
  private static void checkOneAtATime(List<OomAudit.Entry> entries) {
    long open = 0;
    for (OomAudit.Entry entry : entries) {
      switch (entry.step()) {
        case KILLED -> {
          assertThat(open).as("in flight").isZero();
          open = entry.episode();
        }
        case REAPED, SKIPPED, RELIEVED -> open = entry.episode() == open ? 0 : open;
        default -> {}
      }
    }
  }
}
