package dev.octavo.examples;

/// A trace that cannot be used; the message reads `file:line: rule: name=value`, where line 0
/// stands for the file as a whole.
final class TraceException extends Exception {
  private static final long serialVersionUID = 1L;

  TraceException(String file, long line, String text) {
    super(file + ":" + line + ": " + text);
  }
}
