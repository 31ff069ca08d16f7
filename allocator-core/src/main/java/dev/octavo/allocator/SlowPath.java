package dev.octavo.allocator;

import dev.octavo.allocator.context.AtomicContext;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.internal.cache.PoolWatch;
import dev.octavo.allocator.internal.reclaim.Reclaimer;
import dev.octavo.allocator.internal.reclaim.WaitClock;
import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a request does when the pages of its own thread do not suffice.
///
/// 1. It takes pages from the tree, as far as its mode lets it go below the min watermark. If fewer
///    than the low watermark stay free, it wakes the reclaimer.
/// 2. Before it fails, every cache is drained, and it looks again (L5). Here NOWAIT and ATOMIC end.
/// 3. BLOCKING gets in line. While anybody is in line, no thread keeps free pages to itself, all
///    that is freed goes to the first in line, and who comes later gets in line behind.
/// 4. The reclaimer runs shrinkers for those in line.
/// 5. A request leaves the line with its pages, or at its deadline, or interrupted.
///
/// A BLOCKING request of a callback that reclaims neither reclaims nor waits; it may use all of the
/// reserve, as it is about to free more.
///
/// Source: `__alloc_pages_slowpath` of Linux's mm/page_alloc.c.
final class SlowPath implements PoolWatch, WaitingRoom.Host {

  /// Results that are no page; [PagePool#NONE] means that there were none.
  static final long DEADLINE = -2;

  static final long INTERRUPTED = -3;
  static final long CLOSED = -4;

  private static final Logger LOG = LoggerFactory.getLogger(SlowPath.class);

  private final PageAllocator allocator;
  private final PagePool pool;
  private final Watermarks.Pages marks;
  private final WaitClock clock;
  private final WaitingRoom room;
  private final Reclaimer reclaimer;
}
