package dev.octavo.allocator.internal.accounts;

import org.jspecify.annotations.Nullable;

/// The bytes that one client, for example one allocator, has charged to one account.
///
/// Several books of an account count against the same limits; what one has charged only that one
/// can uncharge. Thread-safe; no call but [#charge], [#transferTo], [#settle] and [#close] ever
/// waits for another thread.
///
/// An abstract class and not an interface, with one final subclass, so that calls are direct.
///
/// @param <A> the type of the accounts
public abstract class Book<A> {

  /// Opens a book on an account; for the subclass.
  protected Book() {}

  /// Charges bytes to the account and all above it. A refusal is exact: the bytes charged by calls
  /// that had begun and not uncharged by calls that had returned left no room at one moment of this
  /// call. For that it may take back stocks, 30 to 60 microseconds.
  ///
  /// @param byteSize bytes, at least 0
  /// @return null if they are charged; else the lowest account, this or above, without room
  /// @throws IllegalArgumentException if negative
  /// @throws RuntimeException of the accounts' kind if the account or the book is closed
  public abstract @Nullable A charge(long byteSize);

  /// Charges bytes in one attempt, without taking back stocks and without waiting; for a thread
  /// that frees memory and serves a request that waits. Calls no listener.
  ///
  /// @param byteSize bytes, at least 0
  /// @return true if they are charged; false proves nothing
  /// @throws IllegalArgumentException if negative
  public abstract boolean tryCharge(long byteSize);

  /// Uncharges bytes, on any thread.
  ///
  /// @param byteSize bytes, at least 0, at most what this book has charged
  /// @throws IllegalArgumentException if negative
  /// @throws RuntimeException of the accounts' kind if this book has not charged so many; then
  ///   nothing has changed
  public abstract void uncharge(long byteSize);

  /// Moves bytes to another book, of the same account, the same tree or another tree. Accounts
  /// above both never count them twice.
  ///
  /// @param other the book that has them afterwards
  /// @param byteSize bytes, at least 0
  /// @return null, or the lowest account above the other book without room; then nothing has
  ///   changed
  /// @throws IllegalArgumentException if negative
  /// @throws RuntimeException of the accounts' kind if this book has not charged so many, or one of
  ///   the two is closed; then nothing has changed
  public abstract @Nullable A transferTo(Book<A> other, long byteSize);

  /// Returns the bytes charged through this book, without stocks; exact if no call runs.
  ///
  /// @return bytes, at least 0
  public abstract long bytes();

  /// Takes back this book's stocks, so that [#bytes] does not depend on them.
  public abstract void settle();

  /// Closes the book, so that it charges no more. Of a charge and a close at the same time exactly
  /// one succeeds. Closing it again does nothing.
  ///
  /// @throws IllegalStateException if [#bytes] is not 0; then it stays open
  public abstract void close();

  /// Opens the book again that the caller has just closed.
  public abstract void reopen();

  /// Returns the account that pays.
  ///
  /// @return the account
  public abstract A account();
}
