/// Who uses how much memory, who must give when there is none left, and what was decided.
///
/// Works without the allocator, too: [dev.octavo.allocator.oom.MemoryAccount] counts whatever is
/// charged to it by hand, an [dev.octavo.allocator.oom.OomPolicy] is a function over plain data,
/// and an [dev.octavo.allocator.oom.OomKiller] is moved by whoever waits. Start at these three.
@NullMarked
package dev.octavo.allocator.oom;

import org.jspecify.annotations.NullMarked;
