/// Programs that show the allocator at work: ten lines to begin with ([QuickStart]) and a recorded
/// workload replayed on real memory ([TraceReplay]).
@NullMarked
package dev.octavo.examples;

import org.jspecify.annotations.NullMarked;
