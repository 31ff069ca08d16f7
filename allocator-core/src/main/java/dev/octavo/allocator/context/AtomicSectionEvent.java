package dev.octavo.allocator.context;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/// A section that was open for longer than the threshold. The stack is that of its end.
@Name("dev.octavo.AtomicSection")
@Label("Atomic Section")
@Category("Octavo")
@Description("A section in which nothing may sleep was open for longer than the threshold")
@Threshold("20 ms")
@StackTrace
final class AtomicSectionEvent extends Event {

  /// Asked whether anybody records; the JIT sees through it while no flight recorder runs.
  private static final AtomicSectionEvent PROTOTYPE = new AtomicSectionEvent();

  @Label("Section")
  @Nullable String label;

  /// Returns an event that runs, or null if nobody records.
  static @Nullable AtomicSectionEvent startIfOn() {
    return PROTOTYPE.isEnabled() ? start() : null;
  }

  private static AtomicSectionEvent start() {
    AtomicSectionEvent started = new AtomicSectionEvent();
    started.begin();
    return started;
  }

  /// Ends it, and writes it if it was long enough.
  void end(String section) {
    end();
    if (shouldCommit()) {
      label = section;
      commit();
    }
  }
}
