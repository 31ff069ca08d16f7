package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.statistics.Statistics;

/// Random programs on a few accounts, by one thread, beside a naive model of the episode: each
/// outcome, each entry of the audit and each sum the same after every call.
class OomKillerProperties {

  private static final int STEPS = 150;
  private static final int ACCOUNTS = 4;
  private static final int CAPACITY = 100;
  private static final int MIN_RECLAIM = 5;
  private static final long MILLI = 1_000_000;
  private static final long GRACE = 2000 * MILLI;
  private static final long INTERVAL = 100 * MILLI;
  private static final int TRIES = 10;
  private static final long LIFE = GRACE + TRIES * INTERVAL;
  private static final int NOBODY = -1;
  private static final int NEVER = -1000;

  /// What is known of an account.
  private static final class Tenant {
    int usage;
    int adj;
    boolean isReapable;
    boolean isRefused;
    int skippedAt = NOBODY;
  }

  /// The episode in plain numbers. Tenants that are asked for have the number of their account.
  private static final class Model {
    final Tenant[] tenants = new Tenant[ACCOUNTS];
    final List<String> log = new ArrayList<>();
    long now;
    int victim = NOBODY;
    int heldAtFirst;
    int freeAtFirst;
    int shortage;
    int tries;
    long nextTry;
    long lastTick;

    int free() {
      int free = CAPACITY;
      for (Tenant tenant : tenants) {
        free -= tenant.usage;
      }
      return free;
    }

    /// @return "wait", or why it fails
    String tick(int requester, int size) {
      if (victim == NOBODY) {
        return size <= free() ? "wait" : decide(requester, size);
      }
      int before = victim;
      advance();
      lastTick = now;
      return victim == before && requester == before ? "victim" : "wait";
    }

    private String decide(int requester, int size) {
      for (Tenant tenant : tenants) {
        if (tenant.skippedAt != NOBODY && tenant.usage <= tenant.skippedAt / 2) {
          tenant.skippedAt = NOBODY;
        }
      }
      int chosen = NOBODY;
      for (int i = 0; i < ACCOUNTS; i++) {
        if (isEligible(i) && (chosen == NOBODY || isBefore(i, chosen, requester, size))) {
          chosen = i;
        }
      }
      if (chosen == NOBODY) {
        log.add("FAILED  0");
        return "nobody";
      }
      victim = chosen;
      heldAtFirst = tenants[chosen].usage;
      freeAtFirst = free();
      shortage = size;
      tries = 0;
      nextTry = now + GRACE;
      lastTick = now;
      log.add("KILLED engine/t" + chosen + " 0");
      return chosen == requester ? "victim" : "wait";
    }

    private boolean isEligible(int i) {
      return tenants[i].usage > 0 && tenants[i].skippedAt == NOBODY && tenants[i].adj != NEVER;
    }

    /// All are of the same age, so names decide, and names are in the order of numbers.
    private boolean isBefore(int a, int b, int requester, int size) {
      return key(a, requester, size) > key(b, requester, size);
    }

    private int key(int i, int requester, int size) {
      int counted = tenants[i].usage + (i == requester ? Math.max(size, MIN_RECLAIM) : 0);
      return counted * 1000 + tenants[i].adj * CAPACITY;
    }

    private void advance() {
      Tenant tenant = tenants[victim];
      if (tenant.usage == 0 || now - lastTick > LIFE) {
        end();
      } else if (now >= nextTry) {
        if (shortage <= free()) {
          end();
        } else if (tries == TRIES) {
          tenant.skippedAt = tenant.usage;
          int skipped = victim;
          recordFreed();
          log.add("SKIPPED engine/t" + skipped + " 0");
          victim = NOBODY;
        } else {
          tries++;
          nextTry = now + INTERVAL;
          if (tenant.isReapable && !tenant.isRefused) {
            tenant.usage = 0;
            end();
          }
        }
      }
    }

    private void end() {
      if (!recordFreed()) {
        log.add("RELIEVED  " + Math.max(0, free() - freeAtFirst));
      }
      victim = NOBODY;
    }

    private boolean recordFreed() {
      int freed = heldAtFirst - tenants[victim].usage;
      if (freed > 0) {
        log.add("REAPED engine/t" + victim + " " + freed);
      }
      return freed > 0;
    }
  }

  /// A random program, on both.
  private static final class Program {
    private final Random random;
    private final FakeHost host = new FakeHost(CAPACITY, 0);
    private final OomKiller killer =
        OomKiller.of(host).clock(host.nanos::get).minReclaim(MIN_RECLAIM).build();
    private final List<MemoryAccount> accounts = new ArrayList<>();
    private final Model model = new Model();

    Program(Random random) {
      this.random = random;
      for (int i = 0; i < ACCOUNTS; i++) {
        Tenant tenant = new Tenant();
        tenant.isReapable = random.nextBoolean();
        model.tenants[i] = tenant;
        MemoryAccountBuilder builder = host.root.child("t" + i);
        accounts.add(tenant.isReapable ? builder.reapable().open() : builder.open());
      }
    }

    void run() {
      for (int step = 0; step < STEPS; step++) {
        act(random.nextInt(ACCOUNTS));
        compare();
      }
    }

    private void act(int who) {
      Tenant tenant = model.tenants[who];
      switch (random.nextInt(16)) {
        case 0, 1 -> {
          int size = random.nextInt(model.free() + 1);
          accounts.get(who).charge(size);
          tenant.usage += size;
        }
        case 2 -> {
          int size = random.nextInt(tenant.usage + 1);
          accounts.get(who).uncharge(size);
          tenant.usage -= size;
        }
        case 3 -> {
          tenant.isRefused = !tenant.isRefused;
          if (!host.refused.remove(accounts.get(who))) {
            host.refused.add(accounts.get(who));
          }
        }
        case 4 -> {
          tenant.adj = random.nextInt(5) * 500 - 1000;
          accounts.get(who).scoreAdj(tenant.adj);
        }
        case 5 -> pass(random.nextInt(20) == 0 ? LIFE + 1 : GRACE);
        default -> {
          pass(random.nextInt(3) == 0 ? 0 : INTERVAL - random.nextInt(2));
          tick(who, 1 + random.nextInt(40));
        }
      }
    }

    private void pass(long nanos) {
      host.nanos.addAndGet(nanos);
      model.now += nanos;
    }

    private void tick(int who, int size) {
      Outcome outcome =
          killer.tick(new Shortage(host.root, accounts.get(who), size, "w", "BLOCKING"));
      String expected = model.tick(who, size);
      String actual =
          switch (outcome) {
            case Outcome.Wait _ -> "wait";
            case Outcome.Fail fail ->
                fail.message().contains("requester is the victim") ? "victim" : "nobody";
          };
      assertThat(actual).isEqualTo(expected);
    }

    private void compare() {
      List<String> entries =
          killer.audit().last().stream()
              .map(entry -> entry.step() + " " + entry.victim() + " " + entry.freedByteSize())
              .toList();
      int known = model.log.size();
      assertThat(entries).isEqualTo(model.log.subList(known - entries.size(), known));
      for (int i = 0; i < ACCOUNTS; i++) {
        assertThat(accounts.get(i).usage()).isEqualTo(model.tenants[i].usage);
        assertThat(killer.isVictim(accounts.get(i))).isEqualTo(model.victim == i);
        assertThat(accounts.get(i).isSkipped()).isEqualTo(model.tenants[i].skippedAt != NOBODY);
      }
    }
  }

  @Property(tries = 400, shrinking = ShrinkingMode.OFF)
  void anEpisodeIsWhatTheModelSays(@ForAll long seed) {
    Program program = new Program(new Random(seed));
    program.run();
    for (Step step : List.of(Step.KILLED, Step.REAPED, Step.SKIPPED, Step.RELIEVED, Step.FAILED)) {
      if (program.killer.audit().count(step) > 0) {
        Statistics.label("programs with a step").collect(step);
      }
    }
    Statistics.label("programs with a step")
        .coverage(
            coverage -> {
              coverage.check(Step.SKIPPED).count(count -> count > 10);
              coverage.check(Step.RELIEVED).count(count -> count > 10);
              coverage.check(Step.REAPED).count(count -> count > 10);
              coverage.check(Step.FAILED).count(count -> count > 10);
            });
  }
}
