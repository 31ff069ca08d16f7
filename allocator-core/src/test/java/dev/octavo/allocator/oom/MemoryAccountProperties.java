package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.accounts.Books;
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

/// Random programs on a tree of accounts with books, by one thread, beside a naive model: each
/// result and each sum the same after every call, with stocks and without.
class MemoryAccountProperties {

  private static final int STEPS = 120;

  private static final Books<MemoryAccount> BOOKS = Books.of(MemoryAccount.class);

  /// An account of the model.
  private static final class Node {
    final MemoryAccount account;
    final @Nullable Node parent;
    final List<Book<MemoryAccount>> books = new ArrayList<>();

    /// Bytes by hand, then those of each book.
    final List<Long> charged = new ArrayList<>(List.of(0L));

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
      switch (random.nextInt(18)) {
        case 0 -> open(node, random, "n" + step);
        case 1 -> close(node);
        case 2 -> limit(node, random, batch);
        case 3, 4 -> transfer(node, nodes.get(random.nextInt(nodes.size())), random);
        case 5, 6, 7 -> uncharge(node, random);
        case 8 -> openBook(node);
        case 9, 10, 11 -> chargeBook(node, random);
        case 12 -> unchargeBook(node, random);
        case 13 -> transferBook(node, nodes.get(random.nextInt(nodes.size())), random);
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
      count(node, 0, byteSize);
      rise(node);
    }
  }

  private static void count(Node node, int book, long delta) {
    node.charged.set(book, node.charged.get(book) + delta);
    node.own += delta;
  }

  private static void openBook(Node node) {
    if (node.isClosed) {
      assertThat(reason(() -> BOOKS.open(node.account))).isEqualTo(Reason.CLOSED);
    } else {
      node.books.add(BOOKS.open(node.account));
      node.charged.add(0L);
    }
  }

  private void chargeBook(Node node, Random random) {
    if (node.books.isEmpty() || node.isClosed) {
      return;
    }
    int index = random.nextInt(node.books.size());
    Book<MemoryAccount> book = node.books.get(index);
    long byteSize = 1L + random.nextInt(random.nextBoolean() ? 20 : 300);
    Node domain = refuses(node, byteSize, null);
    MemoryAccount refused = book.charge(byteSize);
    assertThat(refused).isSameAs(domain == null ? null : domain.account);
    count("charge by book", domain == null ? null : domain == node ? "itself" : "above");
    if (domain == null) {
      count(node, index + 1, byteSize);
      rise(node);
    } else {
      assertThat(BOOKS.headroomRefuser(node.account, byteSize)).isSameAs(refused);
      assertThat(book.tryCharge(byteSize)).isFalse();
    }
  }

  private static void unchargeBook(Node node, Random random) {
    if (node.books.isEmpty()) {
      return;
    }
    int index = random.nextInt(node.books.size());
    long byteSize = random.nextLong(node.charged.get(index + 1) + 1);
    node.books.get(index).uncharge(byteSize);
    count(node, index + 1, -byteSize);
  }

  private void transferBook(Node node, Node to, Random random) {
    if (node.books.isEmpty() || to.books.isEmpty() || node.isClosed || to.isClosed) {
      return;
    }
    int from = random.nextInt(node.books.size());
    int into = random.nextInt(to.books.size());
    long byteSize = random.nextLong(node.charged.get(from + 1) + 1);
    if (byteSize == 0) {
      return;
    }
    Node domain = refuses(to, byteSize, node);
    MemoryAccount refused = node.books.get(from).transferTo(to.books.get(into), byteSize);
    assertThat(refused).isSameAs(domain == null ? null : domain.account);
    count("transfer by book", domain == null ? null : "refused");
    if (domain == null) {
      count(node, from + 1, -byteSize);
      count(to, into + 1, byteSize);
      rise(to);
    }
  }

  private void rise(Node node) {
    for (Node level = node; level != null; level = level.parent) {
      level.peak = Math.max(level.peak, usage(level));
    }
  }

  private void uncharge(Node node, Random random) {
    long byHand = node.charged.getFirst();
    long byteSize = random.nextInt(10) == 0 ? byHand + 1 : random.nextLong(byHand + 1);
    Reason expected = byteSize > byHand ? Reason.UNDERFLOW : null;
    if (node.isClosed && byteSize == 0) {
      return;
    }
    assertThat(reason(() -> node.account.uncharge(byteSize))).isEqualTo(expected);
    count("uncharge", expected);
    count(node, 0, expected == null ? -byteSize : 0);
  }

  private void transfer(Node node, Node to, Random random) {
    long byHand = node.charged.getFirst();
    long byteSize = 1 + random.nextLong(byHand + 2);
    Reason expected = null;
    if (node.isClosed || to.isClosed) {
      expected = Reason.CLOSED;
    } else if (byteSize > byHand) {
      expected = Reason.UNDERFLOW;
    } else if (refuses(to, byteSize, node) != null) {
      expected = Reason.LIMIT;
    }
    assertThat(reason(() -> node.account.transferTo(to.account, byteSize))).isEqualTo(expected);
    count("transfer", expected);
    if (expected == null) {
      count(node, 0, -byteSize);
      count(to, 0, byteSize);
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
      for (int i = 0; i < node.books.size(); i++) {
        assertThat(node.books.get(i).bytes()).isEqualTo(node.charged.get(i + 1));
      }
      long leaves = nodes.size() + nodes.stream().mapToLong(other -> other.books.size()).sum();
      long strict = account.isStrict() || batch == 0 ? 0 : 2 * batch * leaves;
      assertThat(account.reserved()).isBetween(usage, usage + strict);
      assertThat(account.peak()).isBetween(node.peak, node.peak + strict);
      assertThat(account.isClosed()).isEqualTo(node.isClosed);
    }
  }
}
