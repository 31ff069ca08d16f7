package dev.octavo.allocator.context;

import dev.octavo.allocator.internal.threads.Caller;
import java.lang.StackWalker.StackFrame;

/// A place in a program that called something that may sleep.
///
/// @param method what was called: class and method
/// @param caller the line that called it
record CallSite(String method, String caller) {

  /// Returns the innermost frame outside of the library.
  ///
  /// If the guard itself was called from there, that frame is a guarded method of the program, and
  /// its caller is the site. Walks the stack.
  static CallSite ofCaller() {
    return Caller.walk(CallSite::of);
  }

  static CallSite of(Caller found) {
    StackFrame called = found.called();
    StackFrame caller = found.caller();
    if (called.getDeclaringClass() == SleepGuard.class) {
      called = caller;
      while (found.above().hasNext() && isSameMethod(caller, called)) {
        caller = found.above().next();
      }
    }
    return new CallSite(nameOf(called), line(caller));
  }

  private static boolean isSameMethod(StackFrame one, StackFrame other) {
    return one.getDeclaringClass() == other.getDeclaringClass()
        && one.getMethodName().equals(other.getMethodName());
  }

  private static String nameOf(StackFrame frame) {
    String type = frame.getClassName();
    return type.substring(type.lastIndexOf('.') + 1) + "." + frame.getMethodName();
  }

  private static String line(StackFrame frame) {
    return "%s.%s(%s:%d)"
        .formatted(
            frame.getClassName(),
            frame.getMethodName(),
            frame.getFileName(),
            frame.getLineNumber());
  }
}
