package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.model.ReferencePages;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Random programs on a pool with leases and on its model: every page the same, every count of free
/// pages the same, after every step; and all is as new once it is freed.
///
/// One thread makes the calls in the names of several owners and of a virtual thread. A failure
/// names the seed and prints the calls.
class LeasedPagesTest {

  private static final int ACTORS = StandIns.MOST;

  /// Of words with 64 units; those of the small trees here are mostly empty.
  private static final String METADATA_ARE_SMALL = "L12";

  /// How often a kind of step may come: half of the kinds are rare or left out.
  private static final int[] WEIGHTS = {0, 0, 1, 1, 4, 16};

  private static final int KINDS = 11;
  private static final int MAX_MANY = 70;
  private static final int MAX_STEPS = 80;

  /// "Sometimes" claims: programs that never get here say nothing about what happens there.
  private static final List<String> WANTED =
      List.of(
          "served from lease 0",
          "served from lease 0 an odd run",
          "served from lease 1",
          "served from lease 2 an odd run",
          "served from lease 3",
          "served from lease 4",
          "refill",
          "leftover let go",
          "many from a lease",
          "found in what was held",
          "nothing found",
          "grown into what was held",
          "freed into a lease of level 0",
          "freed into a lease of level 1",
          "freed beside another's lease",
          "freed to the tree",
          "dead with a lease",
          "dead with nothing",
          "number beside others",
          "limit for all",
          "limit for one");

  @ParameterizedTest
  @CsvSource({"2, 40, 300, 3000", "6, 700, 9000, 1500"})
  void doesAsTheModel(int radixLog2, int few, int many, int programs) {
    Set<String> reached = new TreeSet<>();
    for (int seed = 0; seed < programs; seed++) {
      Random random = new Random(seed);
      int pageCount = 1 + random.nextInt(random.nextInt(3) == 0 ? many : few);
      int less = random.nextInt(3) == 0 ? random.nextInt(Geometry.largestOrder(pageCount) + 1) : 0;
      Geometry geometry =
          new Geometry(pageCount, Geometry.largestOrder(pageCount) - less, radixLog2);
      Program program = new Program(geometry, limits(geometry, random), random, "seed=" + seed);
      program.run(random.nextInt(MAX_STEPS));
      reached.addAll(program.model.reached());
    }
    assertThat(reached).containsAll(WANTED).doesNotContain("impossible");
  }

  /// Any number of leases for one, from none to all, and for all as many or fewer.
  private static CacheLimits limits(Geometry geometry, Random random) {
    int word = geometry.unitsInWord();
    int leases = random.nextInt(LeaseKinds.COUNT + 1);
    int one = Math.min(leases, LeaseKinds.LARGE) * word;
    one += Math.max(0, leases - LeaseKinds.LARGE) * word * word;
    int more = random.nextInt(word);
    long forAll = random.nextInt(3) == 0 ? random.nextLong(2L * one + 1) : Long.MAX_VALUE;
    return new CacheLimits(one + more, forAll);
  }

  /// One program: the pool, the model, and what was done to both.
  private static final class Program {

    private final Geometry geometry;
    private final LeasedPages model;
    private final BuddyPages buddy;
    private final StandIns owners;
    private final PagePool pool;
    private final Random random;
    private final int[] weights = new int[KINDS];
    private final int longest;
    private final List<String> calls = new ArrayList<>();

    Program(Geometry geometry, CacheLimits limits, Random random, String name) {
      this.geometry = geometry;
      this.random = random;
      model = new LeasedPages(geometry, limits);
      buddy = new BuddyPages(geometry, 1);
      OtherThreads others = new OtherThreads();
      owners = new StandIns(buddy, limits, others);
      pool =
          new PagePool(
              buddy, owners, others, new PoolOptions(1, CacheLimits.byDefault(buddy.geometry())));
      for (int kind = 0; kind < KINDS; kind++) {
        weights[kind] = WEIGHTS[random.nextInt(WEIGHTS.length)];
      }
      weights[0]++;
      longest = random.nextBoolean() ? geometry.unitsInWord() : geometry.pageCount();
      calls.add(name + " " + geometry + " " + limits);
    }

    void run(int steps) {
      int actorCount = random.nextBoolean() ? 1 : 1 + random.nextInt(ACTORS);
      for (int i = 0; i < steps; i++) {
        int actor = random.nextInt(actorCount + 1) - 1;
        step(actor >= 0 && owners.isDead(actor) ? StandIns.VISITOR : actor);
        assertSame();
      }
      finish();
    }

    private void step(int actor) {
      owners.actAs(actor);
      switch (kind()) {
        case 0 -> allocate(actor, 1, 0);
        case 1 -> allocate(actor, length(), 0);
        case 2 -> allocate(actor, length(), random.nextInt(2 * geometry.radixLog2() + 2));
        case 3 -> allocate(actor, 1 << random.nextInt(geometry.maxOrder() + 1), 0);
        case 4 -> allocateMany(actor);
        case 5 -> allocateInPhase(actor);
        case 6 -> free(actor);
        case 7 -> trim(actor);
        case 8 -> grow(actor);
        case 9 -> drain();
        default -> die(actor);
      }
    }

    private int kind() {
      int sum = 0;
      for (int weight : weights) {
        sum += weight;
      }
      int choice = random.nextInt(sum);
      int kind = 0;
      while (choice >= weights[kind]) {
        choice -= weights[kind];
        kind++;
      }
      return kind;
    }

    private int length() {
      return 1 + random.nextInt(Math.min(longest, geometry.pageCount()));
    }

    private void allocate(int actor, int pages, int alignOrder) {
      int expected = model.allocate(actor, pages, alignOrder);
      same(
          "allocate by " + actor + ": " + pages + " aligned " + alignOrder,
          pool.allocate(pages, alignOrder, 0),
          expected);
    }

    private void allocateInPhase(int actor) {
      int pages = length();
      int alignOrder = random.nextInt(4);
      long phase = 1L + random.nextInt(5);
      int expected = model.allocateInPhase(actor, pages, alignOrder, phase);
      same(
          "allocate by " + actor + ": " + pages + " aligned " + alignOrder + " in phase " + phase,
          pool.allocate(pages, alignOrder, phase),
          expected);
    }

    private void allocateMany(int actor) {
      int pages = random.nextBoolean() ? length() : 1 << random.nextInt(geometry.maxOrder() + 1);
      long[] into = new long[random.nextInt(MAX_MANY)];
      List<Integer> expected = model.allocateMany(actor, pages, into.length);
      int count = pool.allocateMany(pages, into);
      List<Integer> actual = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        actual.add((int) into[i]);
      }
      same("allocate many by " + actor + ": " + into.length + " of " + pages, actual, expected);
    }

    /// Some live allocations that lie one behind the other.
    private List<Map.Entry<Integer, Integer>> chosen() {
      List<Map.Entry<Integer, Integer>> live =
          new ArrayList<>(model.tree().allocations().entrySet());
      if (live.isEmpty()) {
        return live;
      }
      int from = random.nextInt(live.size());
      int count = random.nextBoolean() ? 1 : 1 + random.nextInt(MAX_MANY);
      return live.subList(from, Math.min(live.size(), from + count));
    }

    private void free(int actor) {
      for (Map.Entry<Integer, Integer> live : chosen()) {
        free(actor, live.getKey(), live.getValue());
      }
    }

    private void free(int actor, int page, int pages) {
      boolean expected = model.free(actor, page, pages);
      same("free by " + actor + ": " + page + "+" + pages, pool.free(page, pages), expected);
      same("free again", pool.free(page, pages), false);
    }

    private void trim(int actor) {
      for (Map.Entry<Integer, Integer> live : chosen()) {
        int newPages = 1 + random.nextInt(live.getValue());
        boolean expected = model.trim(actor, live.getKey(), live.getValue(), newPages);
        same(
            "trim by " + actor + ": " + live + " to " + newPages,
            pool.trim(live.getKey(), live.getValue(), newPages),
            expected);
        return;
      }
    }

    private void grow(int actor) {
      for (Map.Entry<Integer, Integer> live : chosen()) {
        int page = live.getKey();
        int pages = live.getValue();
        int newPages = pages + length();
        same("hold " + live, pool.hold(page, pages), model.tree().hold(page, pages));
        boolean expected = model.growHeld(page, pages, newPages);
        same(
            "grow by " + actor + " to " + newPages, pool.growHeld(page, pages, newPages), expected);
        if (!expected && random.nextBoolean()) {
          pool.freeHeld(page, pages);
          model.freeHeld(actor, page, pages);
          calls.add("free held");
        } else if (!expected) {
          pool.release(page, pages);
          model.tree().release(page);
        }
        return;
      }
    }

    private void drain() {
      model.drain();
      if (random.nextBoolean()) {
        same("audit", brokenLaws(), List.of());
      } else {
        same("free areas", pool.freeAreas().pages(), (long) model.tree().freePageCount());
      }
      same("cached", pool.cachedPages(), 0L);
    }

    private List<String> brokenLaws() {
      return pool.audit().stream()
          .filter(broken -> !broken.law().equals(METADATA_ARE_SMALL))
          .map(Object::toString)
          .toList();
    }

    private void die(int actor) {
      if (actor != StandIns.VISITOR) {
        owners.die(actor);
        model.die(actor);
        calls.add("die " + actor);
      }
    }

    private void same(String call, Object actual, Object expected) {
      calls.add(call + " = " + expected);
      if (!actual.equals(expected)) {
        assertThat(actual).as(this::transcript).isEqualTo(expected);
      }
    }

    private String transcript() {
      return String.join("\n  ", calls) + "\n";
    }

    /// What is free in the tree, and what is held.
    private void assertSame() {
      assertThat(buddy.freeAreas().blocks())
          .as(this::transcript)
          .isEqualTo(model.tree().freeBlockCounts());
      assertThat(pool.cachedPages()).as(this::transcript).isEqualTo(model.cachedPages());
    }

    private void finish() {
      Set<String> reachedBefore = Set.copyOf(model.reached());
      owners.actAs(StandIns.VISITOR);
      model.tree().allocations().forEach((page, pages) -> free(StandIns.VISITOR, page, pages));
      model.drain();
      same("audit", brokenLaws(), List.of());
      assertSame();
      assertThat(pool.freeAreas().blocks())
          .as(this::transcript)
          .isEqualTo(new ReferencePages(geometry, 1).freeBlockCounts());
      model.reached().retainAll(reachedBefore);
    }
  }
}
