package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.RaceHistory;
import dev.octavo.allocator.internal.buddy.RaceScheduler;
import dev.octavo.allocator.internal.buddy.RaceSubject;
import java.util.Arrays;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The calls of one run on a pool with leases, each in the name of a stand-in. Besides the steps of
/// the tree, each access of an [Owner] that competes is a step.
///
/// Only one thread runs at any moment, so the handshake has nothing to do.
final class LeaseCalls implements RaceSubject {

  /// Of words with 64 units; those of the small trees here are mostly empty.
  private static final String METADATA_ARE_SMALL = "L12";

  private final RaceScheduler scheduler;
  private final RaceHistory history;
  private final StandIns owners;
  private final PagePool pool;
  private final SortedSet<Integer> actors = new TreeSet<>();

  LeaseCalls(RaceScheduler scheduler, Geometry geometry, CacheLimits limits) {
    this.scheduler = scheduler;
    history = new RaceHistory(geometry.pageCount());
    BuddyPages buddy = scheduler.pages(geometry, 1);
    OtherThreads others = new OneAtATime();
    owners = new SteppingStandIns(buddy, limits, others);
    pool =
        new PagePool(
            buddy,
            owners,
            others,
            new PoolOptions(1, CacheLimits.byDefault(geometry).withLow(limits.low())));
  }

  PagePool pool() {
    return pool;
  }

  private void actAs(int actor) {
    owners.actAs(actor);
    if (actor != StandIns.VISITOR) {
      actors.add(actor);
    }
  }

  // ---- calls

  int take(int actor, int length) {
    return take(actor, length, 0);
  }

  int take(int actor, int length, int alignOrder) {
    int begun = history.begin();
    actAs(actor);
    int page = pool.allocate(length, alignOrder, 0);
    history.took(begun, page, length, alignOrder);
    return page;
  }

  void takeAndFree(int actor, int length) {
    int page = take(actor, length);
    if (page != PagePool.NONE) {
      free(actor, page, length);
    }
  }

  /// Takes many, each of which counts as a call of its own.
  long[] takeMany(int actor, int length, int count) {
    long[] pages = new long[count];
    int[] begun = new int[count];
    for (int i = 0; i < count; i++) {
      begun[i] = history.begin();
    }
    actAs(actor);
    int found = pool.allocateMany(length, pages);
    for (int i = 0; i < Math.min(found + 1, count); i++) {
      history.took(begun[i], i < found ? (int) pages[i] : PagePool.NONE, length, 0);
    }
    return Arrays.copyOf(pages, found);
  }

  boolean free(int actor, int page, int length) {
    actAs(actor);
    return history.free(page, length, () -> pool.free(page, length));
  }

  boolean trim(int actor, int page, int length, int newLength) {
    actAs(actor);
    return history.resize(
        "trim", page, length, newLength, () -> pool.trim(page, length, newLength));
  }

  boolean grow(int actor, int page, int length, int newLength) {
    actAs(actor);
    return history.resize(
        "grow",
        page,
        length,
        newLength,
        () -> {
          boolean held = pool.hold(page, length);
          boolean done = held && pool.growHeld(page, length, newLength);
          if (held && !done) {
            pool.release(page, length);
          }
          return done;
        });
  }

  /// Takes back whatever is held, and asks for nothing.
  void drain(int actor) {
    actAs(actor);
    assertThat(pool.freeAreas().pages()).isNotNegative();
  }

  void close(int actor) {
    int begun = history.begin();
    actAs(actor);
    pool.shut();
    pool.endAll((page, pages) -> {});
    history.endedAll(begun);
  }

  void die(int actor) {
    owners.die(actor);
  }

  // ---- judgement

  @Override
  public Optional<String> unexplained() {
    return history.unexplained();
  }

  @Override
  public void checkAtRest(Object schedule) {
    String description = schedule + ", calls=" + history;
    if (pool.isClosed()) {
      assertThat(pool.cachedPages()).as(description).isZero();
      return;
    }
    checkAudit(description);
    workOn();
    checkAudit(description);
    int pageCount = pool.geometry().pageCount();
    for (int page = pool.nextHead(0); page < pageCount; page = pool.nextHead(page + 1)) {
      assertThat(pool.free(page, pool.pagesAt(page))).isTrue();
    }
    assertThat(pool.freeAreas().blocks())
        .as(description)
        .isEqualTo(new BuddyPages(pool.geometry(), 1).freeAreas().blocks());
  }

  private void checkAudit(String description) {
    owners.actAs(StandIns.VISITOR);
    assertThat(pool.audit())
        .as(description)
        .noneMatch(broken -> !broken.law().equals(METADATA_ARE_SMALL));
    assertThat(pool.cachedPages()).as(description).isZero();
  }

  /// Whoever lives goes on: what a race has left behind must not harm later calls.
  private void workOn() {
    for (int actor : actors) {
      if (!owners.isDead(actor)) {
        owners.actAs(actor);
        int page = pool.allocate(1, 0, 0);
        if (page != PagePool.NONE) {
          assertThat(pool.free(page, 1)).isTrue();
        }
      }
    }
  }

  // ---- steps

  private final class OneAtATime extends OtherThreads {
    @Override
    void handshake() {
      scheduler.step();
    }

    @Override
    void await(int spins) {
      scheduler.pause();
    }
  }

  private final class SteppingStandIns extends StandIns {

    SteppingStandIns(BuddyPages buddy, CacheLimits limits, OtherThreads others) {
      super(buddy, limits, others);
    }

    @Override
    Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
      return new SteppingStandIn(thread, number, kinds);
    }

    private final class SteppingStandIn extends StandIn {

      SteppingStandIn(Thread thread, int number, LeaseKinds kinds) {
        super(thread, number, kinds);
      }

      @Override
      void setBits(int lease, long bits) {
        scheduler.step();
        super.setBits(lease, bits);
      }

      @Override
      boolean isRevoked() {
        scheduler.step();
        return super.isRevoked();
      }

      @Override
      void setRevoked(boolean value) {
        scheduler.step();
        super.setRevoked(value);
      }

      @Override
      long[] copyState() {
        scheduler.step();
        return super.copyState();
      }

      @Override
      long @Nullable [] exchangeRemains(long[] copy) {
        scheduler.step();
        return super.exchangeRemains(copy);
      }
    }
  }
}
