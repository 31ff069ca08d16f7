package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.threads.Callbacks;
import dev.octavo.allocator.internal.threads.Callbacks.Call;
import dev.octavo.allocator.internal.threads.Callbacks.Worker;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Delivery of notices to the owners of accounts, on daemon threads that end with the last notice,
/// so that no handler delays a request. The owners of one victim are told one after the other; a
/// handler that overruns its time keeps its thread, and another thread tells the rest.
///
/// [#tell] and [#look] are called by one thread at a time; the rest is atomic or of one writer.
final class Notices {

  private static final int MOST_THREADS = 16;

  private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

  private final OomKiller.Host host;
  private final LongSupplier clock;
  private final long limitNanos;

  private final Callbacks tellers = new Callbacks("octavo-oom-notice", MOST_THREADS);
  private final List<Telling> watched = new ArrayList<>();
  private final Set<MemoryAccount> inCall = ConcurrentHashMap.newKeySet();
  private final AtomicLong told = new AtomicLong();
  private final AtomicLong thrown = new AtomicLong();
  private final AtomicLong hung = new AtomicLong();
  private final AtomicLong untold = new AtomicLong();

  Notices(OomKiller.Host host, LongSupplier clock, long limitNanos) {
    this.host = host;
    this.clock = clock;
    this.limitNanos = limitNanos;
  }

  OomKiller.Handlers counts() {
    return new OomKiller.Handlers(told.get(), thrown.get(), hung.get(), untold.get());
  }

  /// Tells those who have a handler. Does not wait.
  void tell(Collection<MemoryAccount.Notice> notices) {
    Queue<MemoryAccount.Notice> open = new ConcurrentLinkedQueue<>();
    for (MemoryAccount.Notice notice : notices) {
      if (notice.account().handler().isPresent()) {
        open.add(notice);
      }
    }
    start(open);
  }

  /// Finds handlers that have overrun their time.
  void look(long now) {
    for (Telling telling : List.copyOf(watched)) {
      Worker worker = telling.worker;
      Call call = worker.current();
      if (worker.isDone()) {
        watched.remove(telling);
      } else if (call != null && call.isLate(now, limitNanos)) {
        watched.remove(telling);
        worker.replace();
        hung.incrementAndGet();
        LOG.warn("handler hangs, going on without it: account={}", call.label());
        start(telling.open);
      }
    }
  }

  private void start(Queue<MemoryAccount.Notice> open) {
    if (open.isEmpty()) {
      return;
    }
    Worker worker = tellers.worker(me -> tellAll(me, open));
    try {
      if (tellers.start(worker)) {
        watched.add(new Telling(worker, open));
      } else {
        giveUp(open, "too many handlers hang: threads=" + MOST_THREADS);
      }
    } catch (OutOfMemoryError e) {
      giveUp(open, "no thread for handlers: exception=" + e);
    }
  }

  private void giveUp(Queue<MemoryAccount.Notice> open, String why) {
    int count = 0;
    while (open.poll() != null) {
      count++;
    }
    untold.addAndGet(count);
    LOG.warn("{}, untold={}", why, count);
  }

  /// A thread that tells owners, and those that it has not told yet.
  private record Telling(Worker worker, Queue<MemoryAccount.Notice> open) {}

  private void tellAll(Worker me, Queue<MemoryAccount.Notice> open) {
    MemoryAccount.Notice notice = open.poll();
    while (notice != null) {
      tell(me, notice);
      notice = me.isReplaced() ? null : open.poll();
    }
  }

  private void tell(Worker me, MemoryAccount.Notice notice) {
    MemoryAccount account = notice.account();
    if (!inCall.add(account)) {
      untold.incrementAndGet();
      return;
    }
    boolean hasThrown = throwsWhenTold(me, notice);
    inCall.remove(account);
    (hasThrown ? thrown : told).incrementAndGet();
  }

  private boolean throwsWhenTold(Worker me, MemoryAccount.Notice notice) {
    String path = notice.account().path();
    try {
      me.call(
          new Call(path, clock.getAsLong()),
          () -> {
            host.call("oom-handler " + path, () -> handle(notice));
            return 0;
          });
      return false;
    } catch (Throwable e) { // whatever a handler throws
      LOG.warn("handler failed: account={}", path, e);
      return true;
    }
  }

  private static void handle(MemoryAccount.Notice notice) {
    notice.account().handler().ifPresent(handler -> handler.onOutOfMemory(notice));
  }
}
