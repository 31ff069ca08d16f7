/// What the allocator and its accounts tell each other beyond the public API of accounts: books,
/// waits and the news of an uncharge. Uses nothing, so that neither side depends on the other.
@NullMarked
package dev.octavo.allocator.internal.accounts;

import org.jspecify.annotations.NullMarked;
