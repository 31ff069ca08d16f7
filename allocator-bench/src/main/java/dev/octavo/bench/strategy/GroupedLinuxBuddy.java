package dev.octavo.bench.strategy;

import java.util.Arrays;
import java.util.List;

/// Linux's policy with mobility grouping (mm/page_alloc.c of 6.18, without per-CPU caches).
///
/// Every 2 MiB page block has a type, and every order a list a type. A request that finds its own
/// lists empty first claims: the largest free block of another type, and with it the whole page
/// block if at least half of that is free or of the same kind. Only then it steals the smallest
/// sufficient block, and the page block keeps its type. Regions start out movable.
public final class GroupedLinuxBuddy extends LockedBuddy {
  /// 2^9 pages: a huge page of 2 MiB.
  private static final int PAGE_BLOCK_ORDER = 9;

  private static final int PAGE_BLOCK_PAGES = 1 << PAGE_BLOCK_ORDER;

  private static final List<Mobility> UNMOVABLE_FALLBACKS =
      List.of(Mobility.RECLAIMABLE, Mobility.MOVABLE);
  private static final List<Mobility> MOVABLE_FALLBACKS =
      List.of(Mobility.RECLAIMABLE, Mobility.UNMOVABLE);
  private static final List<Mobility> RECLAIMABLE_FALLBACKS =
      List.of(Mobility.UNMOVABLE, Mobility.MOVABLE);

  private final FreeLists lists;

  /// The type of each page block; every free block is in a list of its page block's type.
  private final Mobility[] blockType;

  /// For an allocated page whether its owner called it movable; stale for a free page.
  private final boolean[] movable;

  /// Makes a region of free pages with orders 0..10.
  ///
  /// @throws IllegalArgumentException if `pageCount` is not positive
  public GroupedLinuxBuddy(int pageCount) {
    super(pageCount, LinuxBuddy.LINUX_MAX_ORDER);
    lists = new FreeLists(pageCount, Mobility.COUNT * (maxOrder + 1));
    blockType = new Mobility[(pageCount + PAGE_BLOCK_PAGES - 1) >>> PAGE_BLOCK_ORDER];
    movable = new boolean[pageCount];
    Arrays.fill(blockType, Mobility.MOVABLE);
    freeEverything();
  }

  @Override
  public String name() {
    return "linux-grouped";
  }

  @Override
  int take(int order, Mobility mobility) {
    int page = takeSmallest(order, mobility);
    if (page < 0) {
      page = claim(order, mobility);
    }
    if (page < 0) {
      page = steal(order, mobility);
    }
    if (page >= 0) {
      Arrays.fill(movable, page, page + (1 << order), mobility == Mobility.MOVABLE);
    }
    return page;
  }

  private int takeSmallest(int order, Mobility mobility) {
    for (int from = order; from <= maxOrder; from++) {
      int page = lists.first(list(mobility, from));
      if (page >= 0) {
        return takeFrom(page, from, order);
      }
    }
    return (int) NO_PAGE;
  }

  private int claim(int order, Mobility mobility) {
    int smallest = mobility == Mobility.MOVABLE ? PAGE_BLOCK_ORDER / 2 : 0;
    for (int from = maxOrder; from >= Math.max(order, smallest); from--) {
      int page = firstOfFallbacks(from, mobility);
      if (page >= 0 && claimPageBlocks(page, from, mobility)) {
        return takeSmallest(order, mobility);
      }
    }
    return (int) NO_PAGE;
  }

  private int steal(int order, Mobility mobility) {
    for (int from = order; from <= maxOrder; from++) {
      int page = firstOfFallbacks(from, mobility);
      if (page >= 0) {
        return takeFrom(page, from, order);
      }
    }
    return (int) NO_PAGE;
  }

  private int firstOfFallbacks(int order, Mobility mobility) {
    for (Mobility fallback : fallbacks(mobility)) {
      int page = lists.first(list(fallback, order));
      if (page >= 0) {
        return page;
      }
    }
    return (int) NO_PAGE;
  }

  /// The other types in the order in which a type falls back to them.
  private static List<Mobility> fallbacks(Mobility mobility) {
    return switch (mobility) {
      case UNMOVABLE -> UNMOVABLE_FALLBACKS;
      case MOVABLE -> MOVABLE_FALLBACKS;
      case RECLAIMABLE -> RECLAIMABLE_FALLBACKS;
    };
  }

  /// Gives the page block around a free block another type, if that is worth it.
  private boolean claimPageBlocks(int page, int order, Mobility mobility) {
    if (order >= PAGE_BLOCK_ORDER) {
      lists.remove(list(typeOf(page), order), page);
      setType(page, order, mobility);
      lists.addFirst(list(mobility, order), page);
      return true;
    }
    int start = page & -PAGE_BLOCK_PAGES;
    if (start + PAGE_BLOCK_PAGES > pageCount || !isWorthClaiming(start, mobility)) {
      return false;
    }
    moveFreeBlocks(start, mobility);
    setType(start, PAGE_BLOCK_ORDER, mobility);
    return true;
  }

  /// Says whether at least half of the page block is free or allocated to owners alike. Linux tells
  /// movable pages from the rest, but not the two other kinds from each other.
  private boolean isWorthClaiming(int start, Mobility mobility) {
    int free = 0;
    int movablePages = 0;
    int page = start;
    while (page < start + PAGE_BLOCK_PAGES) {
      int order = freeOrderAt(page);
      if (order < 0) {
        movablePages += movable[page] ? 1 : 0;
        page++;
      } else {
        free += 1 << order;
        page += 1 << order;
      }
    }
    int alike = 0;
    if (mobility == Mobility.MOVABLE) {
      alike = movablePages;
    } else if (typeOf(start) == Mobility.MOVABLE) {
      alike = PAGE_BLOCK_PAGES - free - movablePages;
    }
    return free + alike >= PAGE_BLOCK_PAGES / 2;
  }

  private void moveFreeBlocks(int start, Mobility mobility) {
    int page = start;
    while (page < start + PAGE_BLOCK_PAGES) {
      int order = freeOrderAt(page);
      if (order < 0) {
        page++;
      } else {
        lists.remove(list(typeOf(page), order), page);
        lists.addFirst(list(mobility, order), page);
        page += 1 << order;
      }
    }
  }

  /// A block larger than a page block has one type: the freed half's.
  @Override
  void joining(int page, int buddy, int order) {
    if (order >= PAGE_BLOCK_ORDER) {
      setType(buddy, order, typeOf(page));
    }
  }

  @Override
  void insert(int page, int order, boolean last) {
    if (last) {
      lists.addLast(list(typeOf(page), order), page);
    } else {
      lists.addFirst(list(typeOf(page), order), page);
    }
  }

  @Override
  void remove(int page, int order) {
    lists.remove(list(typeOf(page), order), page);
  }

  private int list(Mobility mobility, int order) {
    return mobility.index() * (maxOrder + 1) + order;
  }

  private Mobility typeOf(int page) {
    return blockType[page >>> PAGE_BLOCK_ORDER];
  }

  private void setType(int page, int order, Mobility mobility) {
    int first = page >>> PAGE_BLOCK_ORDER;
    Arrays.fill(blockType, first, first + (1 << (order - PAGE_BLOCK_ORDER)), mobility);
  }
}
