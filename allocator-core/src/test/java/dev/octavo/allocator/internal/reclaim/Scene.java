package dev.octavo.allocator.internal.reclaim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import dev.octavo.allocator.reclaim.Shrinker;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A reclaimer with a clock that jumps, a worker whose thread never starts, and needs that a test
/// sets. All figures are in pages.
final class Scene implements Reclaimer.Host {

  static final int PAGE_SIZE = 4096;

  final JumpingClock clock = new JumpingClock();
  final List<Thread> started = new ArrayList<>();

  /// Scans, as "name=pages".
  final List<String> calls = new ArrayList<>();

  /// Scopes that are open.
  final List<String> labels = new ArrayList<>();

  /// What callbacks asserted; the reclaimer contains whatever they throw.
  final List<AssertionError> failures = new ArrayList<>();

  final List<Demand> needs = new ArrayList<>();

  /// Told of each scan: name and pages freed.
  ObjIntConsumer<String> onFreed = (name, pages) -> {};

  int counts;
  int failingStarts;
  int hostFailures;

  final Reclaimer reclaimer =
      new Reclaimer(Reclaimer.Settings.of("test", PAGE_SIZE), this, clock) {
        @Override
        void start(Thread thread) {
          if (failingStarts-- > 0) {
            throw new OutOfMemoryError("no thread");
          }
          started.add(thread);
        }
      };

  /// Pages to ask of an owner in a stage.
  interface Most {
    long of(@Nullable Object owner, int stage);
  }

  /// A need with a counter that callbacks move.
  static final class Demand implements Reclaimer.Need {

    private final String key;
    private final boolean isAwaited;
    private long helped;
    long missing;
    int stages = 1;
    Most most = (owner, stage) -> Long.MAX_VALUE / PAGE_SIZE;

    Demand(String key, boolean isAwaited, long missing) {
      this.key = key;
      this.isAwaited = isAwaited;
      this.missing = missing;
    }

    /// Frees pages toward it; returns how many.
    long help(long pages) {
      helped += pages;
      missing -= pages;
      return pages;
    }

    private boolean mayAsk(@Nullable Object owner) {
      return IntStream.range(0, stages).anyMatch(stage -> mostBytes(owner, stage) > 0);
    }

    @Override
    public Object key() {
      return key;
    }

    @Override
    public boolean isAwaited() {
      return isAwaited;
    }

    @Override
    public long missingBytes() {
      return missing * PAGE_SIZE;
    }

    @Override
    public int stages() {
      return stages;
    }

    @Override
    public long mostBytes(@Nullable Object owner, int stage) {
      return most.of(owner, stage) * PAGE_SIZE;
    }

    @Override
    public long helpedBytes() {
      return helped * PAGE_SIZE;
    }
  }

  @Override
  public List<? extends Reclaimer.Need> needs() {
    if (hostFailures-- > 0) {
      throw new IllegalStateException("host");
    }
    return List.copyOf(needs);
  }

  @Override
  public long call(String label, LongSupplier callback) {
    labels.add(label);
    try {
      return callback.getAsLong();
    } catch (AssertionError e) {
      failures.add(e);
      throw e;
    } finally {
      labels.removeLast();
    }
  }

  // ---- needs

  Demand need(String key, long pages) {
    Demand need = new Demand(key, true, pages);
    needs.add(need);
    return need;
  }

  /// For which one owner alone is asked.
  Demand need(String key, long pages, String owner) {
    Demand need = need(key, pages);
    need.most = only(owner);
    return need;
  }

  Demand background(String key, long pages) {
    Demand need = new Demand(key, false, pages);
    needs.add(need);
    return need;
  }

  Demand background(String key, long pages, String owner) {
    Demand need = background(key, pages);
    need.most = only(owner);
    return need;
  }

  private static Most only(String owner) {
    return (other, stage) -> owner.equals(other) ? Long.MAX_VALUE / PAGE_SIZE : 0;
  }

  // ---- shrinkers

  Shrinker.Registration add(
      String name, @Nullable Object owner, LongSupplier count, LongUnaryOperator scan) {
    return reclaimer.add(
        name,
        new Shrinker() {
          @Override
          public long count() {
            counts++;
            assertThat(labels).containsExactly(name);
            return count.getAsLong() * PAGE_SIZE;
          }

          @Override
          public long scan(long byteSize) {
            assertThat(labels).containsExactly(name);
            assertThat(byteSize).isPositive();
            calls.add(name + "=" + byteSize / PAGE_SIZE);
            return scan.applyAsLong(byteSize / PAGE_SIZE) * PAGE_SIZE;
          }
        },
        owner);
  }

  /// One that has so many pages, and frees what is asked toward each need that may ask it.
  Shrinker.Registration honest(String name, @Nullable Object owner, long pages) {
    long[] left = {pages};
    return add(
        name,
        owner,
        () -> left[0],
        asked -> {
          long now = Math.min(asked, left[0]);
          left[0] -= now;
          onFreed.accept(name, (int) now);
          for (Demand need : needs) {
            if (need.mayAsk(owner)) {
              need.help(now);
            }
          }
          return now;
        });
  }

  Shrinker.Registration honest(String name, long pages) {
    return honest(name, null, pages);
  }

  Shrinker.Registration liar(String name, long pages) {
    return add(name, null, () -> pages, asked -> asked);
  }

  // ---- the worker

  Worker worker() {
    Worker worker = reclaimer.worker();
    assertThat(worker).isNotNull();
    return worker;
  }

  long tick() {
    return reclaimer.work(worker());
  }

  long wakeAndTick() {
    reclaimer.wake();
    return tick();
  }
}
