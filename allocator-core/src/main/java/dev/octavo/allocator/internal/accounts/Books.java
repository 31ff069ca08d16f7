package dev.octavo.allocator.internal.accounts;

import java.lang.invoke.MethodHandles;
import org.jspecify.annotations.Nullable;

/// What an allocator does with accounts beyond their public API. There is one, installed by the
/// class of the accounts.
///
/// **Waiting.** A request that waits for room calls [#beginWait] first, then charges once more, and
/// waits if it is refused again. Until [#endWait] no stock is created or filled in the tree, and
/// each uncharge that makes room below the account that refused calls the listeners. Because the
/// wait begins before the charge, no uncharge is missed in between.
///
/// @param <A> the type of the accounts
public abstract class Books<A> {

  /// Set once, by the static initialiser of the class of the accounts.
  private static volatile @Nullable Books<?> installed;

  private final Class<A> accountType;

  /// Is told of room, while a request waits or a charge proves its refusal.
  ///
  /// @param <A> the type of the accounts
  @FunctionalInterface
  public interface Listener<A> {

    /// Called after bytes have become available, on the thread that made them so: by an uncharge, a
    /// transfer to another account, or a higher max. Must not throw and should not wait. Uncharges
    /// of one tree may call it on several threads at once.
    ///
    /// @param account the account that was charged less, or whose max was raised
    /// @param byteSize bytes; 0 if a charge that was refused may have hidden room for a moment
    void uncharged(A account, long byteSize);
  }

  /// For the subclass.
  ///
  /// @param accountType the class of the accounts
  protected Books(Class<A> accountType) {
    this.accountType = accountType;
  }

  /// Returns the books of a class of accounts.
  ///
  /// @param <A> the type of the accounts
  /// @param accountType a public class that installs its books when it is initialised
  /// @return the one that it has installed
  @SuppressWarnings("unchecked") // the types are the same
  public static <A> Books<A> of(Class<A> accountType) {
    try {
      MethodHandles.lookup().ensureInitialized(accountType);
    } catch (IllegalAccessException e) {
      throw new IllegalArgumentException("class is not accessible: class=" + accountType, e);
    }
    Books<?> books = installed;
    if (books == null || !books.accountType.equals(accountType)) {
      throw new IllegalArgumentException("class has no books: class=" + accountType);
    }
    return (Books<A>) books;
  }

  /// Installs the books of a class of accounts.
  ///
  /// @param books the only ones
  protected static void install(Books<?> books) {
    installed = books;
  }

  /// Opens a book on an account.
  ///
  /// @param account the account that pays
  /// @return a book that has charged nothing
  /// @throws RuntimeException of the accounts' kind if the account is closed
  public abstract Book<A> open(A account);

  /// Begins a wait for room anywhere in the tree of an account.
  ///
  /// @param account any account of the tree
  public abstract void beginWait(A account);

  /// Ends a wait, once for each [#beginWait].
  ///
  /// @param account any account of the tree
  public abstract void endWait(A account);

  /// Registers a listener for the whole tree of an account.
  ///
  /// @param account any account of the tree
  /// @param listener what to call
  /// @return removes the listener when it is run
  public abstract Runnable listen(A account, Listener<A> listener);

  /// Returns the lowest account, this or above, whose max leaves no room now. Charges nothing and
  /// takes back nothing: stocks count as used.
  ///
  /// @param account the account to be charged
  /// @param byteSize bytes, at least 0
  /// @return null if all have room, or it is closed
  public abstract @Nullable A headroomRefuser(A account, long byteSize);

  /// Returns what the max of one account leaves, whatever those above say. Stocks count as used.
  ///
  /// @param account the account
  /// @return bytes; negative if the max was lowered below the usage
  public abstract long headroom(A account);

  /// Makes the exception that says that a charge was refused.
  ///
  /// @param account the account to be charged
  /// @param refuser the account without room
  /// @param byteSize bytes
  /// @return an exception of the accounts' kind
  public abstract RuntimeException refusal(A account, A refuser, long byteSize);
}
