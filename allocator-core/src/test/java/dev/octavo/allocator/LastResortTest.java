package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.OomAudit;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.reclaim.Shrinker;
import dev.octavo.allocator.reclaim.Watermarks;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// When the policy is asked: not before shrinkers, but when there is memory in pieces only.
@Timeout(60)
class LastResortTest {

  private static final int PAGE = 4096;
  private static final int PAGES = 512;
  private static final int PIECE = 10;

  private final MemoryAccount root = MemoryAccount.root("engine").max(400L * PAGE).open();
  private final MemoryAccount cache = root.child("cache").open();
  private final PageAllocator pages =
      PageAllocator.builder()
          .capacity((long) PAGES * PAGE)
          .watermarks(Watermarks.none())
          .waitAtMost(Duration.ofSeconds(1))
          .accounts(root)
          .oomPolicy(OomPolicy.kernel())
          .oomKiller(killer -> killer.grace(Duration.ofMillis(50)).reaper(2, Duration.ofMillis(50)))
          .build();
  private final AccountAllocator ofCache = pages.under(cache);
  private final Deque<MemorySegment> pieces = new ConcurrentLinkedDeque<>();

  private void fillCache(int count) {
    for (int i = 0; i < count; i++) {
      pieces.add(ofCache.allocate(PIECE * PAGE));
    }
  }

  private void addShrinker() {
    pages.addShrinker(
        "cache",
        new Shrinker() {
          @Override
          public long count() {
            return (long) pieces.size() * PIECE * PAGE;
          }

          @Override
          public long scan(long byteSize) {
            long freed = 0;
            for (MemorySegment piece = pieces.poll();
                piece != null && freed < byteSize;
                piece = freed < byteSize ? pieces.poll() : null) {
              ofCache.free(piece);
              freed += PIECE * PAGE;
            }
            return freed;
          }
        });
  }

  private long kills() {
    return pages.oomKiller().orElseThrow().audit().count(OomAudit.Step.KILLED);
  }

  private void close() {
    pieces.forEach(ofCache::free);
    assertThat(root.usage()).isZero();
    pages.close();
  }

  @Test
  void shrinkersMakeRoomInASharedAccountBeforeAnybodyIsChosen() {
    fillCache(35);
    addShrinker();
    MemoryAccount query = root.child("query").open();
    MemorySegment got = pages.under(query).allocate(150 * PAGE);
    assertThat(kills()).isZero();
    assertThat(cache.usage()).isBetween(1L, 250L * PAGE);
    pages.free(got);
    close();
  }

  @Test
  void nobodysCacheShrinksBecauseOfAnothersOwnLimit() {
    fillCache(20);
    addShrinker();
    MemoryAccount query = root.child("query").max(50L * PAGE).open();
    AccountAllocator ofQuery = pages.under(query);
    MemorySegment most = ofQuery.allocate(40 * PAGE);
    assertThatThrownBy(() -> ofQuery.allocate(20 * PAGE))
        .isInstanceOfSatisfying(
            OutOfPagesException.class,
            e -> assertThat(e.reason()).isEqualTo(OutOfPagesException.Reason.DEADLINE))
        .hasMessageContaining("account has reached its max");
    assertThat(kills()).isZero();
    assertThat(cache.usage()).isEqualTo(200L * PAGE);
    ofQuery.free(most);
    close();
  }

  @Test
  void memoryInPiecesIsNotEnough() {
    MemorySegment[] all = new MemorySegment[39];
    for (int i = 0; i < all.length; i++) {
      all[i] = ofCache.allocate(PIECE * PAGE);
    }
    for (int i = 0; i < all.length; i += 2) {
      ofCache.free(all[i]); // more is free than what is asked for below, but in pieces
    }
    MemoryAccount query = root.child("query").scoreAdj(-1000).open();
    assertThat(pages.freePages()).isGreaterThan(140);
    assertThat(pages.buddyInfo().largestFreeRun()).isLessThan(140);
    assertThatThrownBy(() -> pages.under(query).allocate(140 * PAGE))
        .isInstanceOf(OutOfPagesException.class);
    assertThat(kills()).isPositive();
    for (int i = 1; i < all.length; i += 2) {
      ofCache.free(all[i]);
    }
    close();
  }
}
