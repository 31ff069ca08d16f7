package dev.octavo.allocator.oom;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A budget of memory in a tree of budgets, like Linux's memory cgroups.
///
/// What is charged to an account counts for all above it, and is refused if the max of any of them
/// would be exceeded; then nothing has changed. The allocator charges what it hands out; anything
/// else, for example Netty's or Arrow's memory, is charged by hand. The account keeps what was
/// charged by hand apart from its pages in each allocator: neither can be uncharged as the other.
///
/// **Sums.** A platform thread charges up to 64 pages in advance, its *stock*, and takes from that
/// with plain stores. Stocks count as used against every max, so **no max is ever exceeded**; and
/// they go back before a charge is refused, so none is refused for the sake of a stock: while a
/// charge proves its refusal, or a request waits for room, no stock of the tree is filled. Usage is
/// read without the stocks: exact while no thread charges, off by at most twice the batch for each
/// thread that does. Peaks include stocks. A *strict* account, and all below it, does without: each
/// charge is exact at every moment, and costs some atomic operations for each level.
///
/// Thread-safe. Charges take no lock and never sleep. One that is about to be refused looks at all
/// accounts below the one without room, waits 30 to 60 microseconds if there are stocks, and until
/// charges that other threads have begun have ended. It is refused only if bytes in use left no
/// room at one moment of the call; bytes are in use from the begin of a charge until the uncharge
/// has returned.
public final class MemoryAccount implements AutoCloseable {

  /// The order in which accounts give memory, whatever the scores say.
  public enum Preference {
    /// Before all others.
    PREFER,
    /// By score.
    NORMAL,
    /// Only if there is no other account.
    AVOID,
    /// Never.
    NEVER
  }

  /// The marks of an account, in bytes: `0 <= min <= low <= high <= max`.
  ///
  /// @param minByteSize memory that is never reclaimed
  /// @param lowByteSize memory that is not reclaimed while others can give, and does not count in
  ///   the OOM score
  /// @param highByteSize above it the account is slowed down and reclaimed from
  /// @param maxByteSize it is never exceeded
  public record Limits(long minByteSize, long lowByteSize, long highByteSize, long maxByteSize) {

    /// Nothing protected, nothing limited.
    public static final Limits NONE = new Limits(0, 0, Long.MAX_VALUE, Long.MAX_VALUE);

    /// Checks the order.
    ///
    /// @throws IllegalArgumentException if it is not `0 <= min <= low <= high <= max`
    public Limits {
      if (minByteSize < 0
          || minByteSize > lowByteSize
          || lowByteSize > highByteSize
          || highByteSize > maxByteSize) {
        throw new IllegalArgumentException(
            "not in the order 0 <= min <= low <= high <= max: min=%d, low=%d, high=%d, max=%d"
                .formatted(minByteSize, lowByteSize, highByteSize, maxByteSize));
      }
    }

    /// Only a max.
    ///
    /// @param byteSize the max, at least 0
    /// @return limits with that as high and max
    public static Limits ofMax(long byteSize) {
      return new Limits(0, 0, byteSize, byteSize);
    }
  }

  /// What an owner is told when its account was chosen.
  ///
  /// @param account whose memory shall go
  /// @param episode the number of the episode in the [OomAudit]
  /// @param neededByteSize bytes that are missing
  public record Notice(MemoryAccount account, long episode, long neededByteSize) {}

  /// The owner of an account, which can let go of its memory.
  @FunctionalInterface
  public interface OomHandler {
    /// Called when the account was chosen, on a thread of its own. It should free what it can
    /// without waiting for others, and must not allocate in a way that waits. What it throws is
    /// logged and counted; if it takes too long, it is not waited for.
    ///
    /// @param notice what happened
    void onOutOfMemory(Notice notice);
  }

  static {
    AccountBooks.install();
  }

  private final long id;
  private final String name;
  private final String path;
  private final @Nullable MemoryAccount parent;
  private final AccountTree tree;
  private final Ledger ledger;
  private final AccountBook byHand;
  private final long createdNanos;
  private final boolean isGroup;
  private final boolean isReapable;
  private final boolean isStrict;
  private final @Nullable OomHandler handler;
  private final ConcurrentSkipListMap<String, MemoryAccount> children =
      new ConcurrentSkipListMap<>();

  private volatile Limits limits;
  private volatile int scoreAdj;
  private volatile Preference preference;
  private volatile boolean isSkipped;

  MemoryAccount(MemoryAccountBuilder builder, AccountTree tree) {
    this.tree = tree;
    id = tree.nextId();
    name = builder.name;
    parent = builder.parent;
    path = parent == null ? name : parent.path + "/" + name;
    createdNanos = tree.nanoTime();
    isGroup = builder.isGroup;
    isReapable = builder.isReapable;
    isStrict = builder.isStrict;
    handler = builder.handler;
    limits = builder.limits;
    scoreAdj = builder.scoreAdj;
    preference = builder.preference;
    ledger = new Ledger(this, parent == null ? null : parent.ledger, tree);
    ledger.setMax(limits.maxByteSize());
    byHand = ledger.openBook(true, isStrict);
  }

  /// Starts a tree.
  ///
  /// @param name of 1 to 100 characters, none a space, a slash or a comma
  /// @return a builder
  /// @throws IllegalArgumentException if the name is not so
  public static MemoryAccountBuilder root(String name) {
    return new MemoryAccountBuilder(name, null);
  }

  /// Starts an account below this one.
  ///
  /// @param childName of 1 to 100 characters, none a space, a slash or a comma; of no open sibling
  /// @return a builder
  /// @throws IllegalArgumentException if the name is not so
  public MemoryAccountBuilder child(String childName) {
    return new MemoryAccountBuilder(childName, this);
  }

  AccountTree tree() {
    return tree;
  }

  Ledger ledger() {
    return ledger;
  }

  MemoryAccount adopt(MemoryAccount child) {
    synchronized (children) {
      if (ledger.isClosed()) {
        throw MemoryAccountException.closed(this);
      }
      if (children.putIfAbsent(child.name, child) != null) {
        throw MemoryAccountException.duplicateName(this, child.name);
      }
      return child;
    }
  }

  /// Closes the account. Closing it again does nothing.
  ///
  /// @throws MemoryAccountException if it has open children or uses memory, in which case it stays
  ///   open
  @Override
  public void close() {
    synchronized (children) {
      if (ledger.isClosed()) {
        return;
      }
      if (!children.isEmpty()) {
        throw MemoryAccountException.hasChildren(this, children.size());
      }
      drain();
      if (!ledger.close()) {
        throw MemoryAccountException.inUse(this);
      }
    }
    if (parent != null) {
      parent.children.remove(name, this);
    }
  }

  // ---- charging

  /// Charges bytes to this account and all above it. A few nanoseconds if the thread has enough in
  /// stock.
  ///
  /// @param byteSize bytes, at least 0
  /// @throws IllegalArgumentException if negative
  /// @throws MemoryAccountException if a max leaves no room, or the account is closed
  public void charge(long byteSize) {
    MemoryAccount refused = byHand.charge(byteSize);
    if (refused != null) {
      throw MemoryAccountException.limit(this, refused, byteSize);
    }
  }

  /// Charges bytes like [#charge], if there is room.
  ///
  /// @param byteSize bytes, at least 0
  /// @return empty if they are charged; else the lowest account, this or above, whose max leaves no
  ///   room: the domain of the shortage
  /// @throws IllegalArgumentException if negative
  /// @throws MemoryAccountException if the account is closed
  public Optional<MemoryAccount> tryCharge(long byteSize) {
    return Optional.ofNullable(byHand.charge(byteSize));
  }

  /// Takes back what was charged, on any thread. Costs what [#charge] costs.
  ///
  /// @param byteSize bytes, at least 0
  /// @throws IllegalArgumentException if negative
  /// @throws MemoryAccountException if that is more than was charged to the account by hand. What
  ///   an allocator has charged does not count. While other threads have stocks such a mistake may
  ///   go unnoticed until these go back; then it is logged
  public void uncharge(long byteSize) {
    byHand.uncharge(byteSize);
  }

  /// Makes bytes the other account's, as when a block is handed over. Accounts above both never see
  /// them twice.
  ///
  /// @param other the new owner, of this tree or another
  /// @param byteSize bytes, at least 0
  /// @throws IllegalArgumentException if negative
  /// @throws MemoryAccountException if so many were not charged to this account by hand, a max
  ///   above the other leaves no room, or one of the two is closed; nothing has changed then
  public void transferTo(MemoryAccount other, long byteSize) {
    MemoryAccount refused = byHand.transferTo(other.byHand, byteSize);
    if (refused != null) {
      throw MemoryAccountException.limit(other, refused, byteSize);
    }
  }

  /// Gives back what threads hold in stock, in this account and all below it. Waits for all threads
  /// to pass a point of their program if there is any, 30 to 60 microseconds.
  ///
  /// @return bytes
  public long drain() {
    return tree.takeBack(stocksBelow(Stock::holdsBytes));
  }

  /// Takes back all stocks, in this account and all below it, those that are empty, too.
  ///
  /// @return false if there was none
  boolean takeBackAllStocks() {
    List<Stock> found = stocksBelow(Stock::isInUse);
    tree.takeBack(found);
    return !found.isEmpty();
  }

  private List<Stock> stocksBelow(Predicate<Stock> kind) {
    List<Stock> found = new ArrayList<>();
    forEachBook(book -> book.addStocks(found, kind));
    return found;
  }

  // ---- figures

  /// What this account and all below it use, without stocks. Looks at each account below.
  ///
  /// @return bytes
  public long usage() {
    long[] inStock = new long[1];
    forEachBook(book -> inStock[0] += book.stockBytes());
    return Math.max(0, reserved() - inStock[0]);
  }

  /// What this account uses itself, without those below it: the bytes charged by hand, and those of
  /// its pages in each allocator.
  ///
  /// @return bytes
  public long ownUsage() {
    return ledger.books().stream().mapToLong(AccountBook::bytes).sum();
  }

  /// What counts against the max: the usage, and what threads hold in stock. One load.
  ///
  /// @return bytes
  public long reserved() {
    return ledger.reservedBytes();
  }

  /// The most that was ever [#reserved].
  ///
  /// @return bytes
  public long peak() {
    return ledger.peakBytes();
  }

  /// Whether the usage is above the high mark, so that a request should wait and reclaim.
  ///
  /// @return true if it is
  public boolean isOverHigh() {
    long high = limits.highByteSize();
    return reserved() > high && usage() > high;
  }

  /// When it was opened, by the clock of the tree.
  ///
  /// @return nanoseconds
  public long createdNanos() {
    return createdNanos;
  }

  /// The number of the account, which no other of the tree ever has.
  ///
  /// @return at least 1
  public long id() {
    return id;
  }

  /// The name.
  ///
  /// @return what was given
  public String name() {
    return name;
  }

  /// The names from the root down, with slashes between.
  ///
  /// @return for example `engine/queries/q17`
  public String path() {
    return path;
  }

  /// The account above.
  ///
  /// @return empty for a root
  public Optional<MemoryAccount> parent() {
    return Optional.ofNullable(parent);
  }

  /// The open accounts directly below.
  ///
  /// @return by name
  public List<MemoryAccount> children() {
    return List.copyOf(children.values());
  }

  /// The account of a number, this or one below. Looks at each.
  ///
  /// @param accountId a number
  /// @return empty if it is closed or was never there
  public Optional<MemoryAccount> find(long accountId) {
    List<MemoryAccount> found = new ArrayList<>();
    forEachBelow(
        account -> {
          if (account.id == accountId) {
            found.add(account);
          }
        });
    return found.stream().findFirst();
  }

  // ---- what was set

  /// The marks.
  ///
  /// @return the limits in force
  public Limits limits() {
    return limits;
  }

  /// Changes the marks. A max below the usage refuses all further charges, and nothing else. Stocks
  /// go back, so that a lower max holds for all charges that begin later; but a thread that
  /// uncharges while the usage is above the max may charge that again, up to two batches. Requests
  /// that wait for room are served promptly if the max is raised.
  ///
  /// @param value the new limits
  public void limits(Limits value) {
    long raised;
    synchronized (children) {
      raised = value.maxByteSize() - limits.maxByteSize();
      limits = value;
      ledger.setMax(value.maxByteSize());
    }
    drain();
    if (raised > 0) {
      tree.tellUncharged(this, raised);
    }
  }

  /// Thousandths of the domain's memory that are added when accounts are ranked.
  ///
  /// @return -1000 to 1000
  public int scoreAdj() {
    return scoreAdj;
  }

  /// Changes the adj of this account, not of those below.
  ///
  /// @param value -1000 (never chosen) to 1000
  /// @throws IllegalArgumentException if it is not in that range
  public void scoreAdj(int value) {
    scoreAdj = OomCandidate.checkScoreAdj(value);
  }

  /// The order in which the account gives memory.
  ///
  /// @return the preference
  public Preference preference() {
    return preference;
  }

  /// Changes the preference of this account, not of those below.
  ///
  /// @param value the new one
  public void preference(Preference value) {
    preference = value;
  }

  /// Whether it is ranked and chosen together with all below it.
  ///
  /// @return true if it is
  public boolean isGroup() {
    return isGroup;
  }

  /// Whether its memory may be taken away without its owner's help.
  ///
  /// @return true if it may
  public boolean isReapable() {
    return isReapable;
  }

  /// Whether it does without stocks.
  ///
  /// @return true if it does
  public boolean isStrict() {
    return isStrict;
  }

  /// Whether it is closed.
  ///
  /// @return true if it is
  public boolean isClosed() {
    return ledger.isClosed();
  }

  /// The owner's handler.
  ///
  /// @return empty if none was given
  public Optional<OomHandler> handler() {
    return Optional.ofNullable(handler);
  }

  // ---- ranking

  /// Whether it was chosen and could not be made to give, so that another may be chosen.
  boolean isSkipped() {
    return isSkipped;
  }

  void skip(boolean value) {
    isSkipped = value;
  }

  boolean isSpared() {
    return scoreAdj == OomCandidate.NEVER_CHOSEN || preference == Preference.NEVER;
  }

  /// What must go if this account is chosen: itself, or of a group all members that are not spared.
  ///
  /// @return the accounts, from the top down
  public List<MemoryAccount> victims() {
    if (!isGroup) {
      return List.of(this);
    }
    List<MemoryAccount> members = new ArrayList<>();
    forEachBelow(
        account -> {
          if (!account.isSpared()) {
            members.add(account);
          }
        });
    return members;
  }

  /// The accounts below this one, itself included, as plain data for an [OomPolicy]. Stocks go back
  /// first.
  ///
  /// Each account that uses memory itself is a candidate, with what it uses itself; a group is one,
  /// with what its members use. The requester is always among them. The memory of the domain is its
  /// max; of a domain without one, what `capacityByteSize` says.
  ///
  /// @param requester the account that needs memory, this one or one below
  /// @param request what it needs; its accounts are filled in
  /// @param capacityByteSize all memory there is, bytes, at least 1
  /// @param freeByteSize how much of that is free, bytes
  /// @return the snapshot
  public OomSnapshot snapshot(
      MemoryAccount requester,
      OomSnapshot.Request request,
      long capacityByteSize,
      long freeByteSize) {
    drain();
    long max = limits.maxByteSize();
    boolean isLimited = max < capacityByteSize;
    return new Ranking(this, requester, Measure.OWN_USAGE)
        .snapshot(
            request, isLimited ? max : capacityByteSize, isLimited ? max - usage() : freeByteSize);
  }

  /// Accounts below groups are left out.
  void forEachUnit(Consumer<MemoryAccount> action) {
    walk(action, account -> !account.isGroup);
  }

  private void forEachBelow(Consumer<MemoryAccount> action) {
    walk(action, account -> true);
  }

  private void forEachBook(Consumer<AccountBook> action) {
    forEachBelow(account -> account.ledger.books().forEach(action));
  }

  private void walk(Consumer<MemoryAccount> action, Predicate<MemoryAccount> isEntered) {
    Deque<MemoryAccount> open = new ArrayDeque<>();
    open.add(this);
    while (!open.isEmpty()) {
      MemoryAccount account = open.remove();
      action.accept(account);
      if (isEntered.test(account)) {
        open.addAll(account.children.values());
      }
    }
  }

  @Override
  public String toString() {
    return path;
  }
}
