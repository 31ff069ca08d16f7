package dev.octavo.examples;

import dev.octavo.allocator.AccountAllocator;
import dev.octavo.allocator.AllocationMode;
import dev.octavo.allocator.OutOfPagesException;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomAudit;
import dev.octavo.allocator.reclaim.Shrinker;
import java.io.PrintStream;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;

/// A cache and a query engine under one budget, with memory besides that another library allocates,
/// as Netty or Arrow would. When it runs short, the cache shrinks; a query that reaches its own max
/// is on its own; and only when the cache has nothing left, the biggest query has to give.
///
/// Start java with `--enable-native-access=ALL-UNNAMED`: the memory of queries can be taken away.
public final class SharedBudget {

  private static final long MIB = 1 << 20;
  private static final Duration GRACE = Duration.ofMillis(50);

  private final PrintStream out;
  private final MemoryAccount engine = MemoryAccount.root("engine").max(64 * MIB).open();
  private final MemoryAccount network = engine.child("network").scoreAdj(-1000).open();
  private final MemoryAccount cached = engine.child("cache").scoreAdj(-1000).open();
  private final PageAllocator pages =
      PageAllocator.builder()
          .capacity(64 * MIB)
          .accounts(engine)
          .oomKiller(killer -> killer.grace(GRACE))
          .build();
  private final Cache cache = new Cache(pages.under(cached));
  private final List<AccountAllocator> queries = new ArrayList<>();

  private SharedBudget(PrintStream out) {
    this.out = out;
  }

  /// Keeps blocks that it could do without.
  private record Cache(AccountAllocator memory, Deque<MemorySegment> blocks) implements Shrinker {

    Cache(AccountAllocator memory) {
      this(memory, new ConcurrentLinkedDeque<>());
    }

    void add(long byteSize) {
      blocks.add(memory.allocate(byteSize));
    }

    @Override
    public long count() {
      return memory.account().ownUsage();
    }

    /// One block a call: whoever waits gets it at once, and if nobody waits any more, the rest
    /// stays.
    @Override
    public long scan(long byteSize) {
      MemorySegment oldest = blocks.poll();
      if (oldest == null) {
        return 0;
      }
      memory.free(oldest);
      return oldest.byteSize();
    }
  }

  /// Runs the steps; takes no arguments.
  public static void main(String[] args) {
    // What the killer logs is printed here.
    System.setProperty("org.slf4j.simpleLogger.log.dev.octavo.allocator.oom", "error");
    run(System.out);
  }

  static void run(PrintStream out) {
    new SharedBudget(out).run();
  }

  private void run() {
    pages.addShrinker("cache", cache, cached);
    for (int i = 0; i < 32; i++) {
      cache.add(MIB);
    }
    network.charge(16 * MIB); // by hand: buffers that the allocator knows nothing of
    print("cache and network are there");

    AccountAllocator big = openQuery("big", 24);
    big.allocate(20 * MIB);
    print("a query of 20 MiB: the cache has shrunk");

    try {
      big.allocate(8 * MIB, AllocationMode.NOWAIT);
    } catch (OutOfPagesException e) {
      print("8 MiB more are above its own max: " + e.reason());
    }

    AccountAllocator next = openQuery("next", 64);
    MemorySegment most = next.allocate(40 * MIB);
    print("the next one needs 40 MiB: the cache is empty, the biggest query has given");
    for (OomAudit.Entry step : pages.oomKiller().orElseThrow().audit().last()) {
      out.printf("  %s victim=%s domain=%s%n", step.step(), step.victim(), step.domain());
    }
    out.println("  big is reaped: " + big.isReaped());

    next.free(most);
    network.uncharge(16 * MIB);
    queries.forEach(AccountAllocator::close);
    print("everything is free");
    pages.close();
  }

  private AccountAllocator openQuery(String name, long maxMib) {
    AccountAllocator query = pages.under(engine.child(name).max(maxMib * MIB).reapable().open());
    queries.add(query);
    return query;
  }

  private void print(String what) {
    StringBuilder line = new StringBuilder(what);
    engine
        .children()
        .forEach(
            child -> line.append("%n  %-8s %2d MiB".formatted(child.name(), child.usage() / MIB)));
    out.println(line);
  }
}
