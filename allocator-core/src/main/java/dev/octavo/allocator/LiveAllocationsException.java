package dev.octavo.allocator;

import dev.octavo.allocator.internal.checks.Live;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// Thrown by [PageAllocator#close] when allocations were live, which have ended with it, and by
/// [PageAllocator#assertNoLeaks] when some are.
public final class LiveAllocationsException extends IllegalStateException {

  /// A live allocation.
  ///
  /// @param page the index of its first page
  /// @param pages its length in pages
  public record Place(long page, long pages) {}

  /// A place in the program, and what it allocated that is live.
  ///
  /// @param count how many allocations, at least 1
  /// @param byteSize their sizes together, as asked for
  /// @param thread the name of the thread that made them
  /// @param frames up to 8 frames, innermost first, none of the library's
  public record Site(long count, long byteSize, String thread, List<StackTraceElement> frames) {

    private static final Comparator<Site> MOST_BYTES_FIRST =
        Comparator.comparingLong(Site::byteSize)
            .thenComparingLong(Site::count)
            .reversed()
            .thenComparing(Site::thread)
            .thenComparing(site -> site.frames().toString());

    /// Copies the frames.
    public Site {
      frames = List.copyOf(frames);
    }

    private Site and(Site other) {
      return new Site(count + other.count, byteSize + other.byteSize, thread, frames);
    }

    private String toLines() {
      String head = "%n  count=%d, byteSize=%d, thread=%s".formatted(count, byteSize, thread);
      return frames.stream()
          .map(frame -> "%n    at %s".formatted(frame))
          .collect(Collectors.joining("", head, ""));
    }
  }

  private static final long serialVersionUID = 1L;
  private static final int MAX_SITES_SHOWN = 16;

  /// How many.
  private final long count;

  private final transient List<Place> places;
  private final transient List<Site> sites;

  private LiveAllocationsException(
      String message, long count, List<Place> places, List<Site> sites) {
    super(message);
    this.count = count;
    this.places = List.copyOf(places);
    this.sites = List.copyOf(sites);
  }

  /// @param known those whose place in the program is known
  static LiveAllocationsException of(
      String message, long count, List<Place> places, List<Live> known) {
    List<Site> sites = sitesOf(known);
    String lines =
        sites.stream().limit(MAX_SITES_SHOWN).map(Site::toLines).collect(Collectors.joining());
    return new LiveAllocationsException(message + lines, count, places, sites);
  }

  private static List<Site> sitesOf(List<Live> known) {
    Map<Object, Site> sites = new HashMap<>();
    for (Live live : known) {
      Site one = new Site(1, live.byteSize(), live.site().thread(), live.site().frames());
      sites.merge(live.site(), one, Site::and);
    }
    return sites.values().stream().sorted(Site.MOST_BYTES_FIRST).toList();
  }

  /// How many allocations are live.
  ///
  /// @return at least 1
  public long count() {
    return count;
  }

  /// Where the first of them are, lowest address first.
  ///
  /// @return up to 16 places; empty after deserialization
  public List<Place> places() {
    return places == null ? List.of() : places;
  }

  /// Where in the program they were made, most bytes first. The message shows the first 16.
  ///
  /// @return all sites; empty without [CheckLevel#FULL], and after deserialization
  public List<Site> sites() {
    return sites == null ? List.of() : sites;
  }
}
