package dev.octavo.allocator;

/// What a request may do when memory is short. Linux's GFP modes, as far as they matter here.
///
/// | mode | may reclaim and wait | reserve that it leaves | in an atomic section | Linux |
/// |---|---|---|---|---|
/// | [#BLOCKING] | yes, up to its deadline | all of it | a violation | `GFP_KERNEL` |
/// | [#NOWAIT] | no; it wakes the reclaimer | all of it | legal | `GFP_NOWAIT` |
/// | [#ATOMIC] | no; it wakes the reclaimer | three eighths of it | legal | `GFP_ATOMIC` |
///
/// The reserve is what lies below the min [watermark][dev.octavo.allocator.reclaim.Watermarks].
public enum AllocationMode {

  /// May sleep: runs reclaim, waits for memory in line with others, and has an OOM policy decide.
  /// For threads that may be stopped. The mode of every method that takes none and does not start
  /// with `try`.
  BLOCKING,

  /// Never sleeps and leaves the reserve alone: fails where BLOCKING would wait. For callers that
  /// can do without, and the mode of methods that start with `try`.
  NOWAIT,

  /// Never sleeps and may use the reserve. For event loops, callbacks and sections under a lock
  /// that cannot do without.
  ATOMIC
}
