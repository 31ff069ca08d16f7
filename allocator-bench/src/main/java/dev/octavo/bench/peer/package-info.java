/// What users could take instead of the allocator, each behind the same small face, so that one
/// workload runs on all of them. Nothing is boxed: each peer keeps its buffers in an array of its
/// own type.
package dev.octavo.bench.peer;
