package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.oom.MemoryAccount.Preference;
import dev.octavo.allocator.oom.OomCandidate;
import dev.octavo.allocator.oom.OomPolicy;
import dev.octavo.allocator.oom.OomSnapshot;
import dev.octavo.allocator.oom.OomVerdict;
import java.util.List;
import org.junit.jupiter.api.Test;

/// That the checks of the run would see what is wrong.
class OomEpisodesTest {

  private final OomEpisodes episodes = new OomEpisodes();
  private final OomCandidate small = candidate(1, 100, 0, Preference.NORMAL);
  private final OomCandidate large = candidate(2, 200, 0, Preference.NORMAL);
  private final OomCandidate precious = candidate(3, 700, -1000, Preference.NORMAL);
  private final OomSnapshot snapshot =
      new OomSnapshot(
          "engine",
          1000,
          0,
          OomSnapshot.Request.of("main", "BLOCKING", 10, 1),
          OomSnapshot.NO_VICTIM,
          List.of(small, large, precious));

  private static OomCandidate candidate(long id, long usage, int adj, Preference preference) {
    return new OomCandidate(
        id, "engine/" + id, 0, usage, 0, adj, preference, id, false, true, false);
  }

  private void kill(long episode, OomCandidate victim) {
    OomVerdict verdict = episodes.recorded(_ -> OomVerdict.kill(victim)).decide(snapshot);
    episodes.audit().decided(episode, snapshot, verdict, false);
  }

  @Test
  void theRuleNamesTheHungriestThatMayBeChosen() {
    assertThat(OomEpisodes.rightVictim(snapshot)).contains(large);
    OomCandidate preferred = candidate(4, 1, 0, Preference.PREFER);
    OomCandidate adjusted = candidate(5, 1, 500, Preference.NORMAL);
    assertThat(OomEpisodes.rightVictim(with(adjusted))).contains(adjusted);
    assertThat(OomEpisodes.rightVictim(with(preferred))).contains(preferred);
    assertThat(OomEpisodes.rightVictim(snapshot.only(precious::equals))).isEmpty();
  }

  private OomSnapshot with(OomCandidate other) {
    return new OomSnapshot(
        "engine", 1000, 0, snapshot.request(), 0, List.of(other, small, large, precious));
  }

  @Test
  void anEpisodeIsADecisionAndWhatCameOfIt() {
    kill(1, large);
    episodes.audit().reaped(1, snapshot, large, 200);
    kill(2, small);
    episodes.audit().skipped(2, snapshot, small, "why");
    episodes.collect();
    assertThat(episodes.overlaps()).isZero();
    assertThat(episodes.kills()).extracting(OomEpisodes.Kill::victim).containsExactly(large, small);
    assertThat(episodes.kills().getFirst().text())
        .startsWith("main invoked oom-killer: mode=BLOCKING")
        .endsWith("oom_reaper: reaped engine/2 (id 2), freed:200B");
    assertThat(episodes.kills().getLast().text()).endsWith("SKIPPED why");
  }

  @Test
  void twoVictimsAtATimeAreSeen() {
    kill(1, large);
    kill(2, small);
    episodes.collect();
    assertThat(episodes.overlaps()).isEqualTo(1);
  }

  @Test
  void aVictimThatWasNeverDecidedIsSeen() {
    episodes.audit().decided(1, snapshot, OomVerdict.kill(large), false);
    episodes.collect();
    assertThatThrownBy(episodes::kills)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("killed, but never decided: entry=");
  }

  @Test
  void stepsThatTheAuditHasForgottenAreMissed() {
    OomPolicy none = episodes.recorded(OomPolicy.none());
    for (int i = 1; i <= 1000; i++) {
      episodes.audit().decided(i, snapshot, none.decide(snapshot), false);
    }
    episodes.collect();
    assertThat(episodes.isComplete()).isTrue();
    for (int i = 1; i <= 65; i++) {
      episodes.audit().decided(i, snapshot, new OomVerdict.Nothing(), false);
    }
    episodes.collect();
    assertThat(episodes.isComplete()).isFalse();
  }
}
