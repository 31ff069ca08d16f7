package dev.octavo.allocator;

import java.lang.ref.Cleaner;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Notices that an arena was forgotten: neither it nor any segment of it can be reached any more,
/// and it was not closed. Says where it was opened, and gives its pages back.
///
/// It watches the session, which the arena and all its segments refer to, so no byte is given back
/// that somebody could still reach. An unscoped arena has no session: there the arena itself is
/// watched, and its pages stay where they are, as segments of it may be in use.
final class ArenaWatch implements Runnable {

  private static final Logger LOG = LoggerFactory.getLogger(ArenaWatch.class);

  /// One thread for all, made with the first watch.
  private static final class Shared {
    static final Cleaner CLEANER = Cleaner.create();
  }

  private final ArenaRuns runs;
  private final Throwable opened;
  private final boolean givesBack;
  private Cleaner.Cleanable cleanable;
  private volatile boolean isOver;

  /// @param watched what must not be reachable any more
  /// @param runs the pages; must not refer to `watched`
  /// @param opened where the arena was opened
  /// @param givesBack whether the pages may go back
  ArenaWatch(Object watched, ArenaRuns runs, Throwable opened, boolean givesBack) {
    this.runs = runs;
    this.opened = opened;
    this.givesBack = givesBack;
    cleanable = Shared.CLEANER.register(watched, this);
  }

  /// Watches another session from now on, instead.
  void follow(Object next) {
    Cleaner.Cleanable before = cleanable;
    isOver = true;
    before.clean();
    isOver = false;
    cleanable = Shared.CLEANER.register(next, this);
  }

  /// Ends it, when the arena is closed.
  void end() {
    isOver = true;
    cleanable.clean();
  }

  /// What the cleaner calls; also called by `clean`, which then changes nothing.
  @Override
  public void run() {
    if (!isOver) {
      LOG.warn(
          "arena was never closed: reservedPages={}, givenBack={}",
          runs.pages(),
          givesBack,
          opened);
      runs.allocator().countForgotten();
      if (givesBack) {
        runs.freeAllBut(-1);
      }
    }
  }
}
