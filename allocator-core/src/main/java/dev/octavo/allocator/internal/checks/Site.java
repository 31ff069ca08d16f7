package dev.octavo.allocator.internal.checks;

import static java.lang.StackWalker.Option.RETAIN_CLASS_REFERENCE;

import java.lang.StackWalker.StackFrame;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Where a program called the allocator. Equal sites are one place in the program.
///
/// @param thread the thread's name
/// @param frames the innermost frames outside of the library, innermost first
public record Site(String thread, List<StackTraceElement> frames) {

  private static final int MAX_FRAMES = 8;
  private static final String ROOT = "dev.octavo.allocator";

  /// What lies between an arena and the allocator.
  private static final Set<String> OTHERS_OF_OURS = Set.of(ROOT + ".ArenaRuns", ROOT + ".SlowPath");

  private static final StackWalker WALKER = StackWalker.getInstance(RETAIN_CLASS_REFERENCE);

  /// Whoever called the library. Walks the stack.
  public static Site ofCaller() {
    List<StackTraceElement> frames =
        WALKER.walk(
            all ->
                all.dropWhile(Site::isOurs)
                    .limit(MAX_FRAMES)
                    .map(StackFrame::toStackTraceElement)
                    .toList());
    return new Site(Thread.currentThread().getName(), frames);
  }

  /// Allocators of ours, what is under them, and what of the JDK lies between them and the caller.
  private static boolean isOurs(StackFrame frame) {
    Class<?> type = frame.getDeclaringClass();
    String name = type.getName();
    boolean allocator =
        type.getPackageName().equals(ROOT) && SegmentAllocator.class.isAssignableFrom(type);
    return allocator
        || OTHERS_OF_OURS.contains(name)
        || name.startsWith(ROOT + ".internal.")
        || name.startsWith("java.lang.foreign.")
        || name.startsWith("jdk.internal.foreign.");
  }

  /// The site in a form that can stand under an exception as its cause.
  ///
  /// @param what what happened there
  /// @param cause what happened before, or null
  public Throwable toThrowable(String what, @Nullable Throwable cause) {
    return new Trace(what + ": thread=" + thread, frames, cause);
  }

  /// Prints as what happened, not as a class.
  @SuppressWarnings("OverrideThrowableToString") // it has a message, too
  private static final class Trace extends Throwable {
    private static final long serialVersionUID = 1L;

    Trace(String what, List<StackTraceElement> frames, @Nullable Throwable cause) {
      super(what, cause, false, true);
      setStackTrace(frames.toArray(StackTraceElement[]::new));
    }

    @Override
    public String toString() {
      return String.valueOf(getMessage());
    }
  }
}
