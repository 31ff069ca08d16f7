package dev.octavo.allocator.internal.request;

/// Arithmetic on sizes that stops at the largest long instead of overflowing.
final class Saturated {

  private Saturated() {}

  /// The product of two numbers that are 0 or more.
  static long product(long a, long b) {
    return Math.multiplyHigh(a, b) != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
  }
}
