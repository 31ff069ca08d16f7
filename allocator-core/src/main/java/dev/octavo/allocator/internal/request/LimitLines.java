package dev.octavo.allocator.internal.request;

import static java.util.Objects.requireNonNull;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.accounts.Books;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// The lines of accounts whose max keeps requests waiting, by number of the account.
///
/// A line is there while a request uses it.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | lines | requests that enter or leave | `ConcurrentHashMap` | |
/// | waiting | the same, +1 before they look for room, -1 when they have left | atomic add; a load on each charge | newcomers overtake those in line |
final class LimitLines implements LimitLine.Neighbours {

  private final Setting setting;
  private final LineOwner owner;
  private final Books<MemoryAccount> books;
  private final Runnable endListening;
  private final ConcurrentHashMap<Long, LimitLine> lines = new ConcurrentHashMap<>();
  private final AtomicInteger waiting = new AtomicInteger();

  LimitLines(Setting setting, LineOwner owner, MemoryAccount root) {
    this.setting = setting;
    this.owner = owner;
    books = setting.books();
    endListening = books.listen(root, this::uncharged);
  }

  /// Whether no request waits for room. One load.
  boolean isEmpty() {
    return waiting.get() == 0;
  }

  Collection<LimitLine> all() {
    return lines.values();
  }

  int size() {
    return waiting.get();
  }

  /// The lowest account at or above a payer's where requests wait for room, or null.
  @Nullable MemoryAccount awaitedAt(Payer payer) {
    if (isEmpty()) {
      return null;
    }
    for (MemoryAccount at : payer.upwards()) {
      if (isAwaited(at)) {
        return at;
      }
    }
    return null;
  }

  @Override
  public @Nullable MemoryAccount awaitedAbove(MemoryAccount domain) {
    MemoryAccount at = domain.parent().orElse(null);
    while (at != null && !isAwaited(at)) {
      at = at.parent().orElse(null);
    }
    return at;
  }

  private boolean isAwaited(MemoryAccount account) {
    LimitLine line = lines.get(account.id());
    return line != null && !line.room().isEmpty();
  }

  @Override
  public long headroom(MemoryAccount account) {
    return books.headroom(account);
  }

  /// Waits in an account's line until the demand is charged.
  ///
  /// @return 0, or a negative number that says why not
  long await(MemoryAccount domain, Demand demand, long deadline) {
    LimitLine line = enter(domain);
    try {
      return line.await(demand, deadline);
    } finally {
      leave(domain);
    }
  }

  private LimitLine enter(MemoryAccount domain) {
    return requireNonNull(
        lines.compute(
            domain.id(),
            (id, line) ->
                (line == null ? new LimitLine(setting, owner, this, domain) : line).withUsers(1)));
  }

  private void leave(MemoryAccount domain) {
    lines.computeIfPresent(
        domain.id(), (id, line) -> line.withUsers(-1).users() == 0 ? null : line);
  }

  @Override
  public void entered(MemoryAccount domain) {
    books.beginWait(domain);
    waiting.incrementAndGet();
  }

  @Override
  public void left(MemoryAccount domain) {
    books.endWait(domain);
    waiting.decrementAndGet();
  }

  private void uncharged(MemoryAccount account, long byteSize) {
    if (isEmpty()) {
      return;
    }
    boolean byShrinker = AtomicContext.isNoReclaim();
    for (MemoryAccount at = account; at != null; at = at.parent().orElse(null)) {
      LimitLine line = lines.get(at.id());
      if (line != null) {
        line.uncharged(byteSize, byShrinker);
      }
    }
  }

  /// Fails all requests in line, and ends listening to the accounts.
  void close() {
    lines.values().forEach(line -> line.room().close());
    endListening.run();
  }
}
