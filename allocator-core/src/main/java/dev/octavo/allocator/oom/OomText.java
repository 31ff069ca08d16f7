package dev.octavo.allocator.oom;

import static java.util.Locale.ROOT;

import java.util.List;

/// Texts like those of Linux's OOM killer. Each fact is at a fixed place, so that it can be read
/// back; what comes from outside has no line breaks.
final class OomText {

  private static final int MOST_ROWS = 50;
  private static final String HEAD =
      "[        id]        pages          low   adj score preference flags name";

  private OomText() {}

  /// The request, and the table of candidates, the best victim on top.
  static String invocation(OomSnapshot snapshot) {
    OomSnapshot.Request request = snapshot.request();
    StringBuilder text = new StringBuilder();
    text.append(
        "%s invoked oom-killer: mode=%s, order=%d, oom_score_adj=%d%n"
            .formatted(
                line(request.who()), line(request.mode()), order(request), requesterAdj(snapshot)));
    text.append(
        "oom-domain: %s, total:%d, free:%d, request:%d, page:%dB%n"
            .formatted(
                line(snapshot.domain()),
                request.pages(snapshot.totalByteSize()),
                request.pages(snapshot.freeByteSize()),
                request.pages(request.byteSize()),
                request.pageByteSize()));
    text.append(HEAD).append(System.lineSeparator());
    snapshot.top(MOST_ROWS).forEach(row -> text.append(row(snapshot, row)));
    List<OomCandidate> all = snapshot.candidates();
    if (all.size() > MOST_ROWS) {
      text.append("... and %d more%n".formatted(all.size() - MOST_ROWS));
    }
    return text.toString();
  }

  private static String row(OomSnapshot snapshot, OomCandidate candidate) {
    return String.format(
        ROOT,
        "[%10d] %12d %12d %5d %5d %-10s %-5s %s%n",
        candidate.id(),
        snapshot.request().pages(candidate.usageByteSize()),
        snapshot.request().pages(candidate.lowByteSize()),
        candidate.scoreAdj(),
        snapshot.score(candidate),
        candidate.preference(),
        flags(candidate),
        line(candidate.name()));
  }

  private static String flags(OomCandidate candidate) {
    String flags =
        (candidate.isGroup() ? "g" : "")
            + (candidate.isReapable() ? "r" : "")
            + (candidate.isSkipped() ? "s" : "")
            + (candidate.isUseless() ? "u" : "");
    return flags.isEmpty() ? "-" : flags;
  }

  /// What was decided, one line.
  static String decision(OomSnapshot snapshot, OomVerdict verdict, boolean isDryRun) {
    String what =
        switch (verdict) {
          case OomVerdict.Kill kill -> killed(snapshot, kill.candidate(), isDryRun);
          case OomVerdict.KillGroup kill -> killed(snapshot, kill.candidate(), isDryRun);
          case OomVerdict.FailRequester fail ->
              "Failed " + line(snapshot.request().who()) + ": " + line(fail.reason());
          case OomVerdict.WaitForVictim wait -> "Waiting for victim (id " + wait.victimId() + ")";
          case OomVerdict.Nothing _ -> "Did nothing";
        };
    return "Out of memory: " + what;
  }

  private static String killed(OomSnapshot snapshot, OomCandidate victim, boolean isDryRun) {
    return "%s %s%s, usage:%dB, oom_score_adj:%d, score:%d"
        .formatted(
            isDryRun ? "Would have killed" : "Killed",
            victim.isGroup() ? "group " : "",
            named(victim),
            victim.usageByteSize(),
            victim.scoreAdj(),
            snapshot.score(victim));
  }

  static String reaped(OomCandidate victim, long freedByteSize) {
    return "oom_reaper: reaped %s, freed:%dB".formatted(named(victim), freedByteSize);
  }

  static String skipped(OomCandidate victim, String reason) {
    return "oom_reaper: skipped %s, reason:%s".formatted(named(victim), line(reason));
  }

  private static String named(OomCandidate candidate) {
    return "%s (id %d)".formatted(line(candidate.name()), candidate.id());
  }

  /// The least order whose block has room.
  private static int order(OomSnapshot.Request request) {
    long pages = request.pages(request.byteSize());
    return pages <= 1 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(pages - 1);
  }

  private static int requesterAdj(OomSnapshot snapshot) {
    return snapshot.find(snapshot.request().candidateId()).map(OomCandidate::scoreAdj).orElse(0);
  }

  /// Text without control characters.
  static String line(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
