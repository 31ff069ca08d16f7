package dev.octavo.allocator.oom;

import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccount.OomHandler;
import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Builds a [MemoryAccount]. Not thread-safe.
///
/// What is not set: no limits; not a group, not reapable; the adj, the preference and strictness of
/// the parent, as a process inherits them.
public final class MemoryAccountBuilder {
  private static final long DEFAULT_BATCH_BYTES = 64 * 4096;
  private static final long MAX_BATCH_BYTES = 1 << 30;

  private static final String NAME_RULE = "[^\\s/,]{1,100}";

  final String name;
  final @Nullable MemoryAccount parent;
  Limits limits = Limits.NONE;
  int scoreAdj;
  Preference preference = Preference.NORMAL;
  boolean isGroup;
  boolean isReapable;
  boolean isStrict;
  @Nullable OomHandler handler;
  private long batchBytes = DEFAULT_BATCH_BYTES;
  private LongSupplier clock = System::nanoTime;

  MemoryAccountBuilder(String name, @Nullable MemoryAccount parent) {
    if (!name.matches(NAME_RULE)) {
      throw new IllegalArgumentException(
          "name is not 1 to 100 characters without space, slash and comma: name=" + name);
    }
    this.name = name;
    this.parent = parent;
    if (parent != null) {
      scoreAdj = parent.scoreAdj();
      preference = parent.preference();
      isStrict = parent.isStrict();
    }
  }

  /// Sets all four marks.
  ///
  /// @param value the limits
  /// @return this
  public MemoryAccountBuilder limits(Limits value) {
    limits = value;
    return this;
  }

  /// Sets what is never exceeded, and no other mark.
  ///
  /// @param byteSize bytes, at least 0
  /// @return this
  public MemoryAccountBuilder max(long byteSize) {
    return limits(Limits.ofMax(byteSize));
  }

  /// Sets how many thousandths of the domain's memory are added to the usage when accounts are
  /// ranked.
  ///
  /// @param value -1000 (never chosen) to 1000
  /// @return this
  public MemoryAccountBuilder scoreAdj(int value) {
    scoreAdj = OomCandidate.checkScoreAdj(value);
    return this;
  }

  /// Sets the order in which accounts give memory, whatever the score.
  ///
  /// @param value the preference
  /// @return this
  public MemoryAccountBuilder preference(Preference value) {
    preference = value;
    return this;
  }

  /// Ranks the account and all below it as one, and chooses them together. Members with a
  /// `scoreAdj` of -1000 or [MemoryAccount.Preference#NEVER] are neither counted nor chosen.
  ///
  /// @return this
  public MemoryAccountBuilder group() {
    isGroup = true;
    return this;
  }

  /// Says that the account's memory may be taken away without its owner's help.
  ///
  /// @return this
  public MemoryAccountBuilder reapable() {
    isReapable = true;
    return this;
  }

  /// Does without stocks, in this account and all below it: usage is exact at every moment.
  ///
  /// @return this
  public MemoryAccountBuilder strict() {
    isStrict = true;
    return this;
  }

  /// Sets the handler that is told when the account was chosen.
  ///
  /// @param value the owner's handler
  /// @return this
  public MemoryAccountBuilder handler(OomHandler value) {
    handler = value;
    return this;
  }

  /// Sets how much a thread charges in advance, for the whole tree; only of a root.
  ///
  /// @param byteSize bytes, 0 (never) to 1 GiB; 256 KiB unless set
  /// @return this
  public MemoryAccountBuilder batch(long byteSize) {
    if (byteSize < 0 || byteSize > MAX_BATCH_BYTES || parent != null) {
      throw new IllegalArgumentException(
          "batch is of a root, 0 to 1 GiB: byteSize=%d, isRoot=%b"
              .formatted(byteSize, parent == null));
    }
    batchBytes = byteSize;
    return this;
  }

  /// Sets the clock of the whole tree; only of a root.
  ///
  /// @param nanos nanoseconds from any origin, as `System::nanoTime`
  /// @return this
  public MemoryAccountBuilder clock(LongSupplier nanos) {
    if (parent != null) {
      throw new IllegalArgumentException("clock is of a root: name=" + name);
    }
    clock = nanos;
    return this;
  }

  /// Opens the account.
  ///
  /// @return a new account that uses nothing
  /// @throws MemoryAccountException if the parent is closed, or has an open child of that name
  public MemoryAccount open() {
    if (parent == null) {
      return new MemoryAccount(this, new AccountTree(clock, batchBytes));
    }
    return parent.adopt(new MemoryAccount(this, parent.tree()));
  }

  /// For tests.
  MemoryAccount open(AccountTree tree) {
    return new MemoryAccount(this, tree);
  }
}
