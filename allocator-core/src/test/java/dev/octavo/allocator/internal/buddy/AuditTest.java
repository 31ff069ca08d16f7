package dev.octavo.allocator.internal.buddy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Each kind of damage is found, under the law that it breaks.
class AuditTest {

  private final BuddyPages pages = new BuddyPages(new Geometry(8_192, 13, 6), 1);
  private final Slot slot = pages.slot(0);

  @Test
  void aHealthyRegionHasNoFindings() {
    pages.allocate(slot, 33, 0);
    pages.allocate(slot, 1_000, 0);
    assertThat(pages.audit()).isEmpty();
  }

  @Test
  void aPageOwnedAtTwoLevels() {
    pages.tree().level(0).open(5, 1);
    assertThat(pages.audit()).contains(new BrokenLaw("L1", "page owned twice: page=0, levels=0,2"));
  }

  @Test
  void aPageLost() {
    int page = pages.allocate(slot, 1, 0);
    pages.heads().clear(page, 1);
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw("L2", "pages neither free nor allocated: page=" + page + ", pages=1"));
  }

  @Test
  void aStretchOfPagesLost() {
    int page = pages.allocate(slot, 64, 0);
    pages.heads().clear(page, 64);
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw("L2", "pages neither free nor allocated: page=" + page + ", pages=64"));
  }

  @Test
  void theWholeRegionLost() {
    assertThat(pages.takeAll(slot)).isTrue();
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw("L2", "pages neither free nor allocated: page=0, pages=8192"));
  }

  @Test
  void anAllocatedPageThatIsFreeToo() {
    int page = pages.allocate(slot, 4, 0);
    pages.tree().put(slot, page + 2, 1);
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw("L1", "allocated page is free: page=" + (page + 2) + ", head=" + page));
  }

  @Test
  void aHeadOnAFreePage() {
    pages.heads().set(100, 1);
    pages.heads().set(4_100, 1);
    assertThat(pages.audit())
        .contains(
            new BrokenLaw("L1", "head on a free page: page=100"),
            new BrokenLaw("L1", "head on a free page: page=4100"));
  }

  @Test
  void aHeadInsideAnAllocation() {
    int page = pages.allocate(slot, 64, 0);
    pages.heads().set(page + 9, 2);
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw(
                "L1", "head inside an allocation: page=" + (page + 9) + ", head=" + page));
  }

  @Test
  void anAllocationThatEndsOutside() {
    pages.takeAll(slot);
    pages.heads().set(8_190, 4);
    assertThat(pages.audit())
        .contains(new BrokenLaw("L8", "allocation ends outside: page=8190, pages=4"));
  }

  @Test
  void anAllocationHeldByNoCall() {
    int page = pages.allocate(slot, 1, 0);
    pages.hold(page, 1);
    assertThat(pages.audit())
        .containsExactly(new BrokenLaw("L2", "allocation held by no call: page=" + page));
  }

  @Test
  void buddiesThatDidNotMerge() {
    int page = pages.allocate(slot, 64, 0);
    pages.heads().clear(page, 64);
    pages.tree().level(0).open(page / 64, -1);
    pages.tree().level(0).raise(page / 64, -1, pages.slot(0).stripe());
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw("L3", "free buddies not merged: level=0, word=" + page / 64));
  }

  @Test
  void aBlockHiddenFromSearches() {
    int page = pages.allocate(slot, 64, 0);
    pages.heads().clear(page, 64);
    pages.heads().set(page + 1, 63);
    assertThat(pages.tree().level(0).replace(page / 64, 0, 1)).isTrue();
    assertThat(pages.audit())
        .containsExactly(
            new BrokenLaw(
                "L5",
                "free block hidden from searches: level=0, word=0, rank=1, layer=0, recorded=0"));
  }

  @Test
  void metadataBeyondTheLimit() {
    Geometry tiny = new Geometry(8, 3, 6);
    BuddyPages fat = new BuddyPages(tiny, 1, n -> new Words(n + 1_000), new Heads(8));
    assertThat(fat.audit())
        .anySatisfy(
            broken -> {
              assertThat(broken.law()).isEqualTo("L12");
              assertThat(broken.detail()).startsWith("too much metadata: bytes=");
            });
  }
}
