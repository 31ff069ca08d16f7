/// JMH benchmarks of the allocator, of the strategies it is compared with, and of the peers that
/// users would take instead. Run them with `java --sun-misc-unsafe-memory-access=allow -jar
/// allocator-bench/target/benchmarks.jar`; what the figures mean stands in docs/benchmarks.md.
package dev.octavo.bench;
