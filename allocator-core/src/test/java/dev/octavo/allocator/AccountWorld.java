package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.Requests.On;
import dev.octavo.allocator.Requests.Request;
import dev.octavo.allocator.oom.MemoryAccount;
import dev.octavo.allocator.oom.MemoryAccountBuilder;
import dev.octavo.allocator.oom.OomAudit;
import dev.octavo.allocator.oom.OomKiller;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/// An allocator with accounts, and all that a test has opened and holds in it.
final class AccountWorld implements AutoCloseable {

  static final int PAGE = 4096;

  final MemoryAccount root = MemoryAccount.root("e").open();
  final Requests requests = new Requests();
  final PageAllocator pages;
  private final List<AccountAllocator> opened = new ArrayList<>();
  private final Map<MemorySegment, AccountAllocator> held =
      Collections.synchronizedMap(new LinkedHashMap<>());

  AccountWorld(int pageCount, Consumer<PageAllocatorBuilder> settings) {
    PageAllocatorBuilder builder =
        Bare.builder().capacity((long) pageCount * PAGE).waitAtMost(Requests.LONG).accounts(root);
    settings.accept(builder);
    pages = builder.build();
  }

  /// Opens a child of an account with an allocator.
  AccountAllocator open(
      MemoryAccount parent, String name, UnaryOperator<MemoryAccountBuilder> settings) {
    return under(settings.apply(parent.child(name)).open());
  }

  AccountAllocator reapable(String name) {
    return open(root, name, MemoryAccountBuilder::reapable);
  }

  /// Opens a child of the root that is never chosen.
  AccountAllocator protectedOne(String name) {
    return open(root, name, account -> account.scoreAdj(-1000));
  }

  AccountAllocator under(MemoryAccount account) {
    AccountAllocator allocator = pages.under(account);
    opened.add(allocator);
    return allocator;
  }

  /// Allocates pages that are freed at the end.
  MemorySegment hold(AccountAllocator owner, int count) {
    MemorySegment segment = owner.allocate((long) count * PAGE, AllocationMode.NOWAIT);
    held.put(segment, owner);
    return segment;
  }

  /// Fills the whole region with single pages of an account, in order of their addresses.
  List<MemorySegment> fill(AccountAllocator owner) {
    List<MemorySegment> all = new ArrayList<>();
    for (long i = 0; i < pages.pageCount(); i++) {
      all.add(hold(owner, 1));
    }
    all.sort(Comparator.comparingLong(MemorySegment::address));
    return all;
  }

  /// Frees single pages, from one index to before another.
  void drop(List<MemorySegment> all, int from, int to) {
    all.subList(from, to).forEach(this::drop);
  }

  void drop(MemorySegment segment) {
    held.remove(segment);
    pages.free(segment);
  }

  /// Starts a request for pages.
  Request<MemorySegment> ask(On on, AccountAllocator owner, int count) {
    return requests.start(on, () -> owner.allocate((long) count * PAGE));
  }

  Request<MemorySegment> askInLine(On on, AccountAllocator owner, int count) {
    return requests.startInLine(on, pages, () -> owner.allocate((long) count * PAGE));
  }

  OomKiller killer() {
    return pages.oomKiller().orElseThrow();
  }

  long kills() {
    return killer().audit().count(OomAudit.Step.KILLED);
  }

  /// Names of all victims, first to last.
  List<String> victims() {
    return killer().audit().last().stream()
        .filter(entry -> entry.step() == OomAudit.Step.KILLED)
        .map(OomAudit.Entry::victim)
        .toList();
  }

  /// Frees what is held, and checks that nothing else is.
  @Override
  public void close() {
    requests.close();
    held.forEach(
        (segment, owner) -> {
          if (!owner.isReaped()) {
            pages.free(segment);
          }
        });
    assertThat(pages.waiters()).isZero();
    assertThat(pages.audit()).isEmpty();
    assertThat(pages.freePages()).as("free pages").isEqualTo(pages.pageCount());
    opened.forEach(AccountAllocator::close);
    pages.close();
  }
}
