/// What the benchmarks say, in tables: ratios of ours to every peer, the bars that are to hold, and
/// the difference between two runs. `Compare` reads JMH's JSON, `QuickSet` makes it first, and
/// `Builds` judges one build against another.
@NullMarked
package dev.octavo.bench.report;

import org.jspecify.annotations.NullMarked;
