package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.model.Placement;
import dev.octavo.allocator.model.ReferencePages;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/// A pool with leases as the documentation of [Owner] describes it, in the simplest form that
/// works: the tree's model, and for each owner a map from the kind of a lease to a set of pages.
///
/// ## The rule
///
/// - An owner serves a request from the lease of its kind: a block, the smallest free block of the
///   word that suffices, the lowest of those; an odd run, the lowest place.
/// - Otherwise what is left in that lease goes back, the tree places the request, and the free
///   units of the word where its last page lies become the lease. If nothing was left, the tree
///   passes over that word, unless it finds nothing else.
/// - If the tree finds nothing, all leases of all owners end, and it is asked again.
/// - Pages that are freed go into the first lease whose word they lie in: less than a word of pages
///   into a word of pages, whole units into a word of units.
/// - Many odd runs, pages in phase, growing and freeing what is held are the tree's alone; many odd
///   runs end and begin leases all the same.
///
/// Kinds are numbered as in [LeaseKinds].
///
/// Not thread-safe.
final class LeasedPages {

  private static final int PAGE_KINDS = 3;
  private static final int UNIT_KINDS = 2;

  /// The tree's slot of those who own nothing.
  private static final int VISITOR_SLOT = 0;

  private static final int NO_WORD = -1;

  /// The pages of a word that are free and an owner's.
  private static final class Lease {

    private final int level;
    private final int word;
    private final TreeSet<Integer> pages = new TreeSet<>();

    Lease(int level, int word) {
      this.level = level;
      this.word = word;
    }
  }

  private static final class Tenant {

    private final int number;
    private final int slot;
    private final int pageKinds;
    private final int unitKinds;
    private final SortedMap<Integer, Lease> leases = new TreeMap<>();
    private boolean dead;

    Tenant(int number, int slot, int pageKinds, int unitKinds) {
      this.number = number;
      this.slot = slot;
      this.pageKinds = pageKinds;
      this.unitKinds = unitKinds;
    }
  }

  private final Geometry geometry;
  private final CacheLimits limits;
  private final ReferencePages tree;
  private final Map<Integer, Tenant> tenants = new HashMap<>();
  private final Set<String> reached = new TreeSet<>();

  LeasedPages(Geometry geometry, CacheLimits limits) {
    this.geometry = geometry;
    this.limits = limits;
    tree = new ReferencePages(geometry, 1);
  }

  ReferencePages tree() {
    return tree;
  }

  /// The paths that calls have reached.
  Set<String> reached() {
    return reached;
  }

  long cachedPages() {
    return tenants.values().stream()
        .flatMap(tenant -> tenant.leases.values().stream())
        .mapToLong(lease -> lease.pages.size())
        .sum();
  }

  // ---- calls

  /// Allocates a run.
  ///
  /// @return the first page, or `PagePool.NONE`
  int allocate(int actor, int pages, int alignOrder) {
    int page = takeHeld(actor, pages, alignOrder);
    return page != PagePool.NONE ? page : allocateFromTree(actor, pages, alignOrder);
  }

  int allocateInPhase(int actor, int pages, int alignOrder, long phase) {
    enter(actor);
    return pageOf(
        tree.allocateInPhase(pages, alignOrder, phase)
            .or(
                () -> {
                  drain();
                  return tree.allocateInPhase(pages, alignOrder, phase);
                }));
  }

  List<Integer> allocateMany(int actor, int pages, int count) {
    enter(actor);
    List<Integer> all = new ArrayList<>();
    while (all.size() < count) {
      List<Integer> held = new ArrayList<>();
      for (int page = 0; page != PagePool.NONE && all.size() + held.size() < count; ) {
        page = isBlock(pages) ? takeHeld(actor, pages, 0) : PagePool.NONE;
        if (page != PagePool.NONE) {
          held.add(page);
        }
      }
      Collections.sort(held);
      all.addAll(held);
      if (held.isEmpty()) {
        int page = allocateFromTree(actor, pages, 0);
        if (page == PagePool.NONE) {
          break;
        }
        all.add(page);
      } else if (held.size() > 1) {
        reached.add("many from a lease");
      }
    }
    return all;
  }

  boolean free(int actor, int page, int pages) {
    if (!tree.forget(page, pages)) {
      return false;
    }
    putBack(actor, page, pages);
    return true;
  }

  void freeHeld(int actor, int page, int pages) {
    tree.release(page);
    free(actor, page, pages);
  }

  boolean trim(int actor, int page, int pages, int newPages) {
    if (!tree.forget(page, pages)) {
      return false;
    }
    tree.record(page, newPages);
    if (newPages < pages) {
      putBack(actor, page + newPages, pages - newPages);
    }
    return true;
  }

  /// Grows what is held in the tree's model.
  ///
  /// @return false, and it is still held
  boolean growHeld(int page, int pages, int newPages) {
    if (page + newPages > geometry.pageCount()) {
      return false;
    }
    if (tree.growHeld(page, pages, newPages)) {
      return true;
    }
    drain();
    boolean grown = tree.growHeld(page, pages, newPages);
    if (grown) {
      reached.add("grown into what was held");
    }
    return grown;
  }

  /// Ends all leases.
  void drain() {
    tenants.values().forEach(this::endLeases);
    removeDead();
  }

  /// The owner's thread ends.
  void die(int actor) {
    Tenant tenant = tenants.get(actor);
    if (tenant != null) {
      tenant.dead = true;
    }
  }

  // ---- owners

  private static int pageOf(Optional<Placement> place) {
    return place.map(Placement::page).orElse(PagePool.NONE);
  }

  private void enter(int actor) {
    if (actor == StandIns.VISITOR || tenants.containsKey(actor)) {
      return;
    }
    removeDead();
    int number = 0;
    while (isTaken(number)) {
      number++;
      reached.add("number beside others");
    }
    long others = tenants.values().stream().mapToLong(this::mostPages).sum();
    long left = Math.min(limits.pagesPerThread(), Math.max(0, limits.pagesInAll() - others));
    long pageKinds = Math.min(PAGE_KINDS, left / unitPages(1));
    long rest = left - pageKinds * unitPages(1);
    long unitKinds = geometry.topLevel() == 0 ? 0 : Math.min(UNIT_KINDS, rest / unitPages(2));
    reached.add(left < limits.pagesPerThread() ? "limit for all" : "limit for one");
    int slot = tree.openSlot(number);
    tenants.put(actor, new Tenant(number, slot, (int) pageKinds, (int) unitKinds));
  }

  private boolean isTaken(int number) {
    return tenants.values().stream().anyMatch(tenant -> tenant.number == number);
  }

  private long mostPages(Tenant tenant) {
    return tenant.pageKinds * unitPages(1) + tenant.unitKinds * unitPages(2);
  }

  private void removeDead() {
    for (Tenant tenant : tenants.values()) {
      if (tenant.dead) {
        reached.add(tenant.leases.isEmpty() ? "dead with nothing" : "dead with a lease");
        endLeases(tenant);
      }
    }
    tenants.values().removeIf(tenant -> tenant.dead);
  }

  private void endLeases(Tenant tenant) {
    List.copyOf(tenant.leases.keySet()).forEach(kind -> end(tenant, kind));
  }

  private void end(Tenant tenant, int kind) {
    Lease lease = tenant.leases.remove(kind);
    if (lease != null) {
      lease.pages.forEach(page -> tree.putFree(page, 1));
    }
  }

  /// The pages of a unit of a level.
  private long unitPages(int level) {
    return 1L << (level * geometry.radixLog2());
  }

  // ---- kinds

  private static boolean isBlock(int pages) {
    return Integer.bitCount(pages) == 1;
  }

  /// The kind that serves such runs, or -1.
  private int kindFor(Tenant tenant, int pages, int alignOrder) {
    if (!isBlock(pages)) {
      boolean fits = pages < unitPages(1) && alignOrder < geometry.radixLog2();
      return fits ? Math.min(PAGE_KINDS, tenant.pageKinds) - 1 : -1;
    }
    int order = Math.max(alignOrder, Integer.numberOfTrailingZeros(pages));
    int level = order / geometry.radixLog2();
    if (order > geometry.maxOrder() || level > 1 || pages < unitPages(level)) {
      return -1;
    }
    int kinds = level == 0 ? tenant.pageKinds : tenant.unitKinds;
    boolean upper = order % geometry.radixLog2() >= geometry.radixLog2() / 2;
    int kind = upper && kinds > 1 ? 1 : 0;
    return kinds == 0 ? -1 : level == 0 ? kind : PAGE_KINDS + kind;
  }

  // ---- allocate

  private int takeHeld(int actor, int pages, int alignOrder) {
    Tenant tenant = tenants.get(actor);
    int kind = tenant == null ? -1 : kindFor(tenant, pages, alignOrder);
    Lease lease = tenant == null ? null : tenant.leases.get(kind);
    if (lease == null) {
      return PagePool.NONE;
    }
    int page =
        isBlock(pages) ? bestFit(lease, pages, alignOrder) : lowest(lease, pages, alignOrder);
    if (page != PagePool.NONE) {
      for (int i = page; i < page + pages; i++) {
        lease.pages.remove(i);
      }
      tree.record(page, pages);
      reached.add("served from lease " + kind + (isBlock(pages) ? "" : " an odd run"));
    }
    return page;
  }

  /// The first page of the smallest free block of the word that suffices, the lowest of those.
  private int bestFit(Lease lease, int pages, int alignOrder) {
    long wordPages = unitPages(lease.level + 1);
    long first = lease.word * wordPages;
    for (long size = Math.max(pages, 1L << alignOrder); size <= wordPages; size *= 2) {
      for (long at = first; at < first + wordPages; at += size) {
        boolean isWhole = has(lease, at, size);
        if (isWhole && (size == wordPages || !has(lease, at ^ size, size))) {
          return (int) at;
        }
      }
    }
    return PagePool.NONE;
  }

  private static int lowest(Lease lease, int pages, int alignOrder) {
    for (int page : lease.pages) {
      if (page % (1 << alignOrder) == 0 && has(lease, page, pages)) {
        return page;
      }
    }
    return PagePool.NONE;
  }

  private static boolean has(Lease lease, long page, long pages) {
    return lease.pages.subSet((int) page, (int) (page + pages)).size() == pages;
  }

  private int allocateFromTree(int actor, int pages, int alignOrder) {
    enter(actor);
    Tenant tenant = tenants.get(actor);
    int kind = tenant == null ? -1 : kindFor(tenant, pages, alignOrder);
    int slot = tenant == null ? VISITOR_SLOT : tenant.slot;
    if (tenant != null && tenant.leases.containsKey(kind)) {
      tree.passOver(slot, usedUp(tenant.leases.get(kind)));
      reached.add(tenant.leases.get(kind).pages.isEmpty() ? "refill" : "leftover let go");
      end(tenant, kind);
    }
    Optional<Placement> place = tree.allocate(slot, pages, alignOrder);
    tree.passOver(slot, NO_WORD);
    if (place.isEmpty()) {
      place = tree.allocate(slot, pages, alignOrder);
      place.ifPresent(found -> reached.add("found where it was used up"));
    }
    if (place.isEmpty()) {
      long held = cachedPages();
      drain();
      place = tree.allocate(slot, pages, alignOrder);
      reached.add(
          place.isEmpty() ? "nothing found" : held > 0 ? "found in what was held" : "impossible");
    }
    if (place.isPresent() && tenant != null && kind >= 0) {
      hold(tenant, kind, place.get().page() + pages - 1);
    }
    return pageOf(place);
  }

  private static int usedUp(Lease lease) {
    return lease.level == 0 && lease.pages.isEmpty() ? lease.word : NO_WORD;
  }

  private void hold(Tenant tenant, int kind, int lastPage) {
    int level = kind < PAGE_KINDS ? 0 : 1;
    int word = (int) (lastPage / unitPages(level + 1));
    Lease lease = new Lease(level, word);
    int unitPages = (int) unitPages(level);
    for (long unit = word * unitPages(1); unit < (word + 1) * unitPages(1); unit++) {
      int first = (int) (unit * unitPages);
      if (tree.takeFree(first, unitPages)) {
        for (int page = first; page < first + unitPages; page++) {
          lease.pages.add(page);
        }
      }
    }
    tenant.leases.put(kind, lease);
  }

  // ---- free

  private void putBack(int actor, int page, int pages) {
    Tenant tenant = tenants.get(actor);
    int level = pages < unitPages(1) ? 0 : 1;
    boolean wholeUnits = page % unitPages(level) == 0 && pages % unitPages(level) == 0;
    long word = page / unitPages(level + 1);
    boolean fits = wholeUnits && word == (page + pages - 1) / unitPages(level + 1);
    if (tenant != null && fits) {
      for (Lease lease : tenant.leases.values()) {
        if (lease.level == level && lease.word == word) {
          for (int i = page; i < page + pages; i++) {
            lease.pages.add(i);
          }
          reached.add("freed into a lease of level " + level);
          return;
        }
      }
    }
    boolean isRemote =
        tenants.values().stream()
            .flatMap(other -> other.leases.values().stream())
            .anyMatch(lease -> fits && lease.level == level && lease.word == word);
    reached.add(isRemote ? "freed beside another's lease" : "freed to the tree");
    tree.putFree(page, pages);
  }
}
