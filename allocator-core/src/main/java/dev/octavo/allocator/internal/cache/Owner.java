package dev.octavo.allocator.internal.cache;

import dev.octavo.allocator.internal.buddy.BuddyPages;
import dev.octavo.allocator.internal.buddy.Geometry;
import dev.octavo.allocator.internal.buddy.Slot;
import dev.octavo.allocator.internal.buddy.WordRuns;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// A platform thread with words of its own: it allocates from them and frees into them with plain
/// stores.
///
/// A *lease* is a word of the tree whose free units are the owner's: they were taken from the tree,
/// which has a zero there, and stand in the owner's [#state]. Other threads free into the tree's
/// word, as always.
///
/// ## Placement
///
/// An owner holds at most one word for each kind of request: for orders 0 to 2, 3 to 5, 6 to 8, 9
/// to 11, and for runs shorter than a word whose length is no power of two; with a small limit,
/// kinds share. A request is served from the word of its kind: the smallest block that suffices,
/// the lowest of those; an odd run, the lowest place where it fits. If the word has no such place,
/// what is left in it goes back, the tree places the request by its own rule, and the word where
/// its last page lies is held from then on. If nothing was left in it and it is a word of pages,
/// the tree takes no block from what is free there now, unless it finds nothing else. A run shorter
/// than a word that is freed goes into the first held word of pages that covers it, a longer one of
/// whole units into the first held word of units that covers it; any other goes back to the tree.
/// When the tree finds nothing, everything held goes back to it, and it looks again. Bulk calls for
/// odd runs look only at the tree.
///
/// ## Revocation
///
/// Anybody who is about to fail takes back what others hold, whether they sleep or have died (L5).
/// It costs the owner a load and a branch:
///
/// ```
///   owner                             drainer
///   store bits                        store revoked
///   fence for the compiler            OtherThreads.handshake()
///   load revoked                      copy state; CAS it into remains
/// ```
///
/// The handshake has a point in the owner's program. If the owner loaded `revoked` before that
/// point, its store was before it, too, and the copy has it. If it loads `revoked` after the point,
/// it sees that it was revoked, and at most this one operation can have missed the copy. Whether it
/// did, is decided by the CAS of `remains`, which the owner tries as well: if the owner wins, the
/// drainer has copied in vain, and the owner gives everything back itself; if the drainer wins, the
/// copy is what was taken, and the owner looks there whether its own bits were among it.
///
/// Leases also end when few pages are free ([PagePool], *Reserve*): the flag is set without a
/// handshake and without a copy, so that the caller need not wait (L9). An owner that sees the flag
/// takes nothing more: it puts back what it was about to take, and gives everything back itself. A
/// drainer may come at any time between, and settles by `remains` as above.
///
/// A lease is taken or given back inside an announced move of the owner's slot, and a drainer waits
/// until none is under way; nothing is leased while anybody searches.
///
/// | word | writers | order | without it |
/// |---|---|---|---|
/// | bits | the owner | opaque; fence for the compiler before `revoked` is loaded | `RaceLeaseTest`: pages lost or owned twice, if `revoked` is not looked at; the lack of the fence or of the handshake alone no test has shown yet |
/// | words | the owner, inside a move | plain; the end of the move is a release | `RaceLeaseTest`: a drainer puts bits into another word |
/// | revoked | drainers, and calls that find few free pages, true; the owner false, before it clears `remains` | volatile | `RaceLeaseTest`: a search misses a lease (L5) |
/// | remains | drainers and the owner, from null, by CAS; the owner to null, if nobody searches, and it looks for searches again before it leases | volatile | `RaceLeaseTest`: the same bits go back twice (L1) |
///
/// The accesses that compete are methods of their own: tests subclass this type to run other
/// threads just before them. With no subclass loaded the calls are static to the compiler.
class Owner {

  static final int NONE = BuddyPages.NONE;

  /// The state lies two cache lines away from whatever is beside it, as it is written all the time.
  private static final int PADDING = 16;

  private static final int BITS = PADDING;
  private static final int WORDS = BITS + LeaseKinds.COUNT;
  private static final int STATE_END = WORDS + LeaseKinds.COUNT;
  private static final long NO_WORD = -1;

  private static final VarHandle STATE = MethodHandles.arrayElementVarHandle(long[].class);
  private static final VarHandle REVOKED;
  private static final VarHandle REMAINS;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      REVOKED = lookup.findVarHandle(Owner.class, "revoked", boolean.class);
      REMAINS = lookup.findVarHandle(Owner.class, "remains", long[].class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final long threadId;
  private final WeakReference<Thread> thread;
  private final int number;
  private final BuddyPages buddy;
  private final Slot slot;
  private final LeaseKinds kinds;
  private final long leaseByOrder;
  private final int radixLog2;

  /// The free units of each lease from [#BITS] on, its word from [#WORDS] on.
  private final long[] state = new long[STATE_END + PADDING];

  @SuppressWarnings("UnusedVariable") // by REVOKED
  private boolean revoked;

  /// The state when everything was taken from the owner, or null.
  private volatile long @Nullable [] remains;

  /// @param thread who will call [#take] and [#put]
  /// @param number decides the home, 0-based
  /// @param kinds which words may be held
  Owner(Thread thread, int number, BuddyPages buddy, LeaseKinds kinds) {
    threadId = thread.threadId();
    this.thread = new WeakReference<>(thread);
    this.number = number;
    this.buddy = buddy;
    this.kinds = kinds;
    leaseByOrder = kinds.byOrder();
    slot = buddy.openSlot(number);
    radixLog2 = buddy.geometry().radixLog2();
    Arrays.fill(state, WORDS, STATE_END, NO_WORD);
  }

  boolean isOf(long id) {
    return threadId == id;
  }

  boolean isAlive() {
    Thread owner = thread.get();
    return owner != null && owner.isAlive();
  }

  int number() {
    return number;
  }

  Slot slot() {
    return slot;
  }

  LeaseKinds kinds() {
    return kinds;
  }

  /// The pages that it holds; exact if the owner is at rest.
  long pages() {
    if (remains != null) {
      return 0;
    }
    long pages = 0;
    for (int lease = 0; lease < LeaseKinds.COUNT; lease++) {
      long bits = (long) STATE.getOpaque(state, BITS + lease);
      pages += (long) Long.bitCount(bits) << unitShift(lease);
    }
    return pages;
  }

  /// Whether it holds a free page of a unit of 64 pages that is wanted. A guess, if the owner is at
  /// work.
  ///
  /// @param wanted asked for the unit's first page
  boolean holdsUnit(IntPredicate wanted) {
    for (int lease = 0; remains == null && lease < LeaseKinds.COUNT; lease++) {
      long bits = (long) STATE.getOpaque(state, BITS + lease);
      int word = (int) (long) STATE.getOpaque(state, WORDS + lease);
      if (word != NO_WORD && bits != 0 && holdsUnit(lease, word, bits, wanted)) {
        return true;
      }
    }
    return false;
  }

  private boolean holdsUnit(int lease, int word, long bits, IntPredicate wanted) {
    int firstUnit = word << radixLog2;
    if (unitShift(lease) == 0) {
      return wanted.test(firstUnit);
    }
    for (long rest = bits; rest != 0; rest &= rest - 1) {
      if (wanted.test((firstUnit | Long.numberOfTrailingZeros(rest)) << unitShift(lease))) {
        return true;
      }
    }
    return false;
  }

  // ---- the fast path, by the owner

  /// Takes a run from a held word.
  ///
  /// @return the first page, or [#NONE]
  int take(int pages, int alignOrder) {
    if (!Geometry.isPowerOfTwo(pages)) {
      return takeRun(pages, alignOrder);
    }
    int order = Math.max(Geometry.orderFor(pages), alignOrder);
    int lease = LeaseKinds.leaseOf(leaseByOrder, order);
    if (lease < 0) {
      return NONE;
    }
    int unitShift = unitShift(lease);
    int units = pages >>> unitShift;
    int bit = WordRuns.bestFit(state[BITS + lease], order - unitShift);
    return bit < 0 || units == 0 ? NONE : claim(lease, bit, units);
  }

  private int takeRun(int pages, int alignOrder) {
    int lease = kinds.leaseOfRuns();
    if (pages > 1 << radixLog2 || alignOrder >= radixLog2 || lease < 0) {
      return NONE;
    }
    int bit = WordRuns.lowestRun(state[BITS + lease], pages, alignOrder);
    return bit < 0 ? NONE : claim(lease, bit, pages);
  }

  private int claim(int lease, int bit, int units) {
    long mask = WordRuns.lowBits(units) << bit;
    int page = ((int) state[WORDS + lease] << radixLog2 | bit) << unitShift(lease);
    return claim(lease, mask) ? page : NONE;
  }

  private boolean claim(int lease, long mask) {
    setBits(lease, state[BITS + lease] & ~mask);
    VarHandle.releaseFence();
    return !isRevoked() || isTaken(lease, mask);
  }

  /// Undoes the claim of a revoked owner.
  ///
  /// @return whether that came too late: a drainer has seen the units claimed, so they are the
  ///   caller's
  private boolean isTaken(int lease, long mask) {
    setBits(lease, state[BITS + lease] | mask);
    long[] taken = resolve();
    return taken != null && (taken[BITS + lease] & mask) == 0;
  }

  /// Takes blocks of 2^`order` pages from a held word: all of them, lowest first, or those that as
  /// many single calls would take.
  ///
  /// @param pages where their first pages are put, from index `at` to its end
  /// @return how many
  int takeMany(int order, long[] pages, int at) {
    int lease = LeaseKinds.leaseOf(leaseByOrder, order);
    if (lease < 0) {
      return 0;
    }
    int unitShift = unitShift(lease);
    int s = order - unitShift;
    int room = pages.length - at;
    long bits = state[BITS + lease];
    long starts = WordRuns.blockStarts(bits, s);
    if (Long.bitCount(starts) > room) {
      starts = WordRuns.bestFits(bits, s, room);
    }
    long base = state[WORDS + lease] << radixLog2;
    long mask = starts * WordRuns.lowBits(1 << s);
    if (mask == 0 || !claim(lease, mask)) {
      return 0;
    }
    int end = at;
    for (long rest = starts; rest != 0; rest &= rest - 1) {
      pages[end++] = (base | Long.numberOfTrailingZeros(rest)) << unitShift;
    }
    return end - at;
  }

  /// The first lease whose word covers a run, or [#NONE].
  int leaseCovering(int page, int pages) {
    int unitShift = unitShiftFor(pages);
    int unit = page >>> unitShift;
    int units = pages >>> unitShift;
    boolean fits = units << unitShift == pages && unit << unitShift == page;
    if (!fits || (unit & ((1 << radixLog2) - 1)) + units > 1 << radixLog2) {
      return NONE;
    }
    int word = unit >>> radixLog2;
    return unitShift == 0 ? leaseOfPagesIn(word) : leaseOfUnitsIn(word);
  }

  /// Makes a run free that the owner got back.
  ///
  /// @param lease the one that covers it
  /// @return false if the lease is no more
  boolean put(int lease, int page, int pages) {
    int unitShift = unitShiftFor(pages);
    int first = page >>> unitShift & ((1 << radixLog2) - 1);
    long mask = WordRuns.lowBits(pages >>> unitShift) << first;
    long old = state[BITS + lease];
    setBits(lease, old | mask);
    VarHandle.releaseFence();
    return !isRevoked() || keepsPut(lease, mask, old);
  }

  /// A run that was free in the lease already was taken from it by a drainer, and allocated again:
  /// then the drainer saw an earlier free and not this one.
  private boolean keepsPut(int lease, long mask, long old) {
    long[] taken = resolve();
    boolean seen = taken == null || (taken[BITS + lease] & mask) == mask;
    return seen && (old & mask) == 0;
  }

  private int unitShift(int lease) {
    return lease < LeaseKinds.LARGE ? 0 : radixLog2;
  }

  private int unitShiftFor(int pages) {
    return pages < 1 << radixLog2 ? 0 : radixLog2;
  }

  private int leaseOfPagesIn(int word) {
    if (state[WORDS + LeaseKinds.SMALL] == word) {
      return LeaseKinds.SMALL;
    }
    if (state[WORDS + LeaseKinds.MEDIUM] == word) {
      return LeaseKinds.MEDIUM;
    }
    return state[WORDS + LeaseKinds.RUNS] == word ? LeaseKinds.RUNS : NONE;
  }

  private int leaseOfUnitsIn(int word) {
    if (state[WORDS + LeaseKinds.LARGE] == word) {
      return LeaseKinds.LARGE;
    }
    return state[WORDS + LeaseKinds.HUGE] == word ? LeaseKinds.HUGE : NONE;
  }

  // ---- leases, by the owner

  /// The pages of a word that is held for such runs, at most.
  ///
  /// @return 0 if there is no lease for them
  long wordPages(int pages, int alignOrder) {
    int lease = kinds.leaseFor(pages, alignOrder);
    return lease < 0 ? 0 : 1L << (radixLog2 + unitShift(lease));
  }

  /// Whether there is a lease for such runs.
  boolean holds(int pages) {
    return kinds.leaseFor(pages, 0) >= 0;
  }

  /// Gives back what is left of the word from which such a run would be taken.
  void letGoFor(int pages, int alignOrder) {
    int lease = kinds.leaseFor(pages, alignOrder);
    if (lease >= 0 && state[BITS + lease] != 0) {
      beginMove();
      if (!isRevoked()) {
        letGo(lease);
      }
      buddy.endMove(slot);
    }
  }

  /// The word of pages from which such runs came and that is used up, or [Slot#NO_WORD]. What
  /// others have freed there since is few and hot.
  int usedUpFor(int pages, int alignOrder) {
    int lease = kinds.leaseFor(pages, alignOrder);
    boolean ofPages = lease >= 0 && LeaseKinds.level(lease) == 0 && !isRevoked();
    return ofPages && state[BITS + lease] == 0 ? (int) state[WORDS + lease] : Slot.NO_WORD;
  }

  /// Gives everything back.
  void letGoAll() {
    beginMove();
    if (isRevoked()) {
      resolve();
    } else {
      for (int lease = 0; lease < LeaseKinds.COUNT; lease++) {
        letGo(lease);
      }
    }
    buddy.endMove(slot);
  }

  private void letGo(int lease) {
    long bits = state[BITS + lease];
    int word = (int) state[WORDS + lease];
    setBits(lease, 0);
    state[WORDS + lease] = NO_WORD;
    if (bits != 0) {
      buddy.putWord(slot, LeaseKinds.level(lease), word, bits);
    }
  }

  /// Leases the word where a run lies that the tree has just given.
  void hold(int page, int pages, int alignOrder) {
    int lease = kinds.leaseFor(pages, alignOrder);
    if (lease < 0) {
      return;
    }
    beginMove();
    if (!isRevoked() || reopen()) {
      int word = (page + pages - 1) >>> unitShift(lease) >>> radixLog2;
      if (!buddy.isSearched()) {
        state[WORDS + lease] = word;
        setBits(lease, buddy.takeWord(slot, LeaseKinds.level(lease), word));
      }
    }
    buddy.endMove(slot);
  }

  /// Starts anew after a revocation.
  ///
  /// @return false if a search must end first
  private boolean reopen() {
    resolve();
    if (buddy.isSearched()) {
      return false;
    }
    // In this order: a drainer that sees no remains sets the flag for good.
    setRevoked(false);
    remains = null;
    return true;
  }

  // ---- revocation

  /// Ends all leases of a revoked owner, by the owner.
  ///
  /// @return the state that a drainer has taken, or null if there was nothing left for it
  private long @Nullable [] resolve() {
    long[] taken = takeBack(slot);
    for (int lease = 0; lease < LeaseKinds.COUNT; lease++) {
      setBits(lease, 0);
      state[WORDS + lease] = NO_WORD;
    }
    return taken;
  }

  /// Gives everything back that is held, unless that has happened already.
  ///
  /// @param announcer the caller's slot
  /// @return the state that somebody else has given back, or null if this call did
  private long @Nullable [] takeBack(Slot announcer) {
    long[] copy = copyState();
    buddy.beginMove(announcer);
    long[] taken = exchangeRemains(copy);
    for (int lease = 0; taken == null && lease < LeaseKinds.COUNT; lease++) {
      if (copy[BITS + lease] != 0) {
        buddy.putWord(
            announcer, LeaseKinds.level(lease), (int) copy[WORDS + lease], copy[BITS + lease]);
      }
    }
    buddy.endMove(announcer);
    return taken;
  }

  /// Asks for everything back; to be followed by a handshake, if the owner is alive, and
  /// [#takeBackRevoked].
  ///
  /// @return false if nothing is held, and nothing will be while anybody searches
  boolean revoke() {
    if (remains != null) {
      return false;
    }
    setRevoked(true);
    return true;
  }

  /// Asks the owner to give everything back before it takes more. Waits for nothing; only an
  /// operation that is under way may still take.
  void revokeLater() {
    if (remains == null && !isRevoked()) {
      setRevoked(true);
    }
  }

  /// Gives everything back that the owner held when it passed the handshake.
  ///
  /// @param announcer the caller's slot
  void takeBackRevoked(Slot announcer, OtherThreads others) {
    for (int spins = 0; buddy.isMoving(slot) && isAlive(); spins++) {
      others.await(spins);
    }
    takeBack(announcer);
  }

  private void beginMove() {
    buddy.beginMove(slot);
    VarHandle.releaseFence();
  }

  // ---- accesses that compete

  void setBits(int lease, long bits) {
    STATE.setOpaque(state, BITS + lease, bits);
  }

  boolean isRevoked() {
    return (boolean) REVOKED.getOpaque(this);
  }

  void setRevoked(boolean value) {
    REVOKED.setVolatile(this, value);
  }

  long[] copyState() {
    return state.clone();
  }

  /// Settles who took the state: the first caller.
  ///
  /// @return null for the first, for all others what that one took
  long @Nullable [] exchangeRemains(long[] copy) {
    return (long[]) REMAINS.compareAndExchange(this, null, copy);
  }
}
