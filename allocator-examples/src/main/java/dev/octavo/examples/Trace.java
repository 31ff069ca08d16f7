package dev.octavo.examples;

import dev.octavo.bench.strategy.Mobility;
import java.nio.file.Path;
import java.util.Arrays;

/// A recorded page workload, parsed: 4 bytes an event and 1 byte an allocation. Immutable by
/// convention; what the arrays hold has been checked by [TraceBuilder].
///
/// An event is the id of the block to allocate, or the bitwise complement of the id to free. Ids
/// are unique: a block is allocated at most once and freed at most once.
final class Trace {
  /// What a request may not exceed: the largest order of the kernel that recorded it.
  static final int MAX_ORDER = 10;

  private static final int ORDER_BITS = 4;
  private static final int ORDER_MASK = (1 << ORDER_BITS) - 1;
  private static final int MOBILITY_MASK = 3;

  private final String file;
  private final int pageSize;
  private final int[] events;
  private final byte[] attributes;

  /// When the recording's clock was noted: `tickMillis[i]` after `tickEvents[i]` events.
  private final int[] tickEvents;

  private final int[] tickMillis;
  private final Totals totals;

  /// Sums over a whole trace.
  record Totals(int allocations, long peakPages) {}

  Trace(TraceBuilder builder, String file, int pageSize) {
    this.file = file;
    this.pageSize = pageSize;
    events = builder.events();
    attributes = builder.attributes();
    tickEvents = builder.tickEvents();
    tickMillis = builder.tickMillis();
    totals = builder.totals();
  }

  /// Packs what is kept of an allocation; fits in 6 bits.
  static int attributes(int order, Mobility mobility) {
    int kind =
        switch (mobility) {
          case UNMOVABLE -> 0;
          case MOVABLE -> 1;
          case RECLAIMABLE -> 2;
        };
    return order | kind << ORDER_BITS;
  }

  static int orderOf(int attributes) {
    return attributes & ORDER_MASK;
  }

  static boolean isAllocation(int event) {
    return event >= 0;
  }

  /// Returns the id of a free.
  static int freedId(int event) {
    return ~event;
  }

  /// Returns the name of the trace's file, without its folders.
  String name() {
    return String.valueOf(Path.of(file).getFileName());
  }

  /// Returns the name under which errors speak of the trace.
  String file() {
    return file;
  }

  int pageSize() {
    return pageSize;
  }

  int eventCount() {
    return events.length;
  }

  int event(int index) {
    return events[index];
  }

  /// Returns a bound above every id.
  int idCount() {
    return attributes.length;
  }

  int allocations() {
    return totals.allocations();
  }

  /// Returns the most pages that were allocated at any time.
  long peakPages() {
    return totals.peakPages();
  }

  long peakBytes() {
    return peakPages() * pageSize;
  }

  int order(int id) {
    return orderOf(attributes[id]);
  }

  Mobility mobility(int id) {
    return switch ((attributes[id] >> ORDER_BITS) & MOBILITY_MASK) {
      case 0 -> Mobility.UNMOVABLE;
      case 1 -> Mobility.MOVABLE;
      default -> Mobility.RECLAIMABLE;
    };
  }

  /// Returns the recording's clock in milliseconds after so many events; 0 before the first tick.
  int millisAt(int eventCount) {
    int found = Arrays.binarySearch(tickEvents, eventCount);
    int last = found >= 0 ? found : -found - 2;
    return last < 0 ? 0 : tickMillis[last];
  }
}
