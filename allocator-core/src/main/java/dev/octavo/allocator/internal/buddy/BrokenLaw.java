package dev.octavo.allocator.internal.buddy;

/// One finding of an audit.
///
/// @param law the id of the law, `L1` and so on
/// @param detail where and how, as `rule: name=value`
public record BrokenLaw(String law, String detail) {}
