package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.context.SleepGuard.Mode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What the flight recorder gets.
class GuardEventsTest {

  private static final String VIOLATION = "dev.octavo.SleepInAtomicContext";
  private static final String SECTION = "dev.octavo.AtomicSection";

  @TempDir private Path dir = Path.of("");

  private List<RecordedEvent> record(Recording recording, Runnable work) throws IOException {
    try (recording) {
      recording.start();
      work.run();
      recording.stop();
      Path file = dir.resolve("recording-" + recording.getId() + ".jfr");
      recording.dump(file);
      return RecordingFile.readAllEvents(file);
    }
  }

  private static void violate(SleepGuard guard) {
    guard.check("queue.take(nanos=5)");
  }

  @ParameterizedTest
  @EnumSource
  void everyViolationIsAnEventUnlessTheGuardIsOff(Mode mode) throws IOException {
    SleepGuard guard = new SleepGuard(mode, () -> 0, _ -> {});
    Recording recording = new Recording();
    recording.enable(VIOLATION);
    int count = 20; // more than the log takes
    List<RecordedEvent> events =
        record(
            recording,
            () -> {
              assertThat(guard.isArmed()).isEqualTo(mode != Mode.OFF);
              for (int i = 0; i < count; i++) {
                try (var _ = AtomicContext.enter("request");
                    var _ = AtomicContext.enter("flush")) {
                  violate(guard);
                } catch (SleepInAtomicContextException refused) {
                  assertThat(mode).isEqualTo(Mode.THROW);
                }
              }
            });
    assertThat(events).hasSize(mode == Mode.OFF ? 0 : count);
    for (RecordedEvent event : events) {
      assertThat(event.getEventType().getName()).isEqualTo(VIOLATION);
      assertThat(event.getString("call")).isEqualTo("queue.take(nanos=5)");
      assertThat(event.getString("sections")).isEqualTo("request, flush");
      assertThat(event.getInt("depth")).isEqualTo(2);
      assertThat(event.getString("site")).contains("GuardEventsTest.java:");
      assertThat(event.getThread().getJavaName()).isEqualTo(Thread.currentThread().getName());
      assertThat(event.getStackTrace().getFrames()).isNotEmpty();
    }
  }

  private static void enterAndClose() {
    try (var _ = AtomicContext.enter("request");
        var _ = AtomicContext.allow("warm-up");
        var _ = AtomicContext.enter("flush")) {
      assertThat(AtomicContext.isSleepForbidden()).isTrue();
    }
  }

  @Test
  void sectionsLongerThanTheThresholdAreEvents() throws IOException {
    Recording all = new Recording();
    all.enable(SECTION).withThreshold(Duration.ZERO);
    assertThat(record(all, GuardEventsTest::enterAndClose))
        .extracting(event -> event.getString("label"))
        .containsExactly("flush", "request");
    Recording longOnes = new Recording();
    longOnes.enable(SECTION).withThreshold(Duration.ofDays(1));
    assertThat(record(longOnes, GuardEventsTest::enterAndClose)).isEmpty();
    Recording none = new Recording();
    none.disable(SECTION);
    assertThat(record(none, GuardEventsTest::enterAndClose)).isEmpty();
  }

  @Test
  void sectionsThatWereOpenWhenTheRecordingStartedOrEndedAreClosedAsAny() throws IOException {
    AtomicContext open = AtomicContext.enter("before");
    Recording recording = new Recording();
    recording.enable(SECTION).withThreshold(Duration.ZERO);
    AtomicContext[] left = new AtomicContext[1];
    assertThat(
            record(
                recording,
                () -> {
                  open.close();
                  left[0] = AtomicContext.enter("after");
                }))
        .isEmpty();
    left[0].close();
    assertThat(AtomicContext.sections()).isEmpty();
  }

  @Test
  void theThresholdIsTwentyMillisUnlessTheRecordingSaysOtherwise() {
    enterAndClose();
    EventType type =
        FlightRecorder.getFlightRecorder().getEventTypes().stream()
            .filter(known -> known.getName().equals(SECTION))
            .findAny()
            .orElseThrow();
    assertThat(type.getSettingDescriptors())
        .filteredOn(setting -> setting.getName().equals("threshold"))
        .singleElement()
        .satisfies(setting -> assertThat(setting.getDefaultValue()).isEqualTo("20 ms"));
    assertThat(type.isEnabled()).as("nobody records").isFalse();
  }
}
