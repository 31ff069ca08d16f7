package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/// Charges that fit below every max, made while other threads move bytes and stocks: none is
/// refused.
@Timeout(60)
class AccountChargeTest {

  private static final long PAGE = 4096;
  private static final int ROUNDS = 3_000;
  private static final long STRESS_NANOS = 200_000_000;

  private final Requests requests = new Requests();

  @org.junit.jupiter.api.AfterEach
  void end() {
    requests.close();
  }

  /// How two threads move one page in turn; at no moment is more than that page charged for both.
  enum Way {
    /// Each charges and uncharges it.
    OWN,
    /// Each charges what the other uncharges.
    PASS,
    /// One charges it, the other uncharges it.
    ONE_WAY,
    /// Each charges it, transfers it to the other's account and uncharges it there.
    TRANSFER;

    /// Number of the thread whose turn it is.
    long actor(long round) {
      return this == PASS ? (round + 1) / 2 % 2 : round % 2;
    }

    void step(long round, MemoryAccount me, MemoryAccount other) {
      switch (this) {
        case OWN -> {
          me.charge(PAGE);
          me.uncharge(PAGE);
        }
        case TRANSFER -> {
          me.charge(PAGE);
          me.transferTo(other, PAGE);
          other.uncharge(PAGE);
        }
        case PASS, ONE_WAY -> {
          if (round % 2 == 0) {
            me.charge(PAGE);
          } else {
            me.uncharge(PAGE);
          }
        }
      }
    }
  }

  private List<Request<Boolean>> move(On on, Way way, MemoryAccount[] payers, AtomicBoolean stop) {
    AtomicLong round = new AtomicLong();
    List<Request<Boolean>> both = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      int me = i;
      both.add(
          requests.start(
              on,
              () -> {
                while (!stop.get()) {
                  long now = round.get();
                  if (way.actor(now) == me) {
                    way.step(now, payers[me], payers[1 - me]);
                    round.set(now + 1);
                  } else {
                    Thread.onSpinWait();
                  }
                }
                return true;
              }));
    }
    return both;
  }

  /// Charges a page many times.
  private static int refusals(MemoryAccount payer) {
    int refused = 0;
    long start = System.nanoTime();
    while (System.nanoTime() - start < STRESS_NANOS) {
      if (payer.tryCharge(PAGE).isPresent()) {
        refused++;
      } else {
        payer.uncharge(PAGE);
      }
    }
    return refused;
  }

  private void assertNoRefusal(On on, Way way, MemoryAccount[] payers) throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Request<Boolean>> both = move(on, way, payers, stop);
    try {
      int refused = requests.start(On.PLATFORM, () -> refusals(payers[2])).served(Requests.LONG);
      assertThat(refused).as("refused").isZero();
    } finally {
      stop.set(true);
    }
    for (Request<Boolean> one : both) {
      assertThat(one.served()).isTrue();
    }
  }

  // ---- by hand

  @ParameterizedTest
  @CsvSource({
    "PLATFORM, OWN, 2, 4096",
    "PLATFORM, OWN, 2, 262144",
    "PLATFORM, OWN, 2000, 262144",
    "VIRTUAL, OWN, 2000, 262144",
    "PLATFORM, PASS, 2, 262144",
    "PLATFORM, PASS, 20, 4096",
    "PLATFORM, ONE_WAY, 2, 262144",
    "PLATFORM, ONE_WAY, 1100, 262144",
    "PLATFORM, TRANSFER, 2, 262144",
    "VIRTUAL, TRANSFER, 20, 4096"
  })
  void aChargeThatFitsIsNotRefusedWhileTwoMoveBytes(On on, Way way, int maxPages, long batch)
      throws Exception {
    MemoryAccount root = MemoryAccount.root("r").batch(batch).max(maxPages * PAGE).open();
    root.charge((maxPages - 2) * PAGE); // one is moved, one is charged
    assertNoRefusal(on, way, new MemoryAccount[] {root, root, root});
  }

  @Test
  void aStrictAccountRefusesNoneEither() throws Exception {
    MemoryAccount root = MemoryAccount.root("r").strict().max(2 * PAGE).open();
    assertNoRefusal(On.PLATFORM, Way.OWN, new MemoryAccount[] {root, root, root});
  }

  @ParameterizedTest
  @CsvSource({"OWN, 1, 20", "OWN, 3, 600", "TRANSFER, 1, 20", "TRANSFER, 2, 1100"})
  void theSameBelowTheMaxOfAnAncestor(Way way, int levels, int maxPages) throws Exception {
    MemoryAccount root = MemoryAccount.root("r").open();
    MemoryAccount limited = root.child("limited").max(maxPages * PAGE).open();
    limited.charge((maxPages - 2) * PAGE);
    MemoryAccount[] payers = new MemoryAccount[3];
    for (int i = 0; i < payers.length; i++) {
      MemoryAccount at = limited;
      for (int level = 0; level < levels; level++) {
        at = at.child("c" + i + "-" + level).open();
      }
      payers[i] = at;
    }
    assertNoRefusal(On.PLATFORM, way, payers);
  }

  // ---- pages

  @ParameterizedTest
  @EnumSource(On.class)
  void noPageThatFitsIsRefused(On on) throws Exception {
    MemoryAccount root = MemoryAccount.root("r").open();
    try (PageAllocator pages = Bare.builder().capacity(2048 * PAGE).accounts(root).build();
        AccountAllocator q = pages.under(root.child("q").max(3 * PAGE).open())) {
      AtomicBoolean stop = new AtomicBoolean();
      List<Request<Boolean>> loops = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        loops.add(requests.start(on, () -> allocateAndFree(q, stop)));
      }
      try {
        for (Request<Boolean> loop : loops) {
          assertThat(loop.served(Requests.LONG)).isTrue();
        }
      } finally {
        stop.set(true);
      }
    }
  }

  private static boolean allocateAndFree(AccountAllocator owner, AtomicBoolean stop) {
    for (int i = 0; i < ROUNDS && !stop.get(); i++) {
      MemorySegment page = owner.allocate(PAGE, AllocationMode.NOWAIT);
      owner.free(page);
    }
    return true;
  }
}
