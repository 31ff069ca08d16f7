package dev.octavo.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.bench.report.BuildPairs.Pair;
import dev.octavo.bench.report.BuildRounds.Limits;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

class BuildRoundsTest {
  private static final Path BEFORE = Path.of("before.jar");
  private static final Path AFTER = Path.of("after.jar");
  private static final long SEED = 14;
  private static final BuildRow FAST = BuildFixtures.row("A.fast");
  private static final BuildRow NOISY = BuildFixtures.row("B.noisy");
  private static final Limits LIMITS = new Limits(6, 15, 1.03);

  private final StringWriter err = new StringWriter();
  private final List<String> launched = new ArrayList<>();

  @Test
  void eachRoundRunsBothBuildsOfEveryRowInTheOrderOfItsSeed() {
    BuildRounds rounds = rounds((jar, row) -> 100, System::nanoTime, FAST, NOISY);
    rounds.run();
    List<String> expected = new ArrayList<>();
    for (int round = 0; round < LIMITS.forks(); round++) {
      for (BuildRow row : List.of(FAST, NOISY)) {
        boolean isBeforeFirst = new PairOrder(SEED).isBeforeFirst(row.toString(), round);
        expected.add((isBeforeFirst ? BEFORE : AFTER) + " " + row);
        expected.add((isBeforeFirst ? AFTER : BEFORE) + " " + row);
      }
    }
    assertThat(launched).isEqualTo(expected);
  }

  @Test
  void aPairKnowsItsOrderAndItsBuilds() {
    BuildRounds rounds =
        rounds((jar, row) -> jar.equals(BEFORE) ? 100 : 101, System::nanoTime, FAST);
    rounds.run();
    List<Pair> pairs = pairs(rounds, FAST).pairs();
    assertThat(pairs).hasSize(6).allMatch(pair -> pair.ratio() == 1.01);
    assertThat(pairs.stream().filter(Pair::isBeforeFirst)).hasSize(3);
    for (int round = 0; round < pairs.size(); round++) {
      String first = pairs.get(round).isBeforeFirst() ? "before.jar" : "after.jar";
      assertThat(launched.get(2 * round)).startsWith(first);
    }
  }

  @Test
  void onlyUnclearRowsGetMoreRoundsUpToTheMaximum() {
    int[] calls = {0};
    ForkLauncher launcher =
        (jar, row) -> row.equals(NOISY) && jar.equals(AFTER) ? 90 + 20 * (calls[0]++ % 2) : 100;
    BuildRounds rounds = rounds(launcher, System::nanoTime, FAST, NOISY);
    rounds.run();
    assertThat(pairs(rounds, FAST).pairs()).hasSize(6);
    assertThat(pairs(rounds, NOISY).pairs()).hasSize(15);
    assertThat(err.toString()).contains("[   1/12] ").contains("[  13/18] ").contains("[  21/21] ");
  }

  @Test
  void aRowThatBecomesClearGetsNoMoreRounds() {
    int[] calls = {0};
    ForkLauncher launcher = (jar, row) -> jar.equals(AFTER) ? (calls[0]++ == 0 ? 200 : 100) : 100;
    BuildRounds rounds = rounds(launcher, System::nanoTime, NOISY);
    rounds.run();
    assertThat(pairs(rounds, NOISY).pairs()).hasSize(12);
    assertThat(pairs(rounds, NOISY).verdict(LIMITS.ratio())).isEqualTo(Verdict.OK);
  }

  @Test
  void aRowWhoseForkFailsGetsNoMoreRoundsAndTheOthersGoOn() {
    ForkLauncher launcher =
        (jar, row) -> {
          if (row.equals(FAST) && jar.equals(AFTER) && launched.size() > 4) {
            throw new ReportException("exit code is not 0: code=1\nlast words");
          }
          return 100;
        };
    BuildRounds rounds = rounds(launcher, System::nanoTime, FAST, NOISY);
    rounds.run();
    assertThat(pairs(rounds, FAST).failure()).startsWith("after: exit code is not 0: code=1");
    assertThat(pairs(rounds, FAST).pairs()).hasSize(1);
    assertThat(pairs(rounds, NOISY).pairs()).hasSize(6);
    assertThat(err.toString())
        .contains("A.fast, 1 thread  FAILED", "after: exit code is not 0: code=1\nlast words");
  }

  @Test
  void stopEndsTheRounds() {
    List<BuildRounds> self = new ArrayList<>();
    ForkLauncher launcher =
        (jar, row) -> {
          if (launched.size() == 5) {
            self.getFirst().stop();
            throw new ReportException("killed");
          }
          return 100;
        };
    self.add(rounds(launcher, System::nanoTime, FAST));
    self.getFirst().run();
    assertThat(launched).hasSize(5);
    assertThat(pairs(self.getFirst(), FAST).pairs()).hasSize(2);
    assertThat(pairs(self.getFirst(), FAST).failure()).isNull();
  }

  @Test
  void timeLeftIsThatOfThePairsSoFar() {
    long[] seconds = {0};
    ForkLauncher launcher =
        (jar, row) -> {
          seconds[0] += 10;
          return 12.34;
        };
    rounds(launcher, () -> Duration.ofSeconds(seconds[0]).toNanos(), FAST).run();
    assertThat(err.toString().lines())
        .startsWith(
            "[   1/6]  0:00 gone,  0:30 left  A.fast, 1 thread  before 12.3, after 12.3 ns/op",
            "[   2/6]  0:20 gone,  1:40 left  A.fast, 1 thread  before 12.3, after 12.3 ns/op")
        .hasSize(6);
  }

  private static BuildPairs pairs(BuildRounds rounds, BuildRow row) {
    return Objects.requireNonNull(rounds.results().get(row));
  }

  private BuildRounds rounds(ForkLauncher launcher, LongSupplier clock, BuildRow... rows) {
    ForkLauncher recording =
        (jar, row) -> {
          launched.add(jar + " " + row);
          return launcher.run(jar, row);
        };
    return new BuildRounds(
        List.of(rows),
        LIMITS,
        new PairRunner(recording, BEFORE, AFTER, new PairOrder(SEED)),
        new BuildProgress(new PrintWriter(err), Duration.ofSeconds(5), clock));
  }
}
