/// Octavo: a buddy page allocator over off-heap memory, exact to the page. Start at
/// [dev.octavo.allocator.PageAllocator].
package dev.octavo.allocator;
