package dev.octavo.allocator;

/// Checks of arguments; each error names the rule and the value.
final class Checks {

  private Checks() {}

  static void range(String name, long value, long min, long max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + " out of range: value=" + value + ", min=" + min + ", max=" + max);
    }
  }

  static void powerOfTwo(String name, long value) {
    if (value < 1 || (value & value - 1) != 0) {
      throw new IllegalArgumentException(name + " must be a power of two: value=" + value);
    }
  }

  static void multiple(String name, long value, long divisor) {
    if (value % divisor != 0) {
      throw new IllegalArgumentException(
          name + " must be a multiple of the page size: value=" + value + ", pageSize=" + divisor);
    }
  }
}
