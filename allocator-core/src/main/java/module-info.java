import org.jspecify.annotations.NullMarked;

/// A buddy page allocator over off-heap memory: exact sizes, checked frees, no locks.
@NullMarked
module dev.octavo.allocator {
  requires jdk.jfr;
  requires org.slf4j;
  requires static org.jspecify;

  exports dev.octavo.allocator;
  exports dev.octavo.allocator.context;
  exports dev.octavo.allocator.context.check;
  exports dev.octavo.allocator.oom;
  exports dev.octavo.allocator.reclaim;
}
