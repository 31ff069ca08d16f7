package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Ends of accounts: what they leave behind, in threads, and what they cost beside what is live.
@Timeout(60)
class AccountEndTest {

  private static final long PAGE = 4096;
  private static final String NAME = "ends-of-accounts";
  private static final int ROUNDS = 4_000;
  private static final int MOST_SPINS = 200;
  private static final Duration SOON = Duration.ofSeconds(1);

  private final Requests requests = new Requests();
  private final MemoryAccount root = MemoryAccount.root("e").open();

  @AfterEach
  void end() {
    requests.close();
  }

  private PageAllocator build(MemoryRegion region) {
    return PageAllocator.builder()
        .region(region)
        .watermarks(Watermarks.none())
        .purgeDelay(java.time.temporal.ChronoUnit.FOREVER.getDuration())
        .accounts(root)
        .name(NAME)
        .build();
  }

  private static List<Thread> reclaimThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("octavo-reclaim-" + NAME))
        .toList();
  }

  // ---- threads

  @ParameterizedTest
  @CsvSource({"500, true", "500, false", "50, true"})
  void accountsLeaveOneThread(int count, boolean closesRegistrations) {
    try (PageAllocator pages = build(MemoryRegion.ofArena(1024 * PAGE))) {
      for (int i = 0; i < count; i++) {
        try (MemoryAccount account = root.child("c" + i).open();
            AccountAllocator owner = pages.under(account)) {
          Shrinker.Registration registration =
              pages.addShrinker("cache", new ShrinkingCache(pages), owner.account());
          if (closesRegistrations) {
            registration.close();
          }
        }
      }
      assertThat(reclaimThreads()).hasSizeLessThanOrEqualTo(1).allMatch(Thread::isDaemon);
    }
  }

  @Test
  void openAccountsShareOneThread() {
    List<MemoryAccount> accounts = new ArrayList<>();
    try (PageAllocator pages = build(MemoryRegion.ofArena(1024 * PAGE))) {
      for (int i = 0; i < 100; i++) {
        MemoryAccount account = (i % 2 == 0 ? root : accounts.get(i / 2)).child("c" + i).open();
        accounts.add(account);
        pages.addShrinker("cache" + i, new ShrinkingCache(pages), account);
      }
      pages.addShrinker("anonymous", new ShrinkingCache(pages));
      assertThat(reclaimThreads()).hasSizeLessThanOrEqualTo(1);
    }
    Requests.await("the end of the thread", () -> reclaimThreads().isEmpty());
  }

  @Test
  void aClosedRegistrationIsNotAsked() throws Exception {
    try (PageAllocator pages = build(MemoryRegion.ofArena(100 * PAGE))) {
      ShrinkingCache closed = new ShrinkingCache(pages);
      ShrinkingCache open = new ShrinkingCache(pages);
      try (MemoryAccount account = root.child("gone").open();
          AccountAllocator owner = pages.under(account)) {
        pages.addShrinker("gone", closed, owner.account()).close();
      }
      open.fill(100);
      pages.addShrinker("open", open, root);
      pages.freePageRun(requests.start(On.PLATFORM, () -> pages.allocatePageRun(1)).served(), 1);
      assertThat(closed.calls()).isZero();
      open.clear();
    }
  }

  // ---- cost

  /// 200 ends cost 200 passes over the metadata of 64 GiB if the cost grows with the capacity: 10 s
  /// and more. Without, they cost some handshakes.
  @ParameterizedTest
  @ValueSource(ints = {0, 100})
  void anEndCostsNoPassOverTheRegion(int otherLive) throws Exception {
    try (PageAllocator pages = build(MemoryRegion.mapped(1L << 36))) {
      long[] taken = new long[otherLive];
      pages.allocatePageRuns(1, taken);
      assertThat(requests.start(On.PLATFORM, () -> endMany(pages, 200)).served()).isEqualTo(200);
      for (long page : taken) {
        pages.freePageRun(page, 1);
      }
    }
  }

  private int endMany(PageAllocator pages, int count) {
    for (int i = 0; i < count; i++) {
      try (MemoryAccount account = root.child("c" + i).open()) {
        pages.under(account).close();
      }
    }
    return count;
  }

  @Test
  void anEndIsRefusedWhileItsAccountHasSomethingLive() {
    try (PageAllocator pages = build(MemoryRegion.ofArena(1024 * PAGE))) {
      MemoryAccount account = root.child("live").open();
      AccountAllocator owner = pages.under(account);
      var segment = owner.allocate(PAGE);
      org.assertj.core.api.Assertions.assertThatThrownBy(owner::close)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("account=e/live");
      owner.free(segment);
      owner.close();
      account.close();
    }
  }

  // ---- an end beside a request

  /// Of an allocation and an end at the same time exactly one wins, so that no charge is lost.
  @ParameterizedTest
  @CsvSource({"PLATFORM, 1, 4096", "VIRTUAL, 1, 262144", "PLATFORM, 40, 0"})
  void ofAnAllocationAndAnEndOneWins(On on, int count, long batch) throws Exception {
    MemoryAccount top = MemoryAccount.root("top").batch(batch).open();
    try (PageAllocator pages = Bare.builder().capacity(1024 * PAGE).accounts(top).build()) {
      int ends = requests.start(on, () -> race(pages, top, count, on)).served(Requests.LONG);
      assertThat(ends).isBetween(1, ROUNDS);
      assertThat(top.usage()).isZero();
      assertThat(pages.freePages()).isEqualTo(1024);
      assertThat(pages.audit()).isEmpty();
      top.drain();
      assertThat(top.reserved()).isZero();
    }
  }

  /// @return how often the end was first
  private int race(PageAllocator pages, MemoryAccount top, int count, On on) throws Exception {
    int ends = 0;
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Turns turns = new Turns();
    Request<Boolean> closer = requests.start(on, () -> closeEach(turns));
    try {
      for (int i = 0; i < ROUNDS; i++) {
        MemoryAccount account = top.child("c").open();
        AccountAllocator owner = pages.under(account);
        turns.start(owner);
        MemorySegment segment = allocateOrNull(owner, count, random.nextInt(MOST_SPINS));
        boolean isEnded = turns.awaitEnd();
        assertThat(segment == null).as("refused, seed=" + seed).isEqualTo(isEnded);
        if (segment == null) {
          ends++;
        } else {
          owner.free(segment);
        }
        owner.close();
        account.close(); // fails if a charge was lost
      }
    } finally {
      turns.stop();
    }
    assertThat(closer.served()).isTrue();
    return ends;
  }

  /// Two threads that start each round together, as closely as they can.
  @SuppressWarnings("ThreadPriorityCheck") // so that they meet on few processors, too
  private static final class Turns {

    private volatile @Nullable AccountAllocator next;
    private volatile boolean isDone;
    private volatile boolean isStopped;
    private boolean isEnded;

    void start(AccountAllocator owner) {
      isDone = false;
      next = owner;
    }

    boolean awaitEnd() {
      while (!isDone) {
        Thread.yield();
      }
      return isEnded;
    }

    @Nullable AccountAllocator await() {
      AccountAllocator owner = next;
      while (owner == null && !isStopped) {
        Thread.yield();
        owner = next;
      }
      next = null;
      return owner;
    }

    void end(boolean ended) {
      isEnded = ended;
      isDone = true;
    }

    void stop() {
      isStopped = true;
    }
  }

  private static boolean closeEach(Turns turns) {
    for (AccountAllocator owner = turns.await(); owner != null; owner = turns.await()) {
      turns.end(endsNow(owner));
    }
    return true;
  }

  private static boolean endsNow(AccountAllocator owner) {
    try {
      owner.close();
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static @Nullable MemorySegment allocateOrNull(
      AccountAllocator owner, int count, int spins) {
    for (int i = 0; i < spins; i++) {
      Thread.onSpinWait();
    }
    try {
      return owner.allocate(count * PAGE, AllocationMode.NOWAIT);
    } catch (RuntimeException e) {
      return null; // its allocator is closed
    }
  }

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, 1, true",
    "VIRTUAL, 1, true",
    "PLATFORM, 3, true",
    "PLATFORM, 1, false",
    "VIRTUAL, 2, false"
  })
  void anAccountThatEndsWhileItWaitsLosesNoPage(On on, int count, boolean endsAccount)
      throws Exception {
    try (PageAllocator pages =
        Bare.builder()
            .capacity(256 * PAGE)
            .accounts(root)
            .waitAtMost(SOON)
            .oomPolicy(OomPolicy.none())
            .build()) {
      MemoryAccount account = root.child("ends").open();
      AccountAllocator owner = pages.under(account);
      long[] all = new long[256];
      assertThat(pages.tryAllocatePageRuns(1, all)).isEqualTo(256);
      Request<MemorySegment> waiting =
          requests.startInLine(on, pages, () -> owner.allocate(count * PAGE));
      end(account, owner, endsAccount);
      for (long page : all) {
        pages.freePageRun(page, 1);
      }
      assertThatThrownBy(waiting::served).isInstanceOf(RuntimeException.class);
      assertThat(pages.waiters()).isZero();
      assertThat(pages.freePages()).isEqualTo(256);
      assertThat(pages.audit()).isEmpty();
      assertThat(root.usage()).isZero();
      owner.close();
    }
  }

  private static void end(MemoryAccount account, AccountAllocator owner, boolean endsAccount) {
    if (endsAccount) {
      account.close();
    } else {
      owner.close();
    }
  }
}
