/// Atomic sections, in which nothing may sleep, and the guard that tells who does it all the same.
///
/// [dev.octavo.allocator.context.AtomicContext] is the section,
/// [dev.octavo.allocator.context.SleepGuard] the guard.
package dev.octavo.allocator.context;
