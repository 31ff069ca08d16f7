package dev.octavo.allocator.oom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tells owners, on daemon threads that live as long as there is somebody to tell, so that no
/// handler holds up anybody who waits. The owners of one victim are told one after the other; a
/// handler that overruns its time keeps its thread, and another thread tells the rest.
///
/// [#tell] and [#look] are called by one thread at a time; the rest is atomic or of one writer.
final class Notices {

  private static final int MOST_THREADS = 16;

  private static final Logger LOG = LoggerFactory.getLogger(OomKiller.class);

  private final OomKiller.Host host;
  private final LongSupplier clock;
  private final long limitNanos;

  private final List<Teller> watched = new ArrayList<>();
  private final Set<MemoryAccount> inCall = ConcurrentHashMap.newKeySet();
  private final AtomicInteger threads = new AtomicInteger();
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
    for (Teller teller : List.copyOf(watched)) {
      Call call = teller.call;
      if (teller.isDone) {
        watched.remove(teller);
      } else if (call != null && now - call.since > limitNanos) {
        watched.remove(teller);
        teller.isReplaced = true;
        hung.incrementAndGet();
        LOG.warn("handler hangs, going on without it: account={}", call.account.path());
        start(teller.open);
      }
    }
  }

  private void start(Queue<MemoryAccount.Notice> open) {
    if (open.isEmpty()) {
      return;
    }
    if (threads.incrementAndGet() > MOST_THREADS) {
      giveUp(open, "too many handlers hang: threads=" + MOST_THREADS);
      return;
    }
    Teller teller = new Teller(open);
    try {
      Thread.ofPlatform()
          .daemon()
          .name("octavo-oom-notice")
          .inheritInheritableThreadLocals(false)
          .start(teller);
      watched.add(teller);
    } catch (OutOfMemoryError e) {
      giveUp(open, "no thread for handlers: exception=" + e);
    }
  }

  private void giveUp(Queue<MemoryAccount.Notice> open, String why) {
    threads.decrementAndGet();
    int count = 0;
    while (open.poll() != null) {
      count++;
    }
    untold.addAndGet(count);
    LOG.warn("{}, untold={}", why, count);
  }

  private record Call(MemoryAccount account, long since) {}

  /// Tells owners until there are none left, or it is replaced.
  private final class Teller implements Runnable {
    private final Queue<MemoryAccount.Notice> open;
    private volatile @Nullable Call call;
    private volatile boolean isReplaced;
    private volatile boolean isDone;

    Teller(Queue<MemoryAccount.Notice> open) {
      this.open = open;
    }

    @Override
    public void run() {
      try {
        MemoryAccount.Notice notice = open.poll();
        while (notice != null) {
          tell(notice);
          notice = isReplaced ? null : open.poll();
        }
      } finally {
        isDone = true;
        threads.decrementAndGet();
      }
    }

    private void tell(MemoryAccount.Notice notice) {
      MemoryAccount account = notice.account();
      if (!inCall.add(account)) {
        untold.incrementAndGet();
        return;
      }
      call = new Call(account, clock.getAsLong());
      boolean hasThrown = throwsWhenTold(notice);
      call = null;
      inCall.remove(account);
      (hasThrown ? thrown : told).incrementAndGet();
    }

    private boolean throwsWhenTold(MemoryAccount.Notice notice) {
      MemoryAccount account = notice.account();
      try {
        host.call(
            "oom-handler " + account.path(),
            () -> account.handler().ifPresent(handler -> handler.onOutOfMemory(notice)));
        return false;
      } catch (Throwable e) { // whatever a handler throws
        LOG.warn("handler failed: account={}", account.path(), e);
        return true;
      }
    }
  }
}
