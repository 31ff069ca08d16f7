package dev.octavo.allocator.context;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The open scopes of one thread. Only that thread reads or writes it, but for [#owner].
///
/// One number says all of the innermost scope, and no other scope of the thread ever has the same:
///
/// | bits of the state | |
/// |---|---|
/// | 0 | sleeping is forbidden by a section |
/// | 1 | sleeping is allowed in spite of all |
/// | 2 | reclaim is forbidden |
/// | 3 | the innermost scope is a section |
/// | 4 to 19 | how many scopes are open |
/// | 20 to 63 | serial number of the innermost scope |
///
/// A token knows the state inside of its scope and outside, so it is stored nowhere and need not
/// exist as an object: its scope is the innermost if the state is the one inside. A level keeps the
/// state outside for those who have no token.
final class Sections {

  private static final int FORBIDDEN = 1;
  private static final int ALLOWED = 1 << 1;
  private static final int NO_RECLAIM = 1 << 2;
  private static final int SECTION = 1 << 3;
  private static final int DEPTH_SHIFT = 4;
  private static final int ONE_DEEPER = 1 << DEPTH_SHIFT;
  private static final int DEPTH = 0xffff;
  private static final long NEXT_SERIAL = 1 << 20;
  private static final int FLAGS_AND_DEPTH = (int) NEXT_SERIAL - 1;

  static final int MAX_DEPTH = 1 << 14;
  private static final int FIRST_LEVELS = 4;
  private static final Level[] NO_LEVELS = {};

  /// Null in threads that have never opened a scope. No initial value: a thread that only looks
  /// gets an entry in its map, no state.
  private static final ThreadLocal<@Nullable Sections> CURRENT = new ThreadLocal<>();

  private final Thread owner = Thread.currentThread();
  private long state;
  private long serial;
  private Level[] levels = NO_LEVELS;

  /// Which declarations `kind` is the verdict of.
  private ThreadKinds judgedBy = ThreadKinds.NONE;

  private @Nullable String kind;

  /// What the guard does with a violation in this thread.
  private Reporting reporting = Reporting.OPEN;

  /// States of reporting in one thread.
  enum Reporting {
    /// Violations are reported.
    OPEN,
    /// A report is being written: what it does itself is only counted.
    BUSY,
    /// A self-test waits for its own violation.
    TRIAL
  }

  /// One scope after another, all at the same depth.
  private static final class Level {
    private long outside;
    private String label = "";

    /// Sets what changes seldom: a store of a reference may cost more than all the rest.
    @SuppressWarnings("ReferenceEquality") // a cheap test that may fail
    private void label(String now) {
      if (now != label) {
        label = requireNonNull(now, "label");
      }
    }
  }

  private Sections() {}

  /// Returns the calling thread's, or null if it has none yet.
  static @Nullable Sections current() {
    return CURRENT.get();
  }

  /// Returns the calling thread's; makes it first, if need be.
  static Sections ofThisThread() {
    Sections mine = CURRENT.get();
    return mine != null ? mine : create();
  }

  private static Sections create() {
    ThreadKinds.use();
    Sections created = new Sections();
    CURRENT.set(created);
    return created;
  }

  Thread owner() {
    return owner;
  }

  /// Says whether the calling thread is the owner; any thread may ask.
  @SuppressWarnings("ReferenceEquality") // the same thread, on the fast path
  boolean isMine() {
    return Thread.currentThread() == owner;
  }

  long state() {
    return state;
  }

  int depth() {
    return depth(state);
  }

  private static int depth(long state) {
    return (int) state >>> DEPTH_SHIFT & DEPTH;
  }

  /// Opens a section; returns the state inside.
  long enter(String label) {
    return push(label, ALLOWED, FORBIDDEN | SECTION);
  }

  long allow(String reason) {
    return push(reason, FORBIDDEN | SECTION, ALLOWED);
  }

  long noReclaim(String label) {
    return push(label, SECTION, NO_RECLAIM);
  }

  private long push(String label, int cleared, int set) {
    long outside = state;
    int depth = depth(outside);
    Level level = depth < levels.length ? levels[depth] : grow(label);
    level.label(label);
    level.outside = outside;
    serial += NEXT_SERIAL;
    int flagsAndDepth = (int) outside & FLAGS_AND_DEPTH & ~cleared;
    long inside = serial + (flagsAndDepth | set) + ONE_DEEPER;
    state = inside;
    return inside;
  }

  private Level grow(String label) {
    int depth = levels.length;
    if (depth == MAX_DEPTH) {
      throw new IllegalStateException(
          "scopes nest too deep: depth=%d, label=%s, innermost=%s"
              .formatted(depth, label, innermost()));
    }
    Level[] more = Arrays.copyOf(levels, Math.max(FIRST_LEVELS, 2 * depth));
    for (int i = depth; i < more.length; i++) {
      more[i] = new Level();
    }
    levels = more;
    return more[depth];
  }

  /// Closes a scope, if the calling thread opened it and it is the innermost.
  boolean leave(long inside, long outside) {
    if (!isMine() || state != inside) {
      return false;
    }
    state = outside;
    return true;
  }

  /// Says whether a scope of the owner is open; the owner asks.
  boolean isOpen(long inside) {
    long scope = state;
    for (int depth = depth(); depth > 0; depth--) {
      if (scope == inside) {
        return true;
      }
      scope = levels[depth - 1].outside;
    }
    return false;
  }

  @Nullable String innermost() {
    int depth = depth();
    return depth == 0 ? null : levels[depth - 1].label;
  }

  /// Closes what was opened after `outer` scopes were open; returns their labels, innermost last.
  List<String> closeAbove(int outer) {
    List<String> left = new ArrayList<>();
    for (int i = outer; i < depth(); i++) {
      left.add(levels[i].label);
    }
    if (!left.isEmpty()) {
      state = levels[outer].outside;
    }
    return List.copyOf(left);
  }

  boolean isNoReclaim() {
    return (state & NO_RECLAIM) != 0;
  }

  boolean isSleepForbidden(ThreadKinds kinds) {
    int scope = (int) state & (FORBIDDEN | ALLOWED);
    if (scope != 0) {
      return scope == FORBIDDEN;
    }
    return kinds != ThreadKinds.NONE && kind(kinds) != null;
  }

  /// Returns the label of the thread's kind, or null.
  private @Nullable String kind(ThreadKinds kinds) {
    if (judgedBy != kinds) {
      judgedBy = kinds; // first, so that a predicate which ends up here is not asked again
      kind = null;
      kind = kinds.labelOf(owner);
    }
    return kind;
  }

  /// Returns the labels of what makes the thread atomic, innermost last.
  List<String> labels(ThreadKinds kinds) {
    List<String> atomic = new ArrayList<>();
    long scope = state;
    for (int depth = depth(); depth > 0; depth--) {
      Level level = levels[depth - 1];
      if ((scope & SECTION) != 0) {
        atomic.addFirst(level.label);
      }
      scope = level.outside;
    }
    String declared = kind(kinds);
    if (declared != null) {
      atomic.addFirst(declared);
    }
    return List.copyOf(atomic);
  }

  Reporting reporting() {
    return reporting;
  }

  void reporting(Reporting now) {
    reporting = now;
  }
}
