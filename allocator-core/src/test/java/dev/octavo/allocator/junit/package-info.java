/// For tests of programs that use the allocator: a JUnit 5 extension that fails on leaks and on
/// memory that was written to by somebody who had no right to.
@NullMarked
package dev.octavo.allocator.junit;

import org.jspecify.annotations.NullMarked;
