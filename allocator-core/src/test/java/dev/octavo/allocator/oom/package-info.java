/// Tests of accounts, policies, the audit and pressure.
@NullMarked
package dev.octavo.allocator.oom;

import org.jspecify.annotations.NullMarked;
