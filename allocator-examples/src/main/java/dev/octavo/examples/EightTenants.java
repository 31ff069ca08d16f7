package dev.octavo.examples;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.MemoryPressure;
import dev.octavo.allocator.oom.OomAudit.Step;
import dev.octavo.allocator.oom.OomKiller;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.examples.Tenant.Kind;
import dev.octavo.examples.Tenant.Plan;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;

/// Eight tenants, who would like to have 472 MiB together, share 256 MiB, each on a thread of its
/// own, for a minute: who has to give, and is everything else left alone? At the end the last
/// episodes are printed, a table of the tenants, and what was checked; if something of that does
/// not hold, the exit code is 1.
public final class EightTenants {

  private static final long MIB = 1 << 20;
  private static final long CAPACITY = 256 * MIB;
  private static final Duration DEADLINE = Duration.ofSeconds(5);

  /// What a busy machine may take on top of a deadline.
  private static final Duration SLACK = Duration.ofSeconds(20);

  /// How much longer a run may last if nobody had to give so far.
  private static final Duration EXTRA = Duration.ofSeconds(30);

  private static final Duration LOOK = Duration.ofMillis(20);
  private static final Duration GRACE = Duration.ofMillis(200);
  private static final Duration POLICY_LIMIT = Duration.ofSeconds(10);
  private static final int SECONDS = 60;
  private static final int TRIES = 10;
  private static final int SHOWN_EPISODES = 3;
  private static final long NO_MAX = Long.MAX_VALUE;

  private static final List<Plan> PLANS =
      List.of(
          new Plan("ledger", -1000, Preference.NORMAL, Kind.PLAIN, 24 * MIB, NO_MAX),
          new Plan("spill", 0, Preference.PREFER, Kind.REAPABLE, 48 * MIB, NO_MAX),
          new Plan("batch", 100, Preference.NORMAL, Kind.REAPABLE, 64 * MIB, NO_MAX),
          new Plan("report", 50, Preference.NORMAL, Kind.REAPABLE, 64 * MIB, NO_MAX),
          new Plan("search", 0, Preference.NORMAL, Kind.HANDLER, 96 * MIB, NO_MAX),
          new Plan("index", -50, Preference.NORMAL, Kind.HANDLER, 64 * MIB, NO_MAX),
          new Plan("session", -200, Preference.AVOID, Kind.REAPABLE, 64 * MIB, NO_MAX),
          new Plan("strict", 0, Preference.NORMAL, Kind.PLAIN, 48 * MIB, 32 * MIB));

  private final PrintStream out;
  private final OomEpisodes episodes = new OomEpisodes();
  private final MemoryAccount root = MemoryAccount.root("engine").open();
  private final List<Tenant> tenants = new ArrayList<>();
  private final PageAllocator pages;
  private boolean isGood = true;

  private EightTenants(PrintStream out, Duration grace) {
    this.out = out;
    pages =
        PageAllocator.builder()
            .capacity(CAPACITY)
            .accounts(root)
            .waitAtMost(DEADLINE)
            .oomPolicy(episodes.recorded(OomPolicy.kernel()))
            .oomKiller(
                killer ->
                    killer
                        .audit(episodes.audit())
                        .grace(grace)
                        .reaper(TRIES, grace.dividedBy(2))
                        .policyLimit(POLICY_LIMIT))
            .name("eight-tenants")
            .build();
  }

  /// Runs the scenario.
  ///
  /// @param args how many seconds; 60 if nothing is said
  public static void main(String[] args) throws InterruptedException {
    // The log of each episode goes into the report.
    System.setProperty("org.slf4j.simpleLogger.log.dev.octavo.allocator.oom", "error");
    int seconds = args.length == 0 ? SECONDS : Integer.parseInt(args[0]);
    System.exit(run(System.out, Duration.ofSeconds(seconds), GRACE) ? 0 : 1);
  }

  /// Runs the scenario.
  ///
  /// @param grace how long a victim has to give by itself
  /// @return whether everything held that was checked
  static boolean run(PrintStream out, Duration time, Duration grace) throws InterruptedException {
    return new EightTenants(out, grace).run(time);
  }

  private boolean run(Duration time) throws InterruptedException {
    long seed = System.nanoTime();
    out.printf(
        "eight tenants, %d MiB, %d s, deadline %d s, seed %d%n%n",
        CAPACITY / MIB, time.toSeconds(), DEADLINE.toSeconds(), seed);
    long start = System.nanoTime();
    BooleanSupplier isOver =
        () -> {
          long left = time.toNanos() - (System.nanoTime() - start);
          boolean hadToGive = episodes.audit().count(Step.KILLED) > 0;
          return left <= (hadToGive ? 0 : -EXTRA.toNanos());
        };
    SplittableRandom random = new SplittableRandom(seed);
    PLANS.forEach(plan -> tenants.add(new Tenant(plan, pages, root, random.split(), isOver)));
    work();
    report();
    check();
    tenants.forEach(Tenant::close);
    pages.close();
    root.close();
    return isGood;
  }

  private void work() throws InterruptedException {
    List<Thread> threads = tenants.stream().map(this::thread).toList();
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      while (!thread.join(LOOK)) {
        episodes.collect();
      }
    }
    episodes.collect();
  }

  private Thread thread(Tenant tenant) {
    Runnable task =
        () -> {
          try (MemoryPressure.Mark _ = killer().pressure().task()) {
            tenant.run();
          }
        };
    return Thread.ofPlatform().name(tenant.plan().name()).unstarted(task);
  }

  private OomKiller killer() {
    return pages.oomKiller().orElseThrow();
  }

  private long kills(Tenant tenant) {
    return episodes.kills().stream().filter(kill -> tenant.isAccount(kill.victim().name())).count();
  }

  private long sum(ToLongFunction<Tenant> figure) {
    return tenants.stream().mapToLong(figure).sum();
  }

  // ---- the report

  private void report() {
    List<OomEpisodes.Kill> kills = episodes.kills();
    kills.stream()
        .skip(Math.max(0, kills.size() - SHOWN_EPISODES))
        .forEach(kill -> out.println(kill.text() + System.lineSeparator()));
    out.println(
        "tenant    adj  preference kind      killed reaped notices   served failed"
            + "       MiB  longest ms");
    tenants.forEach(this::row);
    out.println();
    for (Step step : Step.values()) {
      out.printf("%s %d  ", step.name().toLowerCase(Locale.ROOT), episodes.count(step));
    }
    out.printf("%n%n%s%n", killer().pressure());
  }

  private void row(Tenant tenant) {
    Plan plan = tenant.plan();
    out.printf(
        Locale.ROOT,
        "%-8s %5d  %-10s %-9s %6d %6d %7d %8d %6d %9d %11d%n",
        plan.name(),
        plan.scoreAdj(),
        plan.preference(),
        plan.kind(),
        kills(tenant),
        tenant.reaped(),
        tenant.notices(),
        tenant.served(),
        tenant.failed(),
        tenant.servedBytes() / MIB,
        Duration.ofNanos(tenant.longestNanos()).toMillis());
  }

  // ---- the checks

  private void check() {
    Tenant ledger = tenants.getFirst();
    List<OomEpisodes.Kill> kills = episodes.kills();
    long longestNanos = tenants.stream().mapToLong(Tenant::longestNanos).max().orElseThrow();
    check("somebody had to give", !kills.isEmpty(), kills.size());
    check("no step of the audit was missed", episodes.isComplete(), "");
    check("never the one with -1000", kills(ledger) + ledger.reaped() == 0, kills(ledger));
    check("only who is eligible", kills.stream().allMatch(EightTenants::isEligible), "");
    check("always whom the rule names", wrongVictims() == 0, wrongVictims());
    check("one victim in flight at most", episodes.overlaps() == 0, episodes.overlaps());
    check("no mistake of the policy", episodes.count(Step.MISBEHAVED) == 0, "");
    check("stamps of survivors intact", sum(Tenant::broken) == 0, sum(Tenant::checked));
    check(
        "every request answered, ms",
        longestNanos <= DEADLINE.plus(SLACK).toNanos(),
        Duration.ofNanos(longestNanos).toMillis());
    List<RuntimeException> failures =
        tenants.stream().map(Tenant::failure).filter(Objects::nonNull).toList();
    check("nothing else was thrown", failures.isEmpty(), failures);
    check("nobody waits", pages.waiters() == 0, pages.waiters());
    check("audit of the allocator", pages.audit().isEmpty(), pages.audit());
    check("all accounts at 0", root.usage() == 0 && sum(Tenant::held) == 0, root.usage());
    check("all pages free", pages.freePages() == pages.pageCount(), pages.freePages());
  }

  private static boolean isEligible(OomEpisodes.Kill kill) {
    return kill.victim().isEligible() && kill.victim().scoreAdj() > -1000;
  }

  private long wrongVictims() {
    return episodes.decisions().stream()
        .filter(
            decision ->
                !decision.verdict().victim().equals(OomEpisodes.rightVictim(decision.snapshot())))
        .count();
  }

  private void check(String what, boolean holds, Object figure) {
    isGood &= holds;
    out.printf("%-7s%s: %s%n", holds ? "ok" : "BROKEN", what, figure);
  }
}
