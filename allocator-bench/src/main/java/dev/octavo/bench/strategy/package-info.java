/// Page allocation policies behind one small face, so that they can be measured side by side:
/// Octavo itself, Linux's per-order lists with and without mobility grouping, and lowest address.
@NullMarked
package dev.octavo.bench.strategy;

import org.jspecify.annotations.NullMarked;
