package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// The table of owners, on threads that are never started: they live until a test says otherwise.
class OwnersTest {

  private static final int ENTRIES = 256;
  private static final int PROBES = 8;
  private static final int WORD = 64;

  private final Set<Thread> dead = new HashSet<>();
  private final BuddyPages buddy = new BuddyPages(new Geometry(4096, 12, 6), 1);
  private final Owners owners = ownersWithin(new CacheLimits(WORD, 1L << 40));

  private Owners ownersWithin(CacheLimits limits) {
    return new Owners(buddy, limits, new OtherThreads()) {
      @Override
      Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
        return new Owner(thread, number, buddy, kinds) {
          @Override
          boolean isAlive() {
            return !dead.contains(thread);
          }
        };
      }
    };
  }

  private static Thread thread() {
    return Thread.ofPlatform().unstarted(() -> {});
  }

  /// A new thread whose place in the table is that of another.
  private static Thread colliding(Thread other) {
    Thread thread = thread();
    while ((thread.threadId() - other.threadId()) % ENTRIES != 0) {
      thread = thread();
    }
    return thread;
  }

  private Owner enter(Thread thread) {
    Owner owner = owners.enter(thread);
    assertThat(owner).isNotNull();
    return owner;
  }

  private void hold(Owner owner) {
    int page = buddy.allocate(owner.slot(), 1, 0);
    owner.hold(page, 1, 0);
    assertThat(owner.pages()).isEqualTo(WORD - 1);
    assertThat(buddy.free(buddy.slot(0), page, 1)).isTrue();
  }

  @Test
  void aThreadIsFoundOnceItHasEntered() {
    Thread thread = thread();
    assertThat(owners.find(thread)).isNull();
    Owner owner = enter(thread);
    assertThat(owners.find(thread)).isSameAs(owner);
    assertThat(owners.find(thread())).isNull();
  }

  @Test
  void virtualThreadsNeverEnter() {
    Thread thread = Thread.ofVirtual().unstarted(() -> {});
    assertThat(owners.enter(thread)).isNull();
    assertThat(owners.find(thread)).isNull();
  }

  @Test
  void threadsWhoseIdsCollideAreAllFoundUntilThereIsNoRoom() {
    Thread first = thread();
    List<Thread> threads = new ArrayList<>(List.of(first));
    for (int i = 1; i <= PROBES; i++) {
      threads.add(colliding(first));
    }
    List<@Nullable Owner> entered = new ArrayList<>();
    threads.forEach(thread -> entered.add(owners.enter(thread)));
    for (int i = 0; i < PROBES; i++) {
      assertThat(entered.get(i)).isNotNull();
      assertThat(owners.find(threads.get(i))).isSameAs(entered.get(i));
    }
    assertThat(entered.getLast()).isNull();
    assertThat(owners.find(threads.getLast())).isNull();
  }

  @Test
  void numbersAreTheLowestThatNobodyHas() {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      threads.add(thread());
      assertThat(enter(threads.get(i)).number()).isEqualTo(i);
    }
    dead.add(threads.get(1));
    dead.add(threads.get(3));
    assertThat(enter(thread()).number()).isEqualTo(1);
    assertThat(enter(thread()).number()).isEqualTo(3);
    assertThat(enter(thread()).number()).isEqualTo(5);
  }

  /// The second enters while the first has a number and no place yet.
  @Test
  void threadsThatArriveTogetherHaveDifferentNumbers() {
    List<Thread> waiting = new ArrayList<>(List.of(thread()));
    List<Integer> numbers = new ArrayList<>();
    Owners racing =
        new Owners(buddy, new CacheLimits(WORD, 1L << 40), new OtherThreads()) {
          @Override
          Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
            numbers.add(number);
            if (!waiting.isEmpty()) {
              assertThat(enter(waiting.removeLast())).isNotNull();
            }
            return super.newOwner(thread, number, kinds);
          }
        };
    assertThat(racing.enter(thread())).isNotNull();
    assertThat(numbers).containsExactly(0, 1);
  }

  /// The dead one's place is free again, also for who collides with it, and its pages are.
  @Test
  void theDeadAreRemovedByWhoComesNext() {
    Thread first = thread();
    hold(enter(first));
    assertThat(owners.pages()).isEqualTo(WORD - 1);
    dead.add(first);
    enter(colliding(first));
    assertThat(owners.find(first)).isNull();
    assertThat(owners.pages()).isZero();
    assertThat(buddy.freeAreas().blocks(12)).isEqualTo(1);
  }

  @Test
  void drainingTakesFromTheLivingAndTheDead() {
    Thread living = thread();
    Thread dying = thread();
    Thread mine = thread();
    hold(enter(living));
    hold(enter(dying));
    Owner own = enter(mine);
    hold(own);
    dead.add(dying);
    assertThat(owners.pages()).isEqualTo(3 * (WORD - 1));
    buddy.enterSearch();
    owners.drain(own, own.slot());
    buddy.exitSearch();
    assertThat(owners.pages()).isZero();
    assertThat(buddy.freeAreas().blocks(12)).isEqualTo(1);
    assertThat(owners.find(living)).isNotNull();
    assertThat(owners.find(dying)).isNull();
  }

  /// The order on which the proof rests; what a handshake does, no order of calls can show.
  @Test
  void aHandshakeLiesBetweenRevocationsAndCopies() {
    List<String> events = new ArrayList<>();
    OtherThreads others =
        new OtherThreads() {
          @Override
          void handshake() {
            events.add("handshake");
          }
        };
    Owners observed =
        new Owners(buddy, new CacheLimits(WORD, 1L << 40), others) {
          @Override
          Owner newOwner(Thread thread, int number, LeaseKinds kinds) {
            return new ObservedOwner(thread, number, kinds, events);
          }
        };
    assertThat(observed.enter(thread())).isNotNull();
    assertThat(observed.enter(thread())).isNotNull();
    buddy.enterSearch();
    observed.drain(null, buddy.slot(0));
    observed.drain(null, buddy.slot(0));
    buddy.exitSearch();
    assertThat(events).containsExactly("revoke", "revoke", "handshake", "copy", "copy");
  }

  private final class ObservedOwner extends Owner {

    private final List<String> events;

    ObservedOwner(Thread thread, int number, LeaseKinds kinds, List<String> events) {
      super(thread, number, buddy, kinds);
      this.events = events;
    }

    @Override
    boolean isAlive() {
      return true;
    }

    @Override
    void setRevoked(boolean value) {
      events.add("revoke");
      super.setRevoked(value);
    }

    @Override
    long[] copyState() {
      events.add("copy");
      return super.copyState();
    }
  }

  /// What the dead might have held, others may.
  @Test
  void theLimitForAllIsSharedByTheLiving() {
    Owners few = ownersWithin(new CacheLimits(3 * WORD, 4 * WORD));
    Thread first = thread();
    assertThat(mostPages(few, first)).isEqualTo(3 * WORD);
    assertThat(mostPages(few, thread())).isEqualTo(WORD);
    assertThat(mostPages(few, thread())).isZero();
    dead.add(first);
    assertThat(mostPages(few, thread())).isEqualTo(3 * WORD);
    assertThat(mostPages(few, thread())).isZero();
  }

  private static int mostPages(Owners owners, Thread thread) {
    Owner owner = owners.enter(thread);
    assertThat(owner).isNotNull();
    return owner.kinds().mostPages();
  }
}
