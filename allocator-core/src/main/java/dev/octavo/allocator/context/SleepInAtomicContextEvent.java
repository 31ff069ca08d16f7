package dev.octavo.allocator.context;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/// A call that may sleep in an atomic section.
@Name("dev.octavo.SleepInAtomicContext")
@Label("Sleep In Atomic Context")
@Category("Octavo")
@Description("A call that may sleep was made where nothing may sleep")
@StackTrace
final class SleepInAtomicContextEvent extends Event {

  @Label("Call")
  @Nullable String call;

  @Label("Sections")
  @Description("Labels, innermost last")
  @Nullable String sections;

  @Label("Depth")
  @Description("Sections open, the thread's kind included; expected is 0")
  int depth;

  @Label("Call Site")
  @Nullable String site;
}
