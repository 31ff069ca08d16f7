package dev.octavo.allocator.internal.request;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccount.Limits;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/// How much of an account may be asked for, stage by stage.
class SpareTest {

  private final MemoryAccount root = MemoryAccount.root("r").open();
  private final MemoryAccount cache =
      root.child("cache").limits(new Limits(4, 20, 100, 1000)).open();
  private final MemoryAccount part = cache.child("part").open();
  private final MemoryAccount query = root.child("query").open();

  private static LongStream stages(MemoryAccount account, @Nullable MemoryAccount requester) {
    return IntStream.range(0, Spare.STAGES)
        .mapToLong(stage -> Spare.inStage(account, requester, stage));
  }

  @Test
  void othersGiveFirstDownToLowThenDownToMin() {
    cache.charge(30);
    assertThat(stages(cache, query)).containsExactly(10L, 0L, 26L, 0L);
    assertThat(stages(cache, null)).containsExactly(10L, 0L, 26L, 0L);
    cache.uncharge(12);
    assertThat(stages(cache, query)).containsExactly(0L, 0L, 14L, 0L);
    cache.uncharge(15);
    assertThat(stages(cache, query)).containsExactly(0L, 0L, 0L, 0L);
  }

  @Test
  void theRequesterAndAllBelowItGiveLast() {
    cache.charge(30);
    part.charge(7);
    assertThat(stages(cache, cache)).containsExactly(0L, 17L, 0L, 33L);
    assertThat(stages(part, cache)).containsExactly(0L, 7L, 0L, 7L);
    assertThat(stages(cache, part)).containsExactly(17L, 0L, 33L, 0L);
    assertThat(stages(part, root)).containsExactly(7L, 0L, 7L, 0L);
    assertThat(stages(root, root)).containsExactly(0L, 37L, 0L, 37L);
  }

  @Test
  void anAccountIsBelowItselfAndAllAboveIt() {
    assertThat(Spare.isAtOrBelow(part, part)).isTrue();
    assertThat(Spare.isAtOrBelow(part, root)).isTrue();
    assertThat(Spare.isAtOrBelow(cache, part)).isFalse();
    assertThat(Spare.isAtOrBelow(query, cache)).isFalse();
  }
}
