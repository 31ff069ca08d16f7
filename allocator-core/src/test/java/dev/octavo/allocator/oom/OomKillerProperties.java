package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller.Outcome;
import dev.octavo.allocator.oom.OomKiller.Shortage;
import dev.octavo.allocator.oom.OomKiller.Shortage.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
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
    int byHand;
    int adj;
    boolean isReapable;
    boolean isRefused;
    boolean isGone;
    boolean isUseless;
    int skippedAt = NOBODY;
    Kind skippedFor = Kind.PAGES;

    int help(Kind kind) {
      return kind == Kind.PAGES ? Math.max(0, usage - byHand) : usage;
    }

    boolean isHelpful(Kind kind) {
      return help(kind) > 0 && !(kind == Kind.PAGES && isUseless);
    }
  }

  /// A request: what is missing, of which tenant, how much.
  private record Need(Kind kind, int requester, int size) {}

  /// Something that happens at a look of a tick.
  ///
  /// @param at the number of the look, from 1
  private record Surprise(int at, int what, int who, int value) {}

  /// The episode in plain numbers. Tenants that are asked for have the number of their account.
  private static final class Model {
    final Tenant[] tenants = new Tenant[ACCOUNTS];
    final List<String> log = new ArrayList<>();
    Surprise surprise = new Surprise(0, 0, 0, 0);
    int looks;
    int kills;
    int elsewhere;
    long now;
    int victim = NOBODY;
    int heldAtFirst;
    int freeAtFirst;
    Need need = new Need(Kind.PAGES, 0, 0);
    int tries;
    long nextTry;
    long lastTick;

    int room() {
      int room = CAPACITY;
      for (Tenant tenant : tenants) {
        room -= tenant.usage;
      }
      return room;
    }

    int free(Kind kind) {
      return kind == Kind.LIMIT ? room() : Math.max(0, room() - elsewhere);
    }

    boolean isWaiting(int requester) {
      looks++;
      if (looks == surprise.at) {
        Tenant tenant = tenants[surprise.who];
        switch (surprise.what) {
          case 0 -> elsewhere = surprise.value;
          case 1 -> tenant.isGone = true;
          case 2 -> tenant.isUseless = true;
          default -> tenant.usage -= tenant.usage / 2;
        }
      }
      return !tenants[requester].isGone;
    }

    boolean isOver(Need asked) {
      return !isWaiting(asked.requester) || asked.size <= free(asked.kind);
    }

    /// @return "wait", or why it fails
    String tick(Need asked) {
      looks = 0;
      if (victim == NOBODY) {
        return isOver(asked) ? "wait" : decide(asked);
      }
      int before = victim;
      advance(asked);
      lastTick = now;
      return victim == before && asked.requester == before ? "victim" : "wait";
    }

    private String decide(Need asked) {
      for (Tenant tenant : tenants) {
        if (tenant.skippedAt != NOBODY && tenant.help(tenant.skippedFor) <= tenant.skippedAt / 2) {
          tenant.skippedAt = NOBODY;
        }
      }
      int chosen = NOBODY;
      boolean isAlone = asked.kind == Kind.LIMIT;
      for (int i = 0; i < ACCOUNTS; i++) {
        isAlone &= i == asked.requester || !tenants[i].isHelpful(asked.kind);
        if (isEligible(i, asked.kind) && (chosen == NOBODY || key(i, asked) > key(chosen, asked))) {
          chosen = i;
        }
      }
      int freeThen = free(asked.kind);
      if (isAlone || isOver(asked)) {
        return "wait";
      }
      if (chosen != NOBODY && !tenants[chosen].isHelpful(asked.kind)) {
        return "wait";
      }
      int held = chosen == NOBODY ? 0 : tenants[chosen].help(asked.kind);
      if (isOver(asked)) {
        log.add("RELIEVED  " + Math.max(0, free(asked.kind) - freeThen));
        return "wait";
      }
      if (chosen == NOBODY) {
        log.add("FAILED  0");
        return "nobody";
      }
      return kill(asked, chosen, held, freeThen);
    }

    private String kill(Need asked, int chosen, int held, int freeThen) {
      victim = chosen;
      heldAtFirst = held;
      freeAtFirst = freeThen;
      need = asked;
      tries = 0;
      nextTry = now + GRACE;
      lastTick = now;
      kills++;
      log.add("KILLED engine/t" + chosen + " 0");
      return chosen == asked.requester ? "victim" : "wait";
    }

    private boolean isEligible(int i, Kind kind) {
      return tenants[i].isHelpful(kind)
          && tenants[i].skippedAt == NOBODY
          && tenants[i].adj != NEVER;
    }

    /// All are of the same age, so names decide, and names are in the order of numbers.
    private int key(int i, Need asked) {
      int counted =
          tenants[i].help(asked.kind)
              + (i == asked.requester ? Math.max(asked.size, MIN_RECLAIM) : 0);
      return counted * 1000 + tenants[i].adj * CAPACITY;
    }

    private void advance(Need asked) {
      Tenant tenant = tenants[victim];
      if (tenant.help(need.kind) == 0 || now - lastTick > LIFE) {
        end();
      } else if (now >= nextTry) {
        if (!isWaiting(need.requester)
            && asked.kind == need.kind
            && asked.requester != victim
            && tenant.isHelpful(asked.kind)) {
          need = asked;
        }
        if (isOver(need)) {
          end();
        } else if (tries == TRIES) {
          tenant.skippedAt = tenant.help(need.kind);
          tenant.skippedFor = need.kind;
          int skipped = victim;
          recordFreed();
          log.add("SKIPPED engine/t" + skipped + " 0");
          victim = NOBODY;
        } else {
          reap(tenant);
        }
      }
    }

    private void reap(Tenant tenant) {
      tries++;
      nextTry = now + INTERVAL;
      if (tenant.isReapable && !tenant.isRefused && tenant.help(need.kind) > 0) {
        tenant.usage = 0;
      }
      if (tenant.help(need.kind) == 0) {
        end();
      }
    }

    private void end() {
      if (!recordFreed()) {
        log.add("RELIEVED  " + Math.max(0, free(need.kind) - freeAtFirst));
      }
      victim = NOBODY;
    }

    private boolean recordFreed() {
      int freed = heldAtFirst - tenants[victim].help(need.kind);
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
    private int looks;

    Program(Random random) {
      this.random = random;
      host.root.limits(MemoryAccount.Limits.ofMax(CAPACITY));
      host.atLook = this::look;
      for (int i = 0; i < ACCOUNTS; i++) {
        Tenant tenant = new Tenant();
        tenant.isReapable = random.nextBoolean();
        model.tenants[i] = tenant;
        MemoryAccountBuilder builder = host.root.child("t" + i);
        accounts.add(tenant.isReapable ? builder.reapable().open() : builder.open());
      }
    }

    private void look() {
      looks++;
      Surprise surprise = model.surprise;
      if (looks == surprise.at) {
        MemoryAccount account = accounts.get(surprise.who);
        switch (surprise.what) {
          case 0 -> host.elsewhere = surprise.value;
          case 1 -> host.gone.add(account);
          case 2 -> host.useless.add(account);
          default -> account.uncharge(account.ownUsage() / 2);
        }
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
      MemoryAccount account = accounts.get(who);
      switch (random.nextInt(22)) {
        case 0, 1 -> {
          int size = random.nextInt(model.room() + 1);
          account.charge(size);
          tenant.usage += size;
        }
        case 2 -> {
          int size = random.nextInt(tenant.usage + 1);
          account.uncharge(size);
          tenant.usage -= size;
        }
        case 3 -> tenant.isRefused = toggle(host.refused, account);
        case 4 -> {
          tenant.adj = random.nextInt(5) * 500 - 1000;
          account.scoreAdj(tenant.adj);
        }
        case 5 -> pass(random.nextInt(20) == 0 ? LIFE + 1 : GRACE);
        case 6, 7, 8 -> change(tenant, account);
        default -> {
          pass(random.nextInt(3) == 0 ? 0 : INTERVAL - random.nextInt(2));
          tick(
              new Need(
                  random.nextBoolean() ? Kind.PAGES : Kind.LIMIT, who, 1 + random.nextInt(40)));
        }
      }
    }

    /// Changes what the host says of an account, or of all memory.
    private void change(Tenant tenant, MemoryAccount account) {
      switch (random.nextInt(4)) {
        case 0 -> {
          model.elsewhere = random.nextInt(50);
          host.elsewhere = model.elsewhere;
        }
        case 1 -> tenant.isGone = toggle(host.gone, account);
        case 2 -> tenant.isUseless = toggle(host.useless, account);
        default -> {
          tenant.byHand = random.nextInt(20);
          host.byHand.put(account, (long) tenant.byHand);
        }
      }
    }

    /// @return whether it is in the set now
    private static boolean toggle(Set<MemoryAccount> set, MemoryAccount account) {
      return !set.remove(account) && set.add(account);
    }

    private void pass(long nanos) {
      host.nanos.addAndGet(nanos);
      model.now += nanos;
    }

    private void tick(Need need) {
      model.surprise =
          new Surprise(
              random.nextInt(12), random.nextInt(4), random.nextInt(ACCOUNTS), random.nextInt(50));
      looks = 0;
      Outcome outcome =
          killer.tick(
              new Shortage(
                  need.kind, host.root, accounts.get(need.requester), need.size, "w", "BLOCKING"));
      String expected = model.tick(need);
      String actual =
          switch (outcome) {
            case Outcome.Wait _ -> "wait";
            case Outcome.Fail fail ->
                fail.message().contains("requester is the victim") ? "victim" : "nobody";
          };
      assertThat(actual).isEqualTo(expected);
      assertThat(looks).as("looks").isEqualTo(model.looks);
    }

    private void compare() {
      List<String> entries =
          killer.audit().last().stream()
              .map(entry -> entry.step() + " " + entry.victim() + " " + entry.freedByteSize())
              .toList();
      int known = model.log.size();
      assertThat(entries).isEqualTo(model.log.subList(known - entries.size(), known));
      assertThat(host.published).hasSize(model.kills);
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
