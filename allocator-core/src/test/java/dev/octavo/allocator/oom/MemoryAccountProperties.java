package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.MemoryAccount.Limits;
import dev.octavo.allocator.oom.MemoryAccountException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.statistics.Statistics;
import org.jspecify.annotations.Nullable;

/// Random programs on a tree of accounts, by one thread, beside a naive model: each result and each
/// sum the same after every call, with stocks and without.
class MemoryAccountProperties {

  private static final int STEPS = 120;

  /// An account of the model.
  private static final class Node {
    final MemoryAccount account;
    final @Nullable Node parent;
    long max;
    long own;
    long peak;
    boolean isClosed;

    Node(MemoryAccount account, @Nullable Node parent, long max) {
      this.account = account;
      this.parent = parent;
      this.max = max;
    }
  }

  private final List<Node> nodes = new ArrayList<>();

  private long usage(Node node) {
    return nodes.stream().filter(other -> isAbove(node, other)).mapToLong(other -> other.own).sum();
  }

  private static boolean isAbove(Node above, Node below) {
    for (Node node = below; node != null; node = node.parent) {
      if (node == above) {
        return true;
      }
    }
    return false;
  }

  /// The lowest that has no room, among those not above `except`.
  private @Nullable Node refuses(Node node, long byteSize, @Nullable Node except) {
    for (Node level = node; level != null; level = level.parent) {
      boolean isTouched = except == null || !isAbove(level, except);
      if (isTouched && usage(level) + byteSize > level.max) {
        return level;
      }
    }
    return null;
  }

  @Property(tries = 1500, shrinking = ShrinkingMode.OFF)
  void programsDoWhatTheModelDoes(@ForAll long seed) {
    Random random = new Random(seed);
    long batch = new long[] {0, 1, 8, 64}[random.nextInt(4)];
    nodes.clear();
    long max = 50L + random.nextInt(1000);
    MemoryAccount root = MemoryAccount.root("r").batch(batch).max(max).open();
    nodes.add(new Node(root, null, max));
    for (int step = 0; step < STEPS; step++) {
      Node node = nodes.get(random.nextInt(nodes.size()));
      switch (random.nextInt(12)) {
        case 0 -> open(node, random, "n" + step);
        case 1 -> close(node);
        case 2 -> limit(node, random, batch);
        case 3, 4 -> transfer(node, nodes.get(random.nextInt(nodes.size())), random);
        case 5, 6, 7 -> uncharge(node, random);
        default -> charge(node, random.nextInt(random.nextBoolean() ? 20 : 300));
      }
      compare(batch);
    }
    Statistics.label("batch").collect(batch);
  }

  private void open(Node node, Random random, String name) {
    long max = random.nextBoolean() ? Long.MAX_VALUE : random.nextInt(500);
    MemoryAccountBuilder builder = node.account.child(name).max(max);
    if (random.nextInt(4) == 0) {
      builder.strict();
    }
    if (node.isClosed) {
      assertThat(reason(builder::open)).isEqualTo(Reason.CLOSED);
    } else {
      nodes.add(new Node(builder.open(), node, max));
    }
  }

  private void close(Node node) {
    boolean hasChildren = nodes.stream().anyMatch(other -> other.parent == node && !other.isClosed);
    Reason expected = null;
    if (hasChildren) {
      expected = Reason.HAS_CHILDREN;
    } else if (node.own > 0) {
      expected = Reason.IN_USE;
    }
    if (node.parent != null) {
      assertThat(reason(node.account::close)).isEqualTo(expected);
      node.isClosed |= expected == null;
      count("close", expected);
    }
  }

  private void limit(Node node, Random random, long batch) {
    // What is uncharged above a max goes into a stock, and may be charged from there again.
    long least = batch == 0 || node.account.isStrict() ? 0 : usage(node);
    node.max = least + random.nextInt(700);
    node.account.limits(Limits.ofMax(node.max));
  }

  private void charge(Node node, long byteSize) {
    if (node.isClosed) {
      assertThat(reason(() -> node.account.charge(byteSize + 1))).isEqualTo(Reason.CLOSED);
      return;
    }
    Node domain = byteSize == 0 ? null : refuses(node, byteSize, null);
    MemoryAccount refused = byteSize == 0 ? null : node.account.tryCharge(byteSize).orElse(null);
    assertThat(refused).isSameAs(domain == null ? null : domain.account);
    count("charge", domain == null ? null : domain == node ? "itself" : "above");
    if (domain == null) {
      node.own += byteSize;
      rise(node);
    }
  }

  private void rise(Node node) {
    for (Node level = node; level != null; level = level.parent) {
      level.peak = Math.max(level.peak, usage(level));
    }
  }

  private void uncharge(Node node, Random random) {
    long byteSize = random.nextInt(10) == 0 ? node.own + 1 : random.nextLong(node.own + 1);
    Reason expected = byteSize > node.own ? Reason.UNDERFLOW : null;
    if (node.isClosed && byteSize == 0) {
      return;
    }
    assertThat(reason(() -> node.account.uncharge(byteSize))).isEqualTo(expected);
    count("uncharge", expected);
    node.own -= expected == null ? byteSize : 0;
  }

  private void transfer(Node node, Node to, Random random) {
    long byteSize = 1 + random.nextLong(node.own + 2);
    Reason expected = null;
    if (node.isClosed || to.isClosed) {
      expected = Reason.CLOSED;
    } else if (byteSize > node.own) {
      expected = Reason.UNDERFLOW;
    } else if (refuses(to, byteSize, node) != null) {
      expected = Reason.LIMIT;
    }
    assertThat(reason(() -> node.account.transferTo(to.account, byteSize))).isEqualTo(expected);
    count("transfer", expected);
    if (expected == null) {
      node.own -= byteSize;
      to.own += byteSize;
      rise(to);
    }
  }

  private static @Nullable Reason reason(Runnable call) {
    try {
      call.run();
      return null;
    } catch (MemoryAccountException e) {
      return e.reason();
    }
  }

  private static void count(String call, @Nullable Object result) {
    Statistics.label(call).collect(String.valueOf(result));
  }

  private void compare(long batch) {
    for (Node node : nodes) {
      long usage = usage(node);
      MemoryAccount account = node.account;
      assertThat(account.usage()).isEqualTo(usage);
      assertThat(account.ownUsage()).isEqualTo(node.own);
      long strict = account.isStrict() || batch == 0 ? 0 : 2 * batch * nodes.size();
      assertThat(account.reserved()).isBetween(usage, usage + strict);
      assertThat(account.peak()).isBetween(node.peak, node.peak + strict);
      assertThat(account.isClosed()).isEqualTo(node.isClosed);
    }
  }
}
