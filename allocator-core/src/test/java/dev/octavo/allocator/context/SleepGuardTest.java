package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.octavo.allocator.Threads;
import dev.octavo.allocator.context.SleepGuard.Mode;
import dev.octavo.allocator.context.SleepGuard.Totals;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

/// What the guard does with a call that may sleep.
class SleepGuardTest {

  private static final Totals NOTHING = new Totals(0, 0, 0, 0);

  private final AtomicLong clock = new AtomicLong();
  private final List<String> log = Collections.synchronizedList(new ArrayList<>());

  private SleepGuard guard(Mode mode) {
    return new SleepGuard(mode, clock::get, log::add);
  }

  /// A method of a user's that may sleep.
  private static void take(SleepGuard guard) {
    guard.check("queue.take(nanos=5)");
  }

  private static void takeInSection(SleepGuard guard) {
    try (var _ = AtomicContext.enter("flush")) {
      take(guard);
    }
  }

  /// The message of a violation in this test, with the caller's line masked.
  private static String message(String method, String sections, int depth, String thread) {
    return "BUG: call that may sleep in an atomic section: call=queue.take(nanos=5), "
        + "method=SleepGuardTest.take, "
        + ("caller=dev.octavo.allocator.context.SleepGuardTest." + method)
        + ("(SleepGuardTest.java:#), sections=[" + sections + "], depth=" + depth)
        + (", expectedDepth=0, thread=" + thread)
        + ", advice=call it outside of the section or in another thread, or AtomicContext.allow it";
  }

  private static String masked(String message) {
    return message.replaceAll("\\.java:\\d+", ".java:#");
  }

  @ParameterizedTest
  @EnumSource
  void outsideOfSectionsNothingIsReported(Mode mode) {
    SleepGuard guard = guard(mode);
    take(guard);
    try (var _ = AtomicContext.enter("flush");
        var _ = AtomicContext.allow("warm-up")) {
      take(guard);
    }
    try (var _ = AtomicContext.noReclaim("shrinker")) {
      take(guard);
    }
    assertThat(guard.totals()).isEqualTo(NOTHING);
    assertThat(log).isEmpty();
  }

  @Test
  void offLooksAtNothing() {
    SleepGuard guard = guard(Mode.OFF);
    takeInSection(guard);
    guard.report("called in spite of it", "do not");
    assertThat(guard.isOn()).isFalse();
    assertThat(guard.totals()).isEqualTo(NOTHING);
    assertThat(log).isEmpty();
  }

  @Test
  void countCountsAndDoesNoMore() {
    SleepGuard guard = guard(Mode.COUNT);
    for (int i = 0; i < 100; i++) {
      takeInSection(guard);
    }
    assertThat(guard.isOn()).isTrue();
    assertThat(guard.totals()).isEqualTo(new Totals(100, 0, 1, 0));
    assertThat(log).isEmpty();
  }

  @Test
  void warnNamesWhatExplainsIt() {
    SleepGuard guard = guard(Mode.WARN);
    try (var _ = AtomicContext.enter("request");
        var _ = AtomicContext.noReclaim("shrinker");
        var _ = AtomicContext.enter("flush")) {
      take(guard);
    }
    String thread = Thread.currentThread().getName() + ", virtual=false";
    assertThat(log)
        .singleElement()
        .satisfies(
            line ->
                assertThat(masked(line))
                    .isEqualTo(message("warnNamesWhatExplainsIt", "request, flush", 2, thread)));
  }

  @Test
  void theNamedLineIsThatOfTheCall() {
    SleepGuard guard = guard(Mode.WARN);
    int line;
    try (var _ = AtomicContext.enter("flush")) {
      line = StackWalker.getInstance().walk(s -> s.findFirst().orElseThrow().getLineNumber()) + 1;
      take(guard);
    }
    assertThat(log).singleElement().asString().contains("SleepGuardTest.java:" + line + ")");
  }

  @ParameterizedTest
  @CsvSource({"named, named", "'', #"})
  void virtualThreadsAreReportedAsSuch(String name, String shown) throws Exception {
    SleepGuard guard = guard(Mode.WARN);
    ThreadFactory threads = Thread.ofVirtual().name(name).factory();
    long id =
        AtomicContextTest.on(
            threads,
            () -> {
              takeInSection(guard);
              return Thread.currentThread().threadId();
            });
    String thread = (shown.equals("#") ? "#" + id : shown) + ", virtual=true";
    assertThat(log)
        .singleElement()
        .satisfies(
            line ->
                assertThat(masked(line)).isEqualTo(message("takeInSection", "flush", 1, thread)));
  }

  @Test
  void aThreadOfAnAtomicKindIsReportedByTheKind() {
    SleepGuard guard = guard(Mode.WARN);
    try (var _ = AtomicContext.treatThreads("event-loop", Thread.currentThread()::equals)) {
      take(guard);
    }
    assertThat(log).singleElement().asString().contains("sections=[event-loop], depth=1,");
  }

  @Test
  void throwRefusesTheCallAndCountsWhatIsSwallowed() {
    SleepGuard guard = guard(Mode.THROW);
    List<String> done = new ArrayList<>();
    try (var _ = AtomicContext.enter("flush")) {
      try {
        take(guard);
        done.add("call");
      } catch (IllegalStateException swallowed) {
        assertThat(swallowed).isInstanceOf(SleepInAtomicContextException.class);
      }
      assertThatThrownBy(() -> take(guard))
          .isInstanceOfSatisfying(
              SleepInAtomicContextException.class,
              e -> {
                assertThat(e.call()).isEqualTo("queue.take(nanos=5)");
                assertThat(e.sections()).containsExactly("flush").isUnmodifiable();
                assertThat(e)
                    .hasMessageStartingWith("BUG: call that may sleep in an atomic section: ")
                    .hasMessageContaining("sections=[flush], depth=1, expectedDepth=0");
              });
      assertThat(AtomicContext.isSleepForbidden()).isTrue();
    }
    assertThat(done).isEmpty();
    assertThat(guard.totals()).isEqualTo(new Totals(2, 0, 2, 0));
    assertThat(log).isEmpty();
  }

  @Test
  void warnIsLimitedByCallSite() {
    SleepGuard guard = guard(Mode.WARN);
    for (int i = 0; i < 100; i++) {
      takeInSection(guard);
    }
    assertThat(log).hasSize(1 + SiteLimits.BURST).noneMatch(line -> line.contains("suppressed"));
    assertThat(guard.totals()).isEqualTo(new Totals(100, 0, 1, 100 - 1 - SiteLimits.BURST));
    try (var _ = AtomicContext.enter("other")) {
      take(guard);
    }
    assertThat(log).as("a new site").hasSize(2 + SiteLimits.BURST);
    clock.addAndGet(SiteLimits.WINDOW_NANOS);
    takeInSection(guard);
    assertThat(log).hasSize(3 + SiteLimits.BURST).last().asString().endsWith(", suppressed=89");
    assertThat(guard.totals()).isEqualTo(new Totals(102, 0, 2, 89));
  }

  @ParameterizedTest
  @EnumSource(names = {"COUNT", "WARN", "THROW"})
  void totalsAreExactWhateverThreadsReport(Mode mode) throws Exception {
    int threads = 8;
    int each = 500;
    SleepGuard guard = guard(mode);
    Threads.together(
        threads,
        _ -> {
          for (int i = 0; i < each; i++) {
            try {
              takeInSection(guard);
            } catch (SleepInAtomicContextException refused) {
              assertThat(mode).isEqualTo(Mode.THROW);
            }
          }
          return true;
        });
    long logged = mode == Mode.WARN ? 1 + SiteLimits.BURST : 0;
    long all = (long) threads * each;
    assertThat(log).hasSize((int) logged);
    assertThat(guard.totals())
        .isEqualTo(new Totals(all, 0, 1, mode == Mode.WARN ? all - logged : 0));
  }

  @Test
  void whatTheLogDoesItselfIsOnlyCounted() {
    AtomicInteger lines = new AtomicInteger();
    SleepGuard[] guard = new SleepGuard[1];
    guard[0] =
        new SleepGuard(
            Mode.WARN,
            clock::get,
            _ -> {
              lines.incrementAndGet();
              take(guard[0]);
              assertThat(guard[0].isArmed()).as("while it reports").isFalse();
            });
    takeInSection(guard[0]);
    assertThat(lines).hasValue(1);
    assertThat(guard[0].totals().violations()).isEqualTo(2);
    takeInSection(guard[0]);
    assertThat(lines).hasValue(2);
  }

  @Test
  void aLogThatThrowsLeavesTheGuardAlive() {
    List<String> lines = new ArrayList<>();
    SleepGuard guard =
        new SleepGuard(
            Mode.WARN,
            clock::get,
            line -> {
              lines.add(line);
              throw new UnsupportedOperationException("on purpose");
            });
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> takeInSection(guard)).hasMessage("on purpose");
    }
    assertThat(lines).hasSize(2);
    assertThat(guard.isArmed()).isTrue();
  }

  @ParameterizedTest
  @FieldSource("dev.octavo.allocator.context.AtomicContextTest#KINDS")
  void theSelfTestTellsWhetherTheGuardIsArmedAndLeavesNoTrace(ThreadFactory threads)
      throws Exception {
    for (Mode mode : Mode.values()) {
      SleepGuard guard = guard(mode);
      AtomicContextTest.on(
          threads,
          () -> {
            assertThat(guard.isArmed()).isEqualTo(mode != Mode.OFF);
            try (var _ = AtomicContext.allow("warm-up")) {
              assertThat(guard.isArmed()).isEqualTo(mode != Mode.OFF);
            }
            assertThat(AtomicContext.sections()).isEmpty();
            return true;
          });
      assertThat(guard.totals()).isEqualTo(NOTHING);
    }
    assertThat(log).isEmpty();
  }

  @Test
  void thePropertyGivesTheMode() {
    assertThat(SleepGuard.ofProperty(null, clock::get, log::add).mode()).isEqualTo(Mode.WARN);
    for (Mode mode : Mode.values()) {
      for (String value : List.of(mode.name(), mode.name().toLowerCase(Locale.ROOT))) {
        assertThat(SleepGuard.ofProperty(value, clock::get, log::add).mode()).isEqualTo(mode);
      }
    }
    assertThat(log).isEmpty();
    for (String bad : List.of("", "on", "warn ")) {
      log.clear();
      assertThat(SleepGuard.ofProperty(bad, clock::get, log::add).mode()).isEqualTo(Mode.WARN);
      assertThat(log)
          .containsExactly(
              "unknown mode, warn is used: octavo.sleepGuard=%s, known=[off, count, warn, throw]"
                  .formatted(bad));
    }
  }

  @Test
  void theGuardOfTheProcessServesMightSleep() {
    SleepGuard process = SleepGuard.ofProcess();
    assertThat(SleepGuard.ofProcess()).isSameAs(process);
    Mode before = process.mode();
    long violations = process.totals().violations();
    try (var _ = AtomicContext.enter("flush")) {
      process.setMode(Mode.THROW);
      assertThat(SleepGuard.selfTest()).isTrue();
      assertThatThrownBy(() -> SleepGuard.mightSleep("queue.take"))
          .isInstanceOf(SleepInAtomicContextException.class);
      process.setMode(Mode.OFF);
      assertThat(SleepGuard.selfTest()).isFalse();
      SleepGuard.mightSleep("queue.take");
    } finally {
      process.setMode(before);
    }
    assertThat(process.totals().violations()).isEqualTo(violations + 1);
  }

  @Test
  @SuppressWarnings("NullAway")
  void aModeIsRequired() {
    assertThatThrownBy(() -> SleepGuard.of(null)).hasMessage("mode");
    SleepGuard guard = SleepGuard.of(Mode.COUNT);
    assertThatThrownBy(() -> guard.setMode(null)).hasMessage("next");
    assertThat(guard.mode()).isEqualTo(Mode.COUNT);
  }
}
