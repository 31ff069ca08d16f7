package dev.octavo.allocator.internal.request;

/// What requests of one mode may do.
///
/// @param mark pages that must stay free, 0 or more
/// @param mayWait whether they get in line when there is nothing
public record Admission(long mark, boolean mayWait) {}
