package dev.octavo.allocator.internal.checks;

import dev.octavo.allocator.internal.threads.Caller;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A place in a program that called the library. Equal sites are one place.
///
/// @param thread the thread's name
/// @param frames the innermost frames outside of the library, innermost first
public record Site(String thread, List<StackTraceElement> frames) {

  private static final int MAX_FRAMES = 8;

  /// Returns the place that called the library. Walks the stack.
  public static Site ofCaller() {
    List<StackTraceElement> frames = Caller.walk(caller -> caller.frames(MAX_FRAMES));
    return new Site(Thread.currentThread().getName(), frames);
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
