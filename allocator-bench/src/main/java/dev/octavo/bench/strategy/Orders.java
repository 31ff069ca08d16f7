package dev.octavo.bench.strategy;

/// The one check that all strategies share.
final class Orders {
  private Orders() {}

  static void check(int order, int maxOrder) {
    if (order < 0 || order > maxOrder) {
      throw new IllegalArgumentException(
          "order out of range: order=" + order + ", maxOrder=" + maxOrder);
    }
  }
}
