package dev.octavo.allocator;

/// What all arenas of an allocator have in common.
///
/// @param nativeAccess whether segments may be given a lifetime of their own
/// @param watch whether forgotten arenas are reported
record ArenaOptions(boolean nativeAccess, boolean watch) {}
