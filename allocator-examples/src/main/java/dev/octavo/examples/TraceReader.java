package dev.octavo.examples;

import dev.octavo.bench.strategy.Mobility;
import java.io.IOException;
import java.io.InputStream;

/// Reads the text format of a page trace:
///
/// ```text
/// # page-trace 1                                 first line
/// # page-size 4096  events 3  peak-pages 8       page-size is needed, the rest is checked if given
/// t <milliseconds>
/// a <id> <order> <cpu> <U|M|R|H> <S|A>           allocate 2^order pages
/// f <id> <cpu>                                   free
/// ```
///
/// Words are separated by one space; other lines that begin with `#` are comments. Limits: ids up
/// to [TraceBuilder#MAX_ID], orders up to [Trace#MAX_ORDER], [TraceBuilder#MAX_EVENTS] events,
/// lines of [TraceLines#MAX_LINE_BYTES] bytes.
final class TraceReader {
  private static final String FIRST_LINE = "# page-trace 1";
  private static final int MAX_CPU = 1 << 16;
  private static final int MIN_PAGE_SIZE = 64;
  private static final int MAX_PAGE_SIZE = 2 << 20;
  private static final int NOT_GIVEN = -1;

  private final String file;
  private final TraceLines lines;
  private final TraceBuilder builder = new TraceBuilder();
  private int pageSize = NOT_GIVEN;
  private int headerEvents = NOT_GIVEN;
  private int headerPeakPages = NOT_GIVEN;
  private int headerLiveBlocks = NOT_GIVEN;

  private TraceReader(String file, InputStream in) throws IOException, TraceException {
    this.file = file;
    lines = new TraceLines(file, in);
  }

  /// Reads a whole trace; `file` is what errors and reports call it.
  static Trace read(String file, InputStream in) throws IOException, TraceException {
    TraceReader reader = new TraceReader(file, in);
    reader.readLines();
    return reader.finish();
  }

  private void readLines() throws IOException, TraceException {
    if (!lines.next() || !lines.text().equals(FIRST_LINE)) {
      throw lines.error("bad header: expected=" + FIRST_LINE + ", found=" + lines.text());
    }
    while (lines.next()) {
      if (lines.startsWith('#')) {
        readHeader(lines.text());
      } else if (!lines.isBlank()) {
        readEvent();
      }
    }
  }

  private void readHeader(String text) throws TraceException {
    String[] words = text.substring(1).trim().split(" +");
    for (int i = 0; i + 1 < words.length; i += 2) {
      switch (words[i]) {
        case "page-size" -> pageSize = pageSize(headerNumber(words, i));
        case "events" -> headerEvents = headerNumber(words, i);
        case "peak-pages" -> headerPeakPages = headerNumber(words, i);
        case "live-at-end" -> headerLiveBlocks = headerNumber(words, i);
        default -> {
          return;
        }
      }
    }
  }

  private int headerNumber(String[] words, int at) throws TraceException {
    try {
      return Math.max(NOT_GIVEN, Integer.parseInt(words[at + 1]));
    } catch (NumberFormatException e) {
      throw lines.error("bad header: " + words[at] + "=" + words[at + 1]);
    }
  }

  private int pageSize(int bytes) throws TraceException {
    if (Integer.bitCount(bytes) != 1 || bytes < MIN_PAGE_SIZE || bytes > MAX_PAGE_SIZE) {
      throw lines.error(
          Text.format(
              "page-size must be a power of two: page-size=%d, min=%d, max=%d",
              bytes, MIN_PAGE_SIZE, MAX_PAGE_SIZE));
    }
    return bytes;
  }

  private void readEvent() throws TraceException {
    if (pageSize == NOT_GIVEN) {
      throw lines.error("page-size must come before the first event: line=" + lines.text());
    }
    char kind = lines.takeLetter("event");
    String broken =
        switch (kind) {
          case 'a' -> readAllocate();
          case 'f' -> readFree();
          case 't' -> readTick();
          default -> "unknown event: line=" + lines.text();
        };
    if (!broken.isEmpty()) {
      throw lines.error(broken);
    }
  }

  private String readAllocate() throws TraceException {
    int id = lines.takeNumber("id", TraceBuilder.MAX_ID);
    int order = lines.takeNumber("order", Trace.MAX_ORDER);
    lines.takeNumber("cpu", MAX_CPU);
    char mobility = lines.takeLetter("mobility");
    char context = lines.takeLetter("context");
    lines.endLine();
    if (context != 'S' && context != 'A') {
      return "bad context: context=" + context;
    }
    return switch (mobility) {
      case 'U', 'H' -> builder.allocate(id, order, Mobility.UNMOVABLE);
      case 'M' -> builder.allocate(id, order, Mobility.MOVABLE);
      case 'R' -> builder.allocate(id, order, Mobility.RECLAIMABLE);
      default -> "bad mobility: mobility=" + mobility;
    };
  }

  private String readFree() throws TraceException {
    int id = lines.takeNumber("id", TraceBuilder.MAX_ID);
    lines.takeNumber("cpu", MAX_CPU);
    lines.endLine();
    return builder.free(id);
  }

  private String readTick() throws TraceException {
    int millis = lines.takeNumber("ms", Integer.MAX_VALUE - 1);
    lines.endLine();
    return builder.tick(millis);
  }

  private Trace finish() throws TraceException {
    if (builder.eventCount() == 0) {
      throw lines.error("trace has no events: events=0");
    }
    checkHeader("events", headerEvents, builder.eventCount());
    checkHeader("peak-pages", headerPeakPages, builder.totals().peakPages());
    checkHeader("live-at-end", headerLiveBlocks, builder.liveBlocks());
    return new Trace(builder, file, pageSize);
  }

  private void checkHeader(String what, int promised, long found) throws TraceException {
    if (promised != NOT_GIVEN && promised != found) {
      throw lines.error("header and events differ: " + what + "=" + found + ", header=" + promised);
    }
  }
}
