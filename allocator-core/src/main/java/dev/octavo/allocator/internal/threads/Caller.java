package dev.octavo.allocator.internal.threads;

import static java.lang.StackWalker.Option.RETAIN_CLASS_REFERENCE;

import java.lang.StackWalker.StackFrame;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/// The place where a thread's stack leaves the library.
///
/// A frame is the library's if its class lies in one of the library's packages and was loaded from
/// where this class was. Tests in the same packages are outside, because they come from elsewhere.
/// Frames of `java.lang.foreign` between the library and its caller count as the library's.
///
/// @param called the outermost frame of the library
/// @param caller the innermost frame outside; `called` if the whole stack is the library's
/// @param above the frames above the caller, innermost first; valid only during [#walk]
public record Caller(StackFrame called, StackFrame caller, Iterator<StackFrame> above) {

  private static final String ROOT = rootOf(Caller.class.getPackageName());
  private static final ProtectionDomain OURS = Caller.class.getProtectionDomain();
  private static final StackWalker WALKER = StackWalker.getInstance(RETAIN_CLASS_REFERENCE);

  /// Walks the stack of the calling thread.
  ///
  /// @param use computes the result from the caller
  public static <T> T walk(Function<Caller, T> use) {
    return WALKER.walk(stack -> use.apply(of(stack.iterator())));
  }

  /// Finds the caller in a stack.
  ///
  /// @param stack innermost frame first; not empty
  public static Caller of(Iterator<StackFrame> stack) {
    StackFrame called = stack.next();
    StackFrame caller = called;
    while (stack.hasNext() && isOurs(caller)) {
      called = caller;
      caller = stack.next();
    }
    return new Caller(called, caller, stack);
  }

  /// Returns the caller and the frames above it, innermost first.
  ///
  /// @param most number of frames, at least 1
  public List<StackTraceElement> frames(int most) {
    List<StackTraceElement> frames = new ArrayList<>();
    frames.add(caller.toStackTraceElement());
    while (frames.size() < most && above.hasNext()) {
      frames.add(above.next().toStackTraceElement());
    }
    return List.copyOf(frames);
  }

  private static boolean isOurs(StackFrame frame) {
    Class<?> type = frame.getDeclaringClass();
    String room = type.getPackageName();
    return (isBelow(room, ROOT) && OURS.equals(type.getProtectionDomain()))
        || isBelow(room, "java.lang.foreign")
        || isBelow(room, "jdk.internal.foreign");
  }

  private static boolean isBelow(String room, String root) {
    return room.startsWith(root)
        && (room.length() == root.length() || room.charAt(root.length()) == '.');
  }

  /// The package that holds `internal`, so that the library may be relocated as a whole.
  private static String rootOf(String room) {
    return room.substring(0, room.lastIndexOf(".internal."));
  }
}
