package dev.octavo.allocator.context;

import static java.lang.StackWalker.Option.RETAIN_CLASS_REFERENCE;

import java.lang.StackWalker.StackFrame;
import java.security.ProtectionDomain;
import java.util.Iterator;
import java.util.stream.Stream;

/// A place in a program that called something that may sleep.
///
/// @param method what was called: class and method
/// @param caller the line that called it
record CallSite(String method, String caller) {

  private static final String ROOT = "dev.octavo.allocator";
  private static final ProtectionDomain OURS = SleepGuard.class.getProtectionDomain();
  private static final StackWalker WALKER = StackWalker.getInstance(RETAIN_CLASS_REFERENCE);

  /// Finds who called the library: the innermost frame outside of it.
  ///
  /// If the guard itself was called from there, that frame is a guarded method of the user's, and
  /// its caller is the site. Walks the stack.
  static CallSite ofCaller() {
    return WALKER.walk(CallSite::find);
  }

  static CallSite find(Stream<StackFrame> stack) {
    Iterator<StackFrame> frames = stack.iterator();
    StackFrame called = frames.next();
    StackFrame caller = called;
    while (frames.hasNext() && isOurs(caller)) {
      called = caller;
      caller = frames.next();
    }
    if (called.getDeclaringClass() == SleepGuard.class) {
      called = caller;
      while (frames.hasNext() && isSameMethod(caller, called)) {
        caller = frames.next();
      }
    }
    return new CallSite(nameOf(called), line(caller));
  }

  /// The library, and what of the JDK lies between it and its caller. Tests in packages of ours are
  /// not the library: they come from elsewhere.
  private static boolean isOurs(StackFrame frame) {
    Class<?> type = frame.getDeclaringClass();
    String room = type.getPackageName();
    boolean hasOurName = room.equals(ROOT) || room.startsWith(ROOT + ".");
    return (hasOurName && OURS.equals(type.getProtectionDomain()))
        || room.equals("java.lang.foreign")
        || room.equals("jdk.internal.foreign");
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
