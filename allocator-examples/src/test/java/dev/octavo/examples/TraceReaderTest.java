package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.bench.strategy.Mobility;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a trace holds after parsing, and how its faults are told.
class TraceReaderTest {

  @Test
  void keepsEventsOrdersMobilityAndTime() throws Exception {
    Trace trace = TraceFiles.parse(TraceFiles.SMALL);
    assertThat(trace.name()).isEqualTo("test.pages");
    assertThat(trace.pageSize()).isEqualTo(4096);
    assertThat(events(trace)).containsExactly(0, 1, ~0, 2, ~1, 7, ~2);
    assertThat(trace.allocations()).isEqualTo(4);
    assertThat(trace.peakPages()).isEqualTo(8 + 1024);
    assertThat(trace.idCount()).isEqualTo(8);
    assertThat(trace.order(2)).isEqualTo(10);
    assertThat(trace.mobility(0)).isEqualTo(Mobility.UNMOVABLE);
    assertThat(trace.mobility(1)).isEqualTo(Mobility.MOVABLE);
    assertThat(trace.mobility(2)).isEqualTo(Mobility.RECLAIMABLE);
    assertThat(trace.mobility(7)).as("high atomic").isEqualTo(Mobility.UNMOVABLE);
    assertThat(trace.millisAt(0)).isZero();
    assertThat(trace.millisAt(1)).isZero();
    assertThat(trace.millisAt(2)).isEqualTo(5);
    assertThat(trace.millisAt(6)).isEqualTo(5);
    assertThat(trace.millisAt(7)).isEqualTo(9);
  }

  @Test
  void gzipWindowsLineEndsBlankLinesAndAMissingLastNewlineAreFine() throws Exception {
    String text = TraceFiles.SMALL.strip().replace("\n", "\r\n") + "\r\n\r\n# the end";
    Trace trace = TraceReader.read("t.gz", new ByteArrayInputStream(TraceFiles.gzip(text)));
    assertThat(events(trace)).containsExactly(0, 1, ~0, 2, ~1, 7, ~2);
  }

  @Test
  void readsTheRecordedTraceAsItsHeaderSays() throws Exception {
    try (var in = TraceReplay.class.getResourceAsStream("postgres-pgbench.pages.gz")) {
      Trace trace = TraceReader.read("postgres-pgbench.pages.gz", in);
      assertThat(trace.eventCount()).isEqualTo(252_643);
      assertThat(trace.peakPages()).isEqualTo(156_157);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a 0 11 0 U S        | order out of range: order=11, max=10",
        "a 0 x 0 U S         | bad number: order=x",
        "a 0 -1 0 U S        | bad number: order=-1",
        "a 67108864 0 0 U S  | id out of range: id=67108864, max=67108863",
        "a 99999999999999999999 0 0 U S | id out of range: id=99999999999999999999, max=67108863",
        "a 0 0 0 X S         | bad mobility: mobility=X",
        "a 0 0 0 U W         | bad context: context=W",
        "a 0 0 0 UU S        | bad mobility: mobility=UU",
        "a 0 0 0 U           | missing word: word=context, line=a 0 0 0 U",
        "a 0 0 0 U S S       | too many words: line=a 0 0 0 U S S",
        "a                   | missing word: word=id, line=a",
        "f 0                 | missing word: word=cpu, line=f 0",
        "f 5 0               | unknown id: id=5",
        "g 0 0               | unknown event: line=g 0 0",
        "t -5                | bad number: ms=-5",
        "t 1 2               | too many words: line=t 1 2",
      })
  void namesTheLineAndTheRule(String line, String rule) {
    assertThatThrownBy(() -> TraceFiles.parse(TraceFiles.HEADER + line + "\n"))
        .isInstanceOf(TraceException.class)
        .hasMessage("test.pages:3: " + rule);
  }

  @Test
  void refusesWhatCannotHaveHappened() {
    refuses("a 1 0 0 U S\na 1 0 0 U S\n", 4, "id allocated twice: id=1");
    refuses("a 1 0 0 U S\nf 1 0\na 1 0 0 U S\n", 5, "id allocated twice: id=1");
    refuses("a 1 0 0 U S\nf 1 0\nf 1 0\n", 5, "id freed twice: id=1");
    refuses("t 7\nt 6\n", 4, "time runs backwards: ms=6, previous=7");
    refuses("", 2, "trace has no events: events=0");
    refuses("x".repeat(1001) + "\n", 3, "line too long: maxBytes=1000");
  }

  private static void refuses(String lines, int line, String rule) {
    assertThatThrownBy(() -> TraceFiles.parse(TraceFiles.HEADER + lines))
        .isInstanceOf(TraceException.class)
        .hasMessage("test.pages:" + line + ": " + rule);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | ''",
        "1 | # other-trace 1",
        "1 | a 0 0 0 U S",
      })
  void refusesAnotherFirstLine(int line, String first) {
    assertThatThrownBy(() -> TraceFiles.parse(first))
        .isInstanceOf(TraceException.class)
        .hasMessage("test.pages:" + line + ": bad header: expected=# page-trace 1, found=" + first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "# page-size 100    | 2: page-size must be a power of two: page-size=100, min=64,"
            + " max=2097152",
        "# page-size 0      | 2: page-size must be a power of two: page-size=0, min=64,"
            + " max=2097152",
        "# page-size x      | 2: bad header: page-size=x",
        "# nothing          | 3: page-size must come before the first event: line=a 0 0 0 U S",
        "# page-size 64 events 2 | 3: header and events differ: events=1, header=2",
        "# page-size 64 peak-pages 9 | 3: header and events differ: peak-pages=1, header=9",
        "# page-size 64 live-at-end 0 | 3: header and events differ: live-at-end=1, header=0",
      })
  void checksTheHeader(String header, String expected) {
    assertThatThrownBy(() -> TraceFiles.parse("# page-trace 1\n" + header + "\na 0 0 0 U S\n"))
        .isInstanceOf(TraceException.class)
        .hasMessage("test.pages:" + expected);
  }

  @Property(tries = 50)
  void agreesWithANaiveReading(@ForAll long seed) throws IOException, TraceException {
    SplittableRandom random = new SplittableRandom(seed);
    StringBuilder text = new StringBuilder(TraceFiles.HEADER);
    List<Integer> expected = new ArrayList<>();
    List<int[]> live = new ArrayList<>();
    long pages = 0;
    long peak = 0;
    for (int id = 0; id < 2000; id++) {
      int order = random.nextInt(11);
      text.append("a " + id + " " + order + " 0 M S\n");
      expected.add(id);
      live.add(new int[] {id, order});
      pages += 1L << order;
      peak = Math.max(peak, pages);
      while (!live.isEmpty() && random.nextInt(3) > 0) {
        int[] block = live.remove(random.nextInt(live.size()));
        text.append("f " + block[0] + " 1\n");
        expected.add(~block[0]);
        pages -= 1L << block[1];
      }
    }
    Trace trace = TraceFiles.parse(text.toString());
    assertThat(events(trace)).isEqualTo(expected);
    assertThat(trace.peakPages()).isEqualTo(peak);
  }

  private static List<Integer> events(Trace trace) {
    List<Integer> events = new ArrayList<>();
    for (int i = 0; i < trace.eventCount(); i++) {
      events.add(trace.event(i));
    }
    return events;
  }
}
