package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.accounts.Book;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The stocks of one book, by thread id. A thread that finds no place in the table has none: right,
/// and slower.
///
/// An [AccountBook] is one and does not hold one: that is a load less on the way of each charge.
abstract class Stocks extends Book<MemoryAccount> {

  /// A power of two.
  private static final int ENTRIES = 32;

  private static final int PROBES = 4;

  private static final @Nullable Stock[] NONE = new Stock[1];

  private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(Stock[].class);
  private static final VarHandle TABLE;

  static {
    try {
      TABLE = MethodHandles.lookup().findVarHandle(Stocks.class, "table", Stock[].class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private @Nullable Stock[] table = NONE;

  /// A thread's stock, or null. Read plainly: a thread looks for what itself has stored.
  final @Nullable Stock findStock(long threadId) {
    @Nullable Stock[] stocks = table;
    Stock first = stocks[(int) threadId & stocks.length - 1];
    return first != null && first.isOf(threadId) ? first : findFurther(stocks, threadId);
  }

  private static @Nullable Stock findFurther(@Nullable Stock[] stocks, long threadId) {
    for (int probe = 1; probe < PROBES; probe++) {
      Stock stock = stocks[(int) threadId + probe & stocks.length - 1];
      if (stock != null && stock.isOf(threadId)) {
        return stock;
      }
    }
    return null;
  }

  /// The calling thread's stock, a new one if it has none. Inside a move that has found no search,
  /// because a new stock may be filled without another look, and a dead thread's goes back.
  ///
  /// @return null if it cannot have one
  final @Nullable Stock enterStock(AccountBook book, Thread thread) {
    Stock mine = findStock(thread.threadId());
    if (mine != null || !book.tree().mayStock(thread)) {
      return mine;
    }
    @Nullable Stock[] stocks = ownTable();
    for (int probe = 0; probe < PROBES; probe++) {
      int index = (int) thread.threadId() + probe & ENTRIES - 1;
      Stock old = (Stock) ENTRY.getVolatile(stocks, index);
      if (old == null || !old.isAlive()) {
        Stock fresh = book.tree().newStock(book, thread);
        if (ENTRY.compareAndSet(stocks, index, old, fresh)) {
          if (old != null) {
            old.takeBack();
          }
          return fresh;
        }
      }
    }
    return null;
  }

  private @Nullable Stock[] ownTable() {
    @Nullable Stock[] stocks = table();
    if (stocks.length < ENTRIES) {
      TABLE.compareAndSet(this, stocks, new Stock[ENTRIES]);
    }
    return table();
  }

  private @Nullable Stock[] table() {
    return (Stock[]) TABLE.getVolatile(this);
  }

  /// Removes the calling thread's stock.
  final void removeStock(Stock stock) {
    @Nullable Stock[] stocks = table();
    for (int i = 0; i < stocks.length; i++) {
      ENTRY.compareAndSet(stocks, i, stock, null);
    }
  }

  /// What they hold together; exact if their threads are at rest.
  final long stockBytes() {
    @Nullable Stock[] stocks = table();
    long bytes = 0;
    for (int i = 0; i < stocks.length; i++) {
      Stock stock = (Stock) ENTRY.getVolatile(stocks, i);
      bytes += stock == null ? 0 : stock.bytes();
    }
    return bytes;
  }

  /// Adds the stocks of a kind to a list.
  final void addStocks(List<Stock> found, Predicate<Stock> kind) {
    @Nullable Stock[] stocks = table();
    for (int i = 0; i < stocks.length; i++) {
      Stock stock = (Stock) ENTRY.getVolatile(stocks, i);
      if (stock != null && kind.test(stock)) {
        found.add(stock);
      }
    }
  }
}
