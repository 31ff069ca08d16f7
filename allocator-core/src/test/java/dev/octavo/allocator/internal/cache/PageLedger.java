package dev.octavo.allocator.internal.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicIntegerArray;

/// Who has which page, kept by those who have them: any page that two have at once is found (L1).
final class PageLedger {

  private static final int NOBODY = 0;

  private final AtomicIntegerArray owners;

  PageLedger(int pageCount) {
    owners = new AtomicIntegerArray(pageCount);
  }

  /// @param owner not 0
  void got(int page, int pages, int owner) {
    change(page, pages, NOBODY, owner);
  }

  void gives(int page, int pages, int owner) {
    change(page, pages, owner, NOBODY);
  }

  private void change(int page, int pages, int from, int to) {
    for (int i = page; i < page + pages; i++) {
      int found = owners.compareAndExchange(i, from, to);
      if (found != from) {
        assertThat(found).as("owner of page %d, which goes to %d", i, to).isEqualTo(from);
      }
    }
  }
}
