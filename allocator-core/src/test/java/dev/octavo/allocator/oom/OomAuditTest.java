package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.OomAudit.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The audit's entries, counters and events; and its text, read back by a parser.
class OomAuditTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final OomCandidate VICTIM = OomCandidate.of(7, "engine/a", 12_345);
  private static final OomSnapshot SNAPSHOT =
      new OomSnapshot(
          "engine",
          1 << 20,
          4096,
          OomSnapshot.Request.of("worker 3", "BLOCKING", 10_000, 4096),
          OomSnapshot.NO_VICTIM,
          List.of(VICTIM));

  private final OomAudit audit = new OomAudit(() -> NOW);

  // ---- entries

  @Test
  void eachStepIsAnEntryAndCounts() {
    long episode = audit.beginEpisode();
    audit.misbehaved(episode, SNAPSHOT, "policy returned null");
    audit.decided(episode, SNAPSHOT, OomVerdict.kill(VICTIM), false);
    audit.decided(episode, SNAPSHOT, OomVerdict.kill(VICTIM), true);
    audit.decided(episode, SNAPSHOT, new OomVerdict.WaitForVictim(7), false);
    audit.decided(episode, SNAPSHOT, new OomVerdict.FailRequester("so"), false);
    audit.decided(episode, SNAPSHOT, new OomVerdict.Nothing(), false);
    audit.skipped(episode, SNAPSHOT, VICTIM, "a native call holds it");
    audit.reaped(episode, SNAPSHOT, VICTIM, 12_000);
    audit.relieved(audit.beginEpisode(), SNAPSHOT, 500);
    assertThat(audit.last())
        .extracting(OomAudit.Entry::step)
        .containsExactly(
            Step.MISBEHAVED,
            Step.KILLED,
            Step.WOULD_KILL,
            Step.WAITED,
            Step.FAILED,
            Step.NOTHING,
            Step.SKIPPED,
            Step.REAPED,
            Step.RELIEVED);
    for (Step step : Step.values()) {
      assertThat(audit.count(step)).isEqualTo(1);
    }
    assertThat(audit.episodes()).isEqualTo(2);
    assertThat(audit.freedByteSize()).isEqualTo(12_500);
    assertThat(audit.last().get(7))
        .isEqualTo(
            new OomAudit.Entry(
                1, NOW, Step.REAPED, "worker 3", 10_000, "engine", "engine/a", 12_000, ""));
    assertThat(audit.last().getFirst().detail()).isEqualTo("policy returned null");
  }

  @Test
  void theLastSixtyFourAreKept() {
    for (int i = 0; i < 100; i++) {
      audit.relieved(audit.beginEpisode(), SNAPSHOT, 1);
    }
    assertThat(audit.last()).hasSize(64);
    assertThat(audit.last().getFirst().episode()).isEqualTo(37);
    assertThat(audit.last().getLast().episode()).isEqualTo(100);
    assertThat(audit.count(Step.RELIEVED)).isEqualTo(100);
  }

  @Test
  void eachStepIsAnEventOfTheFlightRecorder(@TempDir Path dir) throws IOException {
    Path file = dir.resolve("oom.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("dev.octavo.OomEpisode");
      recording.start();
      audit.reaped(audit.beginEpisode(), SNAPSHOT, VICTIM, 12_000);
      recording.stop();
      recording.dump(file);
    }
    assertThat(Files.size(file)).isPositive();
    RecordedEvent event =
        RecordingFile.readAllEvents(file).stream()
            .filter(e -> e.getEventType().getName().equals("dev.octavo.OomEpisode"))
            .findFirst()
            .orElseThrow();
    assertThat(event.getLong("episode")).isEqualTo(1);
    assertThat(event.getString("step")).isEqualTo("REAPED");
    assertThat(event.getString("requester")).isEqualTo("worker 3");
    assertThat(event.getLong("requested")).isEqualTo(10_000);
    assertThat(event.getString("domain")).isEqualTo("engine");
    assertThat(event.getString("victim")).isEqualTo("engine/a");
    assertThat(event.getLong("freed")).isEqualTo(12_000);
    assertThat(event.getString("detail")).isEmpty();
  }

  // ---- text

  @Test
  void theTextIsLikeTheKernels() {
    assertThat(OomAudit.text(SNAPSHOT, OomVerdict.kill(VICTIM), false).lines())
        .containsExactly(
            "worker 3 invoked oom-killer: mode=BLOCKING, order=2, oom_score_adj=0",
            "oom-domain: engine, total:256, free:1, request:3, page:4096B",
            "[        id]        pages          low   adj score preference flags name",
            "[         7]            4            0     0    11 NORMAL     -     engine/a",
            "Out of memory: Killed engine/a (id 7), usage:12345B, oom_score_adj:0, score:11");
    assertThat(OomAudit.text(SNAPSHOT, OomVerdict.kill(VICTIM), true))
        .contains("Out of memory: Would have killed engine/a (id 7)");
    assertThat(OomAudit.text(SNAPSHOT, new OomVerdict.FailRequester("no\nluck"), false))
        .endsWith("Out of memory: Failed worker 3: no?luck");
    assertThat(OomAudit.text(SNAPSHOT, new OomVerdict.WaitForVictim(7), false))
        .endsWith("Out of memory: Waiting for victim (id 7)");
    assertThat(OomAudit.text(SNAPSHOT, new OomVerdict.Nothing(), false))
        .endsWith("Out of memory: Did nothing");
    assertThat(OomAudit.reapedText(VICTIM, 12_000))
        .isEqualTo("oom_reaper: reaped engine/a (id 7), freed:12000B");
    assertThat(OomText.skipped(VICTIM, "held"))
        .isEqualTo("oom_reaper: skipped engine/a (id 7), reason:held");
  }

  /// What the parser finds in a text.
  private record Parsed(
      String who,
      String mode,
      int order,
      int adj,
      List<Long> numbers,
      List<OomCandidate> rows,
      List<Integer> scores,
      long more,
      String decision) {}

  private static final Pattern FIRST =
      Pattern.compile("(.*) invoked oom-killer: mode=(.*), order=(\\d+), oom_score_adj=(-?\\d+)");
  private static final Pattern DOMAIN =
      Pattern.compile("oom-domain: (.*), total:(\\d+), free:(\\d+), request:(\\d+), page:(\\d+)B");
  private static final Pattern ROW =
      Pattern.compile(
          "\\[ *(\\d+)] +(\\d+) +(\\d+) +(-?\\d+) +(\\d+) (PREFER|NORMAL|AVOID|NEVER) +"
              + "(-|g?r?s?u?) +(.*)");
  private static final Pattern MORE = Pattern.compile("\\.\\.\\. and (\\d+) more");
  private static final Pattern KILLED =
      Pattern.compile(
          "Out of memory: Killed (group )?(.*) \\(id (\\d+)\\), usage:(\\d+)B,"
              + " oom_score_adj:(-?\\d+), score:(\\d+)");

  private static Matcher match(Pattern pattern, String line) {
    Matcher matcher = pattern.matcher(line);
    assertThat(matcher.matches()).as("%s matches %s", pattern, line).isTrue();
    return matcher;
  }

  private static Parsed parse(String text) {
    List<String> lines = text.lines().toList();
    Matcher first = match(FIRST, lines.getFirst());
    Matcher domain = match(DOMAIN, lines.get(1));
    List<OomCandidate> rows = new ArrayList<>();
    List<Integer> scores = new ArrayList<>();
    long more = 0;
    for (String line : lines.subList(3, lines.size() - 1)) {
      Matcher rest = MORE.matcher(line);
      if (rest.matches()) {
        more = Long.parseLong(rest.group(1));
      } else {
        Matcher row = match(ROW, line);
        String flags = row.group(7);
        rows.add(
            new OomCandidate(
                Long.parseLong(row.group(1)),
                row.group(8),
                0,
                Long.parseLong(row.group(2)),
                Long.parseLong(row.group(3)),
                Integer.parseInt(row.group(4)),
                Preference.valueOf(row.group(6)),
                0,
                flags.contains("g"),
                flags.contains("r"),
                flags.contains("s"),
                flags.contains("u")));
        scores.add(Integer.parseInt(row.group(5)));
      }
    }
    List<Long> numbers = new ArrayList<>();
    for (int i = 2; i <= 5; i++) {
      numbers.add(Long.parseLong(domain.group(i)));
    }
    return new Parsed(
        first.group(1),
        first.group(2),
        Integer.parseInt(first.group(3)),
        Integer.parseInt(first.group(4)),
        numbers,
        rows,
        scores,
        more,
        lines.getLast());
  }

  private static long pages(long byteSize) {
    return byteSize / 4096 + Math.min(1, byteSize % 4096);
  }

  @Property
  void theTextSaysWhatTheSnapshotSays(@ForAll long seed) {
    OomSnapshot snapshot = new Snapshots(seed).next();
    OomVerdict verdict = OomPolicy.kernel().decide(snapshot);
    Parsed parsed = parse(OomAudit.text(snapshot, verdict, false));
    assertThat(parsed.who()).isEqualTo("asks");
    assertThat(parsed.mode()).isEqualTo("BLOCKING");
    long requested = pages(snapshot.request().byteSize());
    assertThat(1L << parsed.order()).isGreaterThanOrEqualTo(requested);
    assertThat(parsed.order() == 0 || 1L << (parsed.order() - 1) < requested).isTrue();
    assertThat(parsed.adj())
        .isEqualTo(
            snapshot.find(snapshot.request().candidateId()).map(OomCandidate::scoreAdj).orElse(0));
    assertThat(parsed.numbers())
        .containsExactly(
            pages(snapshot.totalByteSize()), pages(snapshot.freeByteSize()), requested, 4096L);
    List<OomCandidate> ranked = snapshot.top(Integer.MAX_VALUE);
    assertThat(parsed.more()).isZero();
    assertThat(parsed.rows()).hasSameSizeAs(ranked);
    for (int i = 0; i < ranked.size(); i++) {
      OomCandidate row = parsed.rows().get(i);
      OomCandidate candidate = ranked.get(i);
      assertThat(row.id()).isEqualTo(candidate.id());
      assertThat(row.name()).isEqualTo(candidate.name());
      assertThat(row.usageByteSize()).isEqualTo(pages(candidate.usageByteSize()));
      assertThat(row.lowByteSize()).isEqualTo(pages(candidate.lowByteSize()));
      assertThat(row.scoreAdj()).isEqualTo(candidate.scoreAdj());
      assertThat(row.preference()).isEqualTo(candidate.preference());
      assertThat(row.isGroup()).isEqualTo(candidate.isGroup());
      assertThat(row.isReapable()).isEqualTo(candidate.isReapable());
      assertThat(row.isSkipped()).isEqualTo(candidate.isSkipped());
      assertThat(row.isUseless()).isEqualTo(candidate.isUseless());
      assertThat(parsed.scores().get(i)).isEqualTo(snapshot.score(candidate));
    }
    verdict
        .victim()
        .ifPresent(
            victim -> {
              assertThat(victim).isEqualTo(ranked.getFirst());
              Matcher killed = match(KILLED, parsed.decision());
              assertThat(killed.group(1) != null).isEqualTo(victim.isGroup());
              assertThat(killed.group(2)).isEqualTo(victim.name());
              assertThat(killed.group(3)).isEqualTo(String.valueOf(victim.id()));
              assertThat(killed.group(4)).isEqualTo(String.valueOf(victim.usageByteSize()));
              assertThat(killed.group(6)).isEqualTo(String.valueOf(snapshot.score(victim)));
            });
  }

  @Test
  void aLongTableIsCut() {
    List<OomCandidate> many = new ArrayList<>();
    for (int i = 1; i <= 120; i++) {
      many.add(OomCandidate.of(i, "a" + i, i));
    }
    OomSnapshot snapshot = Snapshots.with(SNAPSHOT, many);
    Parsed parsed = parse(OomAudit.text(snapshot, OomPolicy.kernel().decide(snapshot), false));
    assertThat(parsed.rows()).hasSize(50);
    assertThat(parsed.rows().getFirst().id()).isEqualTo(120);
    assertThat(parsed.more()).isEqualTo(70);
  }
}
