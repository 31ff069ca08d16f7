package dev.octavo.allocator.context;

import java.util.List;

/// Thrown with [SleepGuard.Mode#THROW] instead of making a call that may sleep inside an atomic
/// section. Nothing has changed, and the violation is counted: who swallows it does not hide it.
public final class SleepInAtomicContextException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  /// The call.
  private final String call;

  /// The labels of the sections.
  private final String[] sections;

  SleepInAtomicContextException(String message, String call, List<String> sections) {
    super(message);
    this.call = call;
    this.sections = sections.toArray(String[]::new);
  }

  /// Returns the call that was refused, with its operands.
  ///
  /// @return as in the message
  public String call() {
    return call;
  }

  /// Returns what made the thread atomic.
  ///
  /// @return labels, innermost last; unmodifiable
  public List<String> sections() {
    return List.of(sections);
  }
}
