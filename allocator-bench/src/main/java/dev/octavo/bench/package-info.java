/// JMH benchmarks of the allocator and of the strategies it is compared with. Run them with `java
/// -jar allocator-bench/target/benchmarks.jar`; what the figures mean stands in docs/benchmarks.md.
package dev.octavo.bench;
