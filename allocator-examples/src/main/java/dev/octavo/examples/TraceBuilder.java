package dev.octavo.examples;

import dev.octavo.bench.strategy.Mobility;
import java.util.Arrays;

/// Collects the events of a trace into compact arrays and refuses those that make no sense.
///
/// The methods return the rule that an event breaks, or an empty string.
final class TraceBuilder {
  /// Ids are indices of arrays, so they are limited: 5 bytes an id while replaying.
  static final int MAX_ID = (1 << 26) - 1;

  static final int MAX_EVENTS = 1 << 27;

  /// 256 GiB at 4 KiB; a region this large can still be addressed by `int` page numbers.
  static final long MAX_LIVE_PAGES = 1L << 26;

  private static final String OK = "";
  private static final int SEEN = 0x40;
  private static final int FREED = 0x80;

  private int[] events = new int[1 << 12];
  private int eventCount;

  /// By id: 0 or the packed attributes with [#SEEN] and, once freed, [#FREED].
  private byte[] blocks = new byte[1 << 12];

  private int idCount;
  private int[] tickEvents = new int[1 << 6];
  private int[] tickMillis = new int[1 << 6];
  private int tickCount;
  private int allocations;
  private long livePages;
  private long peakPages;

  String allocate(int id, int order, Mobility mobility) {
    if (id < blocks.length && blocks[id] != 0) {
      return "id allocated twice: id=" + id;
    }
    livePages += 1L << order;
    if (livePages > MAX_LIVE_PAGES) {
      return "too many live pages: pages=" + livePages + ", max=" + MAX_LIVE_PAGES;
    }
    if (id >= blocks.length) {
      blocks = Arrays.copyOf(blocks, Math.max(id + 1, blocks.length * 2));
    }
    blocks[id] = (byte) (Trace.attributes(order, mobility) | SEEN);
    idCount = Math.max(idCount, id + 1);
    peakPages = Math.max(peakPages, livePages);
    allocations++;
    return append(id);
  }

  String free(int id) {
    int block = id < blocks.length ? blocks[id] : 0;
    if (block == 0) {
      return "unknown id: id=" + id;
    }
    if ((block & FREED) != 0) {
      return "id freed twice: id=" + id;
    }
    blocks[id] = (byte) (block | FREED);
    livePages -= 1L << Trace.orderOf(block);
    return append(~id);
  }

  String tick(int millis) {
    int previous = tickCount == 0 ? 0 : tickMillis[tickCount - 1];
    if (millis < previous) {
      return "time runs backwards: ms=" + millis + ", previous=" + previous;
    }
    if (tickCount == tickMillis.length) {
      tickEvents = Arrays.copyOf(tickEvents, tickCount * 2);
      tickMillis = Arrays.copyOf(tickMillis, tickCount * 2);
    }
    tickEvents[tickCount] = eventCount;
    tickMillis[tickCount] = millis;
    tickCount++;
    return OK;
  }

  private String append(int event) {
    if (eventCount == MAX_EVENTS) {
      return "too many events: max=" + MAX_EVENTS;
    }
    if (eventCount == events.length) {
      events = Arrays.copyOf(events, eventCount * 2);
    }
    events[eventCount++] = event;
    return OK;
  }

  int eventCount() {
    return eventCount;
  }

  int liveBlocks() {
    return 2 * allocations - eventCount;
  }

  int[] events() {
    return Arrays.copyOf(events, eventCount);
  }

  byte[] attributes() {
    return Arrays.copyOf(blocks, idCount);
  }

  int[] tickEvents() {
    return Arrays.copyOf(tickEvents, tickCount);
  }

  int[] tickMillis() {
    return Arrays.copyOf(tickMillis, tickCount);
  }

  Trace.Totals totals() {
    return new Trace.Totals(allocations, peakPages);
  }
}
