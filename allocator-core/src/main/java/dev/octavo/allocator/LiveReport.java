package dev.octavo.allocator;

import dev.octavo.allocator.internal.checks.CheckedPool;
import dev.octavo.allocator.internal.checks.Live;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Counts live allocations one by one, and says how many there were and where.
final class LiveReport {

  private static final int MAX_PLACES = 16;

  private final @Nullable CheckedPool checked;
  private final List<LiveAllocationsException.Place> places = new ArrayList<>();
  private final List<Live> known = new ArrayList<>();
  private long count;
  private long pages;

  /// @param checked knows where they were made; null if nobody does
  LiveReport(@Nullable CheckedPool checked) {
    this.checked = checked;
  }

  /// Counts an allocation, which must be live until this returns.
  void add(int page, int length) {
    count++;
    pages += length;
    if (places.size() < MAX_PLACES) {
      places.add(new LiveAllocationsException.Place(page, length));
    }
    Live live = checked == null ? null : checked.liveAt(page);
    if (live != null) {
      known.add(live);
    }
  }

  boolean isEmpty() {
    return count == 0;
  }

  /// @param rule what was asked that does not go with live allocations
  /// @param name the allocator's
  LiveAllocationsException toException(String rule, String name) {
    String message =
        "%s: name=%s, count=%d, pages=%d, first=%s".formatted(rule, name, count, pages, places);
    return LiveAllocationsException.of(message, count, places, known);
  }
}
