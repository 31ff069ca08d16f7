package dev.octavo.allocator.internal.request;

import dev.octavo.allocator.internal.buddy.Formers;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Finds the accounts whose release would form a run of pages.
///
/// If there are accounts whose pages and free neighbours form the run, those help. If there are
/// none and memory is fragmented, no account helps. If memory is lacking, those help that have
/// pages in the window that costs least: the run without pages of protected accounts that has the
/// fewest allocated pages. So when several accounts must go, each of them brings that run nearer.
record RunFormers(PagePool pool, Payers payers, long mark) {

  private static final int NOT_RELEASABLE = -1;
  private static final int NEVER_CHOSEN = -1000;

  /// The units among these that help a demand.
  ///
  /// @param hadVictim whether an account was chosen for it already: it would have gone without
  ///   effect if the others in the same run did not follow
  Set<MemoryAccount> among(Collection<MemoryAccount> units, Demand demand, boolean hadVictim) {
    boolean isLacking = pool.freePages() < demand.totalPages() + mark;
    if (demand.pages() == 1) {
      return isLacking ? Set.copyOf(units) : Set.of();
    }
    List<MemoryAccount> owners = allUnits();
    Formers formers =
        pool.formers((int) demand.pages(), demand.alignOrder(), demand.phase(), ownerOfTag(owners));
    if (formers.runExists()) {
      return isLacking ? Set.copyOf(units) : Set.of(); // what lacks is the reserve
    }
    Set<MemoryAccount> alone = new HashSet<>();
    Set<MemoryAccount> together = new HashSet<>();
    for (int owner = 0; owner < owners.size(); owner++) {
      if (formers.alone(owner)) {
        alone.add(owners.get(owner));
      } else if ((isLacking || hadVictim) && formers.together(owner)) {
        together.add(owners.get(owner));
      }
    }
    Set<MemoryAccount> helpful = alone.isEmpty() ? together : alone;
    helpful.retainAll(units);
    return helpful;
  }

  /// All accounts and groups that could be chosen, whatever the question is about: a run may need
  /// more than one of them.
  private List<MemoryAccount> allUnits() {
    List<MemoryAccount> units = new ArrayList<>();
    Deque<MemoryAccount> open = new ArrayDeque<>(List.of(payers.root().account()));
    while (!open.isEmpty()) {
      MemoryAccount account = open.remove();
      units.add(account);
      if (!account.isGroup()) {
        open.addAll(account.children());
      }
    }
    return units;
  }

  /// The index of the unit that each payer's number belongs to.
  private int[] ownerOfTag(List<MemoryAccount> units) {
    Map<MemoryAccount, Integer> ownerOf = new HashMap<>();
    for (int owner = 0; owner < units.size(); owner++) {
      for (MemoryAccount member : units.get(owner).victims()) {
        if (!isSpared(member)) {
          ownerOf.put(member, owner);
        }
      }
    }
    @Nullable Payer[] all = payers.byNumber();
    int[] ownerOfTag = new int[all.length];
    Arrays.fill(ownerOfTag, NOT_RELEASABLE);
    for (Payer payer : all) {
      Integer owner = payer == null ? null : ownerOf.get(payer.account());
      if (payer != null && owner != null) {
        ownerOfTag[payer.number()] = owner;
      }
    }
    return ownerOfTag;
  }

  private static boolean isSpared(MemoryAccount account) {
    return account.scoreAdj() == NEVER_CHOSEN
        || account.preference() == MemoryAccount.Preference.NEVER;
  }
}
