package dev.octavo.allocator.internal.buddy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// Runs threads one step at a time, in an order that is chosen and not left to chance.
///
/// A step is one access to a shared word or head of a tree ([#words], [#heads]). Before each step
/// the schedule decides who goes on. Only one thread runs at any moment, so a run repeats exactly.
public final class RaceScheduler {

  /// No run of these tests is nearly as long; one that is does not end.
  private static final int MOST_STEPS = 5_000;

  private final RaceSchedule schedule;
  private final List<Racer> racers = new ArrayList<>();
  private final Semaphore back = new Semaphore(0);

  private int steps;
  private int lostExchanges;
  private @Nullable Racer running;
  private @Nullable Racer next;
  private boolean abandoned;

  RaceScheduler(RaceSchedule schedule) {
    this.schedule = schedule;
  }

  /// Runs all of these to their end.
  void run(List<Runnable> bodies) {
    for (Runnable body : bodies) {
      racers.add(new Racer(racers.size(), body));
    }
    List<Integer> ready = ready();
    while (!ready.isEmpty()) {
      Racer chosen = next != null ? next : choose(RaceSchedule.NOBODY, ready);
      next = null;
      resume(chosen);
      ready = ready();
    }
  }

  private void resume(Racer racer) {
    running = racer;
    racer.turn.release();
    back.acquireUninterruptibly();
    running = null;
    if (racer.failure != null) {
      abandon();
      throw new AssertionError("thread failed: thread=" + racer.number, racer.failure);
    }
  }

  private void abandon() {
    abandoned = true;
    for (int thread : ready()) {
      racers.get(thread).turn.release();
      back.acquireUninterruptibly();
    }
  }

  private List<Integer> ready() {
    return racers.stream().filter(racer -> !racer.finished).map(racer -> racer.number).toList();
  }

  private Racer choose(int from, List<Integer> ready) {
    return racers.get(schedule.next(from, ready));
  }

  /// Called before each step: the running thread may have to wait here.
  public void step() {
    Racer me = running;
    if (me == null) {
      return;
    }
    countStep();
    Racer chosen = choose(me.number, ready());
    if (chosen != me) {
      hand(me, chosen);
    }
  }

  /// The running thread cannot go on without the others: they get their turn one after another.
  public void pause() {
    Racer me = running;
    if (me == null) {
      return;
    }
    countStep();
    for (int i = 1; i < racers.size(); i++) {
      Racer other = racers.get((me.number + i) % racers.size());
      if (!other.finished) {
        hand(me, other);
        return;
      }
    }
  }

  private void countStep() {
    steps++;
    if (steps > MOST_STEPS) {
      throw new AssertionError("run does not end: steps=" + steps);
    }
  }

  private void hand(Racer me, Racer other) {
    next = other;
    back.release();
    me.turn.acquireUninterruptibly();
    if (abandoned) {
      throw new AssertionError("run was given up");
    }
  }

  /// A tree with all pages free whose every access to a word or head is a step.
  public BuddyPages pages(Geometry geometry, int slotCount) {
    return new BuddyPages(geometry, slotCount, this::words, heads(geometry.pageCount()));
  }

  /// Words whose every access is a step.
  Words words(int length) {
    return new Words(length) {
      @Override
      long get(int index) {
        step();
        return super.get(index);
      }

      @Override
      boolean compareAndSet(int index, long expected, long update) {
        step();
        return super.compareAndSet(index, expected, update);
      }
    };
  }

  /// Heads whose every exchange is a step before and a step after, as it may be put back. Who loses
  /// one and tries again waits for the others.
  Heads heads(int pageCount) {
    return new Heads(pageCount) {
      @Override
      boolean compareAndSet(int page, byte expected, byte update) {
        step();
        boolean done = super.compareAndSet(page, expected, update);
        lostExchanges = done ? 0 : lostExchanges + 1;
        if (lostExchanges > 1) {
          pause();
        } else {
          step();
        }
        return done;
      }
    };
  }

  /// One thread of a run.
  private final class Racer {

    private final int number;
    private final Semaphore turn = new Semaphore(0);
    private volatile boolean finished;
    private volatile @Nullable Throwable failure;

    Racer(int number, Runnable body) {
      this.number = number;
      Thread.ofVirtual().name("racer-" + number).start(() -> live(body));
    }

    private void live(Runnable body) {
      turn.acquireUninterruptibly();
      try {
        if (!abandoned) {
          body.run();
        }
      } catch (Throwable e) {
        failure = e;
      } finally {
        finished = true;
        back.release();
      }
    }
  }
}
