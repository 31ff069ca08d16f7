package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomPolicy;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Requests in line for room under the max of one account: the rules of the line for pages hold,
/// with bytes of room as the window.
@Timeout(60)
class LimitLineTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 4000;
  private static final int MAX = 100;
  private static final long LIFE_NANOS = 3_000_000;
  private static final Duration SHORT = Duration.ofMillis(300);

  private final Requests requests = new Requests();
  private final MemoryAccount root = MemoryAccount.root("engine").open();
  private final List<AccountAllocator> opened = new ArrayList<>();
  private PageAllocator pages = build(OomPolicy.none(), Requests.LONG);

  private PageAllocator build(OomPolicy policy, Duration atMost) {
    return Bare.builder()
        .capacity((long) PAGES * PAGE)
        .waitAtMost(atMost)
        .accounts(root)
        .oomPolicy(policy)
        .build();
  }

  private void with(OomPolicy policy, Duration atMost) {
    pages.close();
    pages = build(policy, atMost);
  }

  private AccountAllocator under(MemoryAccount account) {
    AccountAllocator allocator = pages.under(account);
    opened.add(allocator);
    return allocator;
  }

  @AfterEach
  void nothingIsLost() {
    requests.close();
    assertThat(pages.waiters()).isZero();
    assertThat(root.usage()).isZero();
    assertThat(pages.audit()).isEmpty();
    opened.forEach(AccountAllocator::close);
    pages.close();
  }

  private MemoryAccount limited() {
    return root.child("q").max(MAX * PAGE).open();
  }

  private void assertServedThroughLoops(
      On on, List<AccountAllocator> small, int each, AccountAllocator large) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Request<Boolean>> loops = new ArrayList<>();
    for (AccountAllocator allocator : small) {
      loops.add(requests.start(on, () -> loop(allocator, each, stop)));
    }
    try {
      Requests.await("loops", () -> root.usage() >= (long) MAX * PAGE / 2);
      MemorySegment got =
          requests.start(on, () -> large.allocate(80 * PAGE)).served(Requests.LONG.dividedBy(2));
      large.free(got);
    } finally {
      stop.set(true);
    }
    for (Request<Boolean> loop : loops) {
      assertThat(loop.served()).isTrue();
    }
  }

  private static boolean loop(AccountAllocator allocator, int count, AtomicBoolean stop) {
    while (!stop.get()) {
      MemorySegment segment = allocator.allocate((long) count * PAGE);
      LockSupport.parkNanos(LIFE_NANOS);
      allocator.free(segment);
    }
    return true;
  }

  // ---- large among small

  @ParameterizedTest
  @CsvSource({"PLATFORM, 6, 20", "VIRTUAL, 6, 20", "PLATFORM, 12, 10", "VIRTUAL, 30, 4"})
  void aLargeRequestGetsThroughLoopsOfItsOwnAccount(On on, int loops, int each) throws Exception {
    AccountAllocator q = under(limited());
    List<AccountAllocator> small = new ArrayList<>();
    for (int i = 0; i < loops; i++) {
      small.add(q);
    }
    assertServedThroughLoops(on, small, each, q);
  }

  @ParameterizedTest
  @EnumSource(On.class)
  void aLargeRequestGetsThroughLoopsOfSiblingsAndNephews(On on) throws Exception {
    MemoryAccount q = limited();
    MemoryAccount at = q;
    List<AccountAllocator> small = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      at = i % 2 == 0 ? q.child("c" + i).open() : at.child("d" + i).max(MAX * PAGE).open();
      small.add(under(at));
    }
    assertServedThroughLoops(on, small, 20, under(q.child("large").open()));
  }

  @Test
  void theRootsMaxHasALineToo() throws Exception {
    root.limits(MemoryAccount.Limits.ofMax(MAX * PAGE));
    List<AccountAllocator> small = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      small.add(under(root.child("c" + i).open()));
    }
    assertServedThroughLoops(On.PLATFORM, small, 20, under(root.child("large").open()));
  }

  @Test
  void withTheDefaultPolicyTheAccountIsNotReapedForIt() throws Exception {
    with(OomPolicy.kernel(), Requests.LONG);
    AccountAllocator q = under(root.child("q").max(MAX * PAGE).reapable().open());
    assertServedThroughLoops(On.PLATFORM, List.of(q, q, q, q, q, q), 20, q);
    assertThat(q.isReaped()).isFalse();
    assertThat(pages.oomKiller().orElseThrow().audit().episodes()).isZero();
  }

  // ---- small behind large

  @ParameterizedTest
  @CsvSource({"PLATFORM, 1", "VIRTUAL, 1", "PLATFORM, 30", "VIRTUAL, 50"})
  void aSmallRequestIsServedBehindALargeOneThatGetsNoRoom(On on, int count) throws Exception {
    MemoryAccount q = limited();
    AccountAllocator holder = under(q.child("holder").open());
    AccountAllocator large = under(q.child("large").open());
    AccountAllocator small = under(q.child("small").open());
    MemorySegment held = holder.allocate(50 * PAGE);
    Request<MemorySegment> first = requests.startInLine(on, pages, () -> large.allocate(80 * PAGE));
    MemorySegment got = requests.start(on, () -> small.allocate((long) count * PAGE)).served();
    small.free(got);
    holder.free(held);
    large.free(first.served());
  }

  @ParameterizedTest
  @EnumSource(RequestForm.class)
  void atItsDeadlineEachFormTakesTheRoomThatIsThere(RequestForm form) throws Exception {
    with(OomPolicy.none(), SHORT);
    root.limits(MemoryAccount.Limits.ofMax(MAX * PAGE));
    AccountAllocator holder = under(root.child("holder").open());
    MemorySegment held = holder.allocate(50 * PAGE);
    RequestForm.Asker asker = form.prepare(pages);
    Request<MemorySegment> large =
        requests.startInLine(
            On.PLATFORM,
            pages,
            () -> pages.allocate(80 * PAGE, 1, AllocationMode.BLOCKING, Requests.LONG));
    requests.start(On.PLATFORM, () -> asker.ask(32)).served().run();
    large.thread().interrupt();
    assertThat(large.refused().reason()).isEqualTo(OutOfPagesException.Reason.INTERRUPTED);
    holder.free(held);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"NOWAIT", "ATOMIC"},
      value = AllocationMode.class)
  void whatDoesNotWaitTakesTheRoomThatIsThere(AllocationMode mode) throws Exception {
    MemoryAccount q = limited();
    AccountAllocator holder = under(q.child("holder").open());
    AccountAllocator other = under(q.child("other").open());
    MemorySegment held = holder.allocate(50 * PAGE);
    Request<MemorySegment> large =
        requests.startInLine(On.VIRTUAL, pages, () -> holder.allocate(80 * PAGE));
    other.free(other.allocate(50 * PAGE, mode));
    holder.free(held);
    holder.free(large.served());
  }

  @Test
  void aLimitsWaiterDelaysNoOtherAccount() throws Exception {
    MemoryAccount q = limited();
    AccountAllocator holder = under(q);
    AccountAllocator other = under(root.child("other").open());
    MemorySegment held = holder.allocate(MAX * PAGE);
    Request<MemorySegment> waiting =
        requests.startInLine(On.PLATFORM, pages, () -> holder.allocate(PAGE));
    other.free(requests.start(On.PLATFORM, () -> other.allocate(900 * PAGE)).served());
    holder.free(held);
    holder.free(waiting.served());
  }

  @Test
  void roomOfChargesByHandIsSeen() throws Exception {
    MemoryAccount q = limited();
    AccountAllocator ofQ = under(q);
    q.charge(90L * PAGE);
    Request<MemorySegment> waiting =
        requests.startInLine(On.PLATFORM, pages, () -> ofQ.allocate(20 * PAGE));
    q.uncharge(90L * PAGE);
    ofQ.free(waiting.served());
  }
}
