package dev.octavo.examples;

import dev.octavo.allocator.AccountAllocator;
import dev.octavo.allocator.AllocationMode;
import dev.octavo.allocator.OutOfPagesException;
import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccount.Preference;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One of the tenants of [EightTenants]: a thread that allocates blocks up to its goal, and frees
/// some now and then. Each block is stamped over its whole length, and looked at before it is
/// freed.
///
/// A reaped tenant begins another life, with a new account: the old one may still be counted as the
/// victim in flight. A tenant whose request fails frees half of what it has.
final class Tenant implements Runnable {

  /// What happens to a tenant that is chosen.
  enum Kind {
    /// Nothing; it is left alone, or skipped.
    PLAIN,
    /// Its memory is taken away.
    REAPABLE,
    /// Its handler frees what it has.
    HANDLER
  }

  /// How a tenant shall be.
  ///
  /// @param goalByteSize what it would like to have
  /// @param maxByteSize what it may have; a tenant with a max has a strict account
  record Plan(
      String name,
      int scoreAdj,
      Preference preference,
      Kind kind,
      long goalByteSize,
      long maxByteSize) {}

  private static final int FREE_ONE_IN = 4;

  /// Blocks of up to 2^9 pages.
  private static final int SIZE_CLASSES = 10;

  private record Block(MemorySegment memory, int stamp) {}

  private final Plan plan;
  private final PageAllocator allocator;
  private final MemoryAccount own;
  private final SplittableRandom random;
  private final BooleanSupplier isOver;

  /// Whoever takes a block out of it, this thread or the handler's, has it alone.
  private final Deque<Block> blocks = new ConcurrentLinkedDeque<>();

  private final AtomicLong notices = new AtomicLong();
  private final AtomicLong checked = new AtomicLong();
  private final AtomicLong broken = new AtomicLong();

  // Written by the tenant's thread, read when it has ended.
  private final List<AccountAllocator> lives = new ArrayList<>();
  private volatile AccountAllocator pages;
  private long served;
  private long servedBytes;
  private long failed;
  private long longestNanos;
  private @Nullable RuntimeException failure;

  Tenant(
      Plan plan,
      PageAllocator allocator,
      MemoryAccount root,
      SplittableRandom random,
      BooleanSupplier isOver) {
    this.plan = plan;
    this.allocator = allocator;
    this.random = random;
    this.isOver = isOver;
    var account =
        root.child(plan.name())
            .scoreAdj(plan.scoreAdj())
            .preference(plan.preference())
            .max(plan.maxByteSize());
    if (plan.maxByteSize() < Long.MAX_VALUE) {
      account.strict();
    }
    if (plan.kind() == Kind.HANDLER) {
      account.handler(this::onOutOfMemory);
    }
    own = account.open();
    pages = begunLife();
  }

  private AccountAllocator begunLife() {
    MemoryAccount account = own;
    if (plan.kind() == Kind.REAPABLE) {
      account = own.child("life-" + (lives.size() + 1)).reapable().open();
    }
    AccountAllocator life = allocator.under(account);
    lives.add(life);
    return life;
  }

  @Override
  public void run() {
    try {
      while (!isOver.getAsBoolean()) {
        survive(this::step);
      }
      survive(() -> release(blocks.size()));
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private void survive(Runnable action) {
    try {
      action.run();
    } catch (IllegalStateException | IllegalArgumentException e) {
      if (!pages.isReaped()) {
        throw e;
      }
      blocks.clear();
      pages = begunLife();
    }
  }

  private void step() {
    if (pages.account().ownUsage() >= plan.goalByteSize() || random.nextInt(FREE_ONE_IN) == 0) {
      release(1);
    } else {
      allocate();
    }
  }

  private void allocate() {
    long byteSize = (1L + random.nextInt(1 << random.nextInt(SIZE_CLASSES))) * allocator.pageSize();
    MemorySegment memory;
    try {
      memory = requested(byteSize);
    } catch (OutOfPagesException e) {
      failed++;
      release(blocks.size() / 2);
      return;
    }
    served++;
    servedBytes += byteSize;
    Block block = new Block(memory, random.nextInt());
    Stamps.stamp(memory, block.stamp());
    blocks.add(block);
  }

  private MemorySegment requested(long byteSize) {
    long start = System.nanoTime();
    try {
      return pages.allocate(byteSize, AllocationMode.BLOCKING);
    } finally {
      longestNanos = Math.max(longestNanos, System.nanoTime() - start);
    }
  }

  /// Looks at blocks and frees them, the oldest first.
  private void release(int count) {
    for (int i = 0; i < count; i++) {
      Block block = blocks.poll();
      if (block == null) {
        return;
      }
      boolean isIntact = Stamps.isIntact(block.memory(), block.stamp());
      pages.free(block.memory());
      checked.incrementAndGet();
      if (!isIntact) {
        broken.incrementAndGet();
      }
    }
  }

  private void onOutOfMemory(MemoryAccount.Notice notice) {
    notices.incrementAndGet();
    release(blocks.size());
  }

  /// Closes what the tenant had, after its thread has ended.
  void close() {
    for (AccountAllocator life : lives) {
      life.close();
      life.account().close();
    }
    own.close();
  }

  // ---- figures

  Plan plan() {
    return plan;
  }

  /// What it and its lives still use, bytes.
  long held() {
    return own.usage();
  }

  boolean isAccount(String path) {
    return path.equals(own.path()) || path.startsWith(own.path() + "/");
  }

  long served() {
    return served;
  }

  long servedBytes() {
    return servedBytes;
  }

  long failed() {
    return failed;
  }

  long longestNanos() {
    return longestNanos;
  }

  /// How often its memory was taken away.
  long reaped() {
    return lives.stream().filter(AccountAllocator::isReaped).count();
  }

  /// How often its handler was told.
  long notices() {
    return notices.get();
  }

  /// Blocks that were looked at before they were freed.
  long checked() {
    return checked.get();
  }

  /// Those of them that did not hold what had been written.
  long broken() {
    return broken.get();
  }

  /// What should not have happened.
  @Nullable RuntimeException failure() {
    return failure;
  }
}
