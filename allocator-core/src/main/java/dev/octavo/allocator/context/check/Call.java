package dev.octavo.allocator.context.check;

/// One call, or one reference to a method, in the code of another.
///
/// @param owner the class that the call names
/// @param signature name and descriptor
/// @param isDispatched whether an override may be what runs
/// @param isLambda whether the method is not called here, but made into an object
/// @param line in the source file, or -1
/// @param mode what is known of the allocation mode that it passes
/// @param section the section of the calling method that it is in
record Call(
    String owner,
    String signature,
    boolean isDispatched,
    boolean isLambda,
    int line,
    Mode mode,
    Sections.Kind section) {

  Call in(Sections.Kind kind) {
    return new Call(owner, signature, isDispatched, isLambda, line, mode, kind);
  }

  /// What is known of the `AllocationMode` among the arguments of a call.
  enum Mode {
    /// There is none, or it comes later.
    NONE,
    /// It is a constant that never waits.
    QUIET,
    /// It is the calling method's own parameter.
    PARAMETER,
    /// It is a constant that may wait, or may be any.
    ANY
  }
}
