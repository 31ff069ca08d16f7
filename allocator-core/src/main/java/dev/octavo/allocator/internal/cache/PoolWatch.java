package dev.octavo.allocator.internal.cache;

/// Is told when memory gets short, and when some becomes free for which others wait. Never blocks.
public interface PoolWatch {

  /// Nobody is interested.
  PoolWatch NONE =
      new PoolWatch() {
        @Override
        public void low() {}

        @Override
        public void freed(int pages) {}
      };

  /// A call found fewer free pages than [CacheLimits#low] beyond what it asks for.
  void low();

  /// Pages became free between [PagePool#beginWait] and [PagePool#endWait].
  ///
  /// @param pages how many, at least 1: those that the call has just freed, without the free pages
  ///   beside them
  void freed(int pages);
}
