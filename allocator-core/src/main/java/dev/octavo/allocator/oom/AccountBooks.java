package dev.octavo.allocator.oom;

import dev.octavo.allocator.internal.accounts.Book;
import dev.octavo.allocator.internal.accounts.Books;
import org.jspecify.annotations.Nullable;

/// What allocators do with accounts beyond the public API.
final class AccountBooks extends Books<MemoryAccount> {

  private AccountBooks() {
    super(MemoryAccount.class);
  }

  static void install() {
    install(new AccountBooks());
  }

  @Override
  public Book<MemoryAccount> open(MemoryAccount account) {
    account.ledger().checkOpen();
    return account.ledger().openBook(false, account.isStrict());
  }

  @Override
  public void beginWait(MemoryAccount account) {
    account.tree().enterSearch();
  }

  @Override
  public void endWait(MemoryAccount account) {
    account.tree().exitSearch();
  }

  @Override
  public Runnable listen(MemoryAccount account, Listener<MemoryAccount> listener) {
    return account.tree().listen(listener);
  }

  @Override
  public @Nullable MemoryAccount headroomRefuser(MemoryAccount account, long byteSize) {
    Ledger full = account.ledger().lowestWithoutRoom(byteSize, null, 0);
    return full == null || full.isClosed() ? null : full.account();
  }

  @Override
  public long headroom(MemoryAccount account) {
    return account.ledger().headroom();
  }

  @Override
  public RuntimeException refusal(MemoryAccount account, MemoryAccount refuser, long byteSize) {
    return MemoryAccountException.limit(account, refuser, byteSize);
  }
}
