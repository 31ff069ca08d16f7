/// A check of call graphs for unit tests: does a method that must not sleep reach one that may?
///
/// Methods are marked with [dev.octavo.allocator.context.check.AtomicContext] and
/// [dev.octavo.allocator.context.check.MightSleep]; [dev.octavo.allocator.context.check.SleepCheck]
/// reads class files and prints the way from one to the other.
package dev.octavo.allocator.context.check;
