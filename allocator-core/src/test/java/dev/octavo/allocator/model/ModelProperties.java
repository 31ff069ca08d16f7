package dev.octavo.allocator.model;

import java.util.List;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.statistics.Statistics;
import net.jqwik.api.statistics.StatisticsCollector;

/// Random programs on the allocator and on the model: every page the same, every law kept, after
/// every step.
///
/// A failure prints a seed, the shrunken program, and the calls it comes to with what the model
/// expects. To see it again, write `@Property(seed = "...")`; the run after a failure starts with
/// the failed program anyway. More programs than jqwik's 1,000: `-Djqwik.tries.default=100000`;
/// with fewer some of the wanted paths may be missed.
class ModelProperties {

  /// "Sometimes" claims: programs that never get here say nothing about what happens there. In
  /// 1,000 programs the rarest of these comes up 20 times and more.
  private static final List<String> WANTED =
      List.of(
          "found: WINDOW",
          "found: CHUNK at level 0",
          "found: CHUNK at level 1",
          "found: CHUNK_UNIT at level 1",
          "found: HOME at level 0",
          "found: FIRST_FIT",
          "failed: lack of memory",
          "failed: fragmentation",
          "split from level 1",
          "split from level 2",
          "merged into level 1",
          "opened: kept its left",
          "opened: kept its right",
          "opened: kept both ends",
          "many: all",
          "many: some",
          "many: none",
          "grow: done",
          "grow: refused, in use",
          "grow: refused, region ends",
          "refused: held",
          "refused: WRONG_SIZE",
          "refused: INTERIOR",
          "refused: DOUBLE",
          "refused: OUTSIDE",
          "take all: refused");

  /// What only the narrow radix reaches often enough.
  private static final List<String> WANTED_OF_NARROW =
      List.of(
          "found: CHUNK at level 2",
          "found: CHUNK at level 3",
          "found: CHUNK_UNIT at level 2",
          "found: CHUNK_UNIT at level 3",
          "found: HOME at level 1",
          "found: HOME at level 2",
          "found: LOWEST at level 0",
          "split from level 3",
          "split from level 4",
          "merged into level 2",
          "merged into level 3",
          "merged into level 4");

  @Property(edgeCases = EdgeCasesMode.NONE)
  void wordsOf4BitsDoAsTheModel(@ForAll("narrow") Program program) {
    StatisticsCollector paths = collect(program.run());
    checkReached(paths, WANTED);
    checkReached(paths, WANTED_OF_NARROW);
  }

  @Property(edgeCases = EdgeCasesMode.NONE)
  void wordsOf64BitsDoAsTheModel(@ForAll("wide") Program program) {
    checkReached(collect(program.run()), WANTED);
  }

  @Provide
  Arbitrary<Program> narrow() {
    return Programs.narrow();
  }

  @Provide
  Arbitrary<Program> wide() {
    return Programs.wide();
  }

  private static StatisticsCollector collect(PathsReached reached) {
    StatisticsCollector paths = Statistics.label("programs that reached");
    reached.names().forEach(paths::collect);
    return paths;
  }

  private static void checkReached(StatisticsCollector paths, List<String> wanted) {
    paths.coverage(
        coverage -> wanted.forEach(path -> coverage.check(path).count(programs -> programs > 0)));
  }
}
