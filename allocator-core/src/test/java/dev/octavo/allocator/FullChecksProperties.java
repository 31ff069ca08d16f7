package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;

/// The grade FULL beside a model of three sets of pages: with a quarantine in between, pages are
/// found whenever there are any (L5), nothing is lost (L2), and stale writes are reported before
/// anybody gets what was written to, and never without one.
class FullChecksProperties {

  private static final int PAGE = 64;
  private static final int MAX_PAGES = 40;

  /// What to do, with numbers that mean something in every state.
  record Step(int kind, int which, int pages) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(numbers(0, 9), numbers(0, MAX_PAGES), numbers(1, MAX_PAGES))
        .as(Step::new)
        .list()
        .ofMaxSize(80);
  }

  @Property(tries = 400)
  void isAsGoodAsSetsOfPages(
      @ForAll("steps") List<Step> steps, @ForAll("pageCounts") int pageCount) {
    Compared compared = new Compared(pageCount);
    for (Step step : steps) {
      compared.take(step);
    }
    compared.finish();
  }

  @Provide
  Arbitrary<Integer> pageCounts() {
    return numbers(1, MAX_PAGES);
  }

  private static Arbitrary<Integer> numbers(int min, int max) {
    return Arbitraries.integers().between(min, max).withDistribution(RandomDistribution.uniform());
  }

  /// The allocator and the model.
  private static final class Compared {

    private final int pageCount;
    private final PageAllocator allocator;

    /// Lengths by first page.
    private final NavigableMap<Integer, Integer> live = new TreeMap<>();

    private final BitSet used = new BitSet();
    private final BitSet everUsed = new BitSet();

    /// Free pages that were written to, and not reported yet.
    private final BitSet dirty = new BitSet();

    Compared(int pageCount) {
      this.pageCount = pageCount;
      allocator =
          Bare.builder()
              .capacity((long) pageCount * PAGE)
              .pageSize(PAGE)
              .checks(CheckLevel.FULL)
              .build();
    }

    void take(Step step) {
      try {
        switch (step.kind()) {
          case 0, 1 -> allocate(step.pages(), 1);
          case 2 -> allocate(step.pages() % 5 + 1, 1 << step.which() % 3);
          case 3 -> allocateMany(step.pages() % 4 + 1, step.which() % 9);
          case 4, 5 -> free(step);
          case 6 -> trim(step);
          case 7 -> grow(step);
          case 8 -> refuse(step);
          default -> writeStale(step);
        }
      } catch (CorruptedMemoryException e) {
        reported(e);
      }
      if (step.kind() % 3 == 0) {
        assertThat(allocator.buddyInfo().freePages()).isEqualTo(pageCount - used.cardinality());
        assertThat(allocator.audit()).isEmpty();
      }
    }

    private boolean isFree(int from, int to) {
      int next = used.nextSetBit(from);
      return to <= pageCount && (next < 0 || next >= to);
    }

    private boolean hasRun(int pages, int alignment) {
      for (int page = 0; page < pageCount; page += alignment) {
        if (isFree(page, page + pages)) {
          return true;
        }
      }
      return false;
    }

    private void allocate(int pages, int alignment) {
      boolean expected = hasRun(pages, alignment);
      long page = allocator.tryAllocatePageRun(pages, alignment);
      assertThat(page >= 0).isEqualTo(expected);
      if (page >= 0) {
        assertThat(page % alignment).isZero();
        allocated((int) page, pages);
      }
    }

    private void allocated(int page, int pages) {
      assertThat(isFree(page, page + pages)).isTrue();
      assertThat(dirty.get(page, page + pages).isEmpty()).isTrue();
      live.put(page, pages);
      used.set(page, page + pages);
      everUsed.set(page, page + pages);
      allocator.segment(page, pages).fill((byte) 1);
    }

    private void allocateMany(int pages, int count) {
      long[] into = new long[count];
      int found = allocator.tryAllocatePageRuns(pages, into);
      for (int i = 0; i < found; i++) {
        allocated((int) into[i], pages);
      }
      assertThat(found == count || !hasRun(pages, 1)).isTrue();
    }

    /// The chosen allocation's first page, or -1.
    private int chosen(Step step) {
      List<Integer> pages = new ArrayList<>(live.keySet());
      return pages.isEmpty() ? -1 : pages.get(step.which() % pages.size());
    }

    private int length(int page) {
      return live.getOrDefault(page, 0);
    }

    private void free(Step step) {
      int page = chosen(step);
      if (page >= 0) {
        int pages = length(page);
        allocator.freePageRun(page, pages);
        live.remove(page);
        used.clear(page, page + pages);
      }
    }

    private void trim(Step step) {
      int page = chosen(step);
      if (page >= 0) {
        int pages = length(page);
        int newPages = 1 + step.pages() % pages;
        allocator.trimPageRun(page, pages, newPages);
        live.put(page, newPages);
        used.clear(page + newPages, page + pages);
      }
    }

    private void grow(Step step) {
      int page = chosen(step);
      if (page >= 0) {
        int pages = length(page);
        int newPages = pages + step.pages() % 6;
        boolean expected = isFree(page + pages, page + newPages);
        assertThat(allocator.tryGrowPageRun(page, pages, newPages)).isEqualTo(expected);
        if (expected) {
          live.remove(page);
          used.clear(page, page + pages);
          allocated(page, newPages);
        }
      }
    }

    /// A free of something that is no allocation is refused for the reason that the model knows.
    private void refuse(Step step) {
      int page = step.which() % pageCount;
      int pages = Math.min(step.pages(), pageCount - page);
      if (length(page) == pages) {
        return;
      }
      Map.Entry<Integer, Integer> near = live.floorEntry(page);
      InvalidFreeException.Reason expected =
          length(page) > 0
              ? InvalidFreeException.Reason.WRONG_SIZE
              : near != null && near.getKey() + near.getValue() > page
                  ? InvalidFreeException.Reason.INTERIOR_POINTER
                  : InvalidFreeException.Reason.DOUBLE_FREE;
      assertThatThrownBy(() -> allocator.freePageRun(page, pages))
          .isInstanceOfSatisfying(
              InvalidFreeException.class, e -> assertThat(e.reason()).isEqualTo(expected));
    }

    private void writeStale(Step step) {
      int page = step.which() % pageCount;
      if (!used.get(page) && everUsed.get(page)) {
        write(page, (byte) 2);
        dirty.set(page);
      }
    }

    private void write(int page, byte value) {
      allocator.segment(page, 1).set(ValueLayout.JAVA_BYTE, PAGE - 1, value);
    }

    /// Each report names a page that is dirty, and restores it.
    private void reported(CorruptedMemoryException e) {
      assertThat(dirty.get(place(e))).isTrue();
      for (Throwable other : e.getSuppressed()) {
        assertThat(dirty.get(place((CorruptedMemoryException) other))).isTrue();
      }
      int before = dirty.cardinality();
      for (int page = dirty.nextSetBit(0); page >= 0; page = dirty.nextSetBit(page + 1)) {
        byte now = allocator.segment(page, 1).get(ValueLayout.JAVA_BYTE, PAGE - 1);
        dirty.set(page, now == 2);
      }
      assertThat(dirty.cardinality()).isLessThan(before);
    }

    private static int place(CorruptedMemoryException e) {
      assertThat(e.reason()).isEqualTo(CorruptedMemoryException.Reason.USE_AFTER_FREE);
      assertThat(e.byteOffset() % PAGE).isEqualTo(PAGE - 1);
      return (int) (e.page() + e.byteOffset() / PAGE);
    }

    /// What was written to last is reported by close at the latest.
    void finish() {
      for (Map.Entry<Integer, Integer> each : live.entrySet()) {
        allocator.freePageRun(each.getKey(), each.getValue());
      }
      boolean found = false;
      try {
        allocator.close();
      } catch (CorruptedMemoryException e) {
        assertThat(dirty.get(place(e))).isTrue();
        found = true;
      }
      assertThat(found).isEqualTo(!dirty.isEmpty());
    }
  }
}
