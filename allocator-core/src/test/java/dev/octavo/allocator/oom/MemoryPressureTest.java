package dev.octavo.allocator.oom;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.octavo.allocator.oom.MemoryPressure.Figures;
import dev.octavo.allocator.oom.MemoryPressure.Kind;
import dev.octavo.allocator.oom.MemoryPressure.Mark;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Pressure by example and beside a naive model that looks at every tick.
class MemoryPressureTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private long now = -5;
  private MemoryPressure pressure = new MemoryPressure(() -> now);

  @BeforeEach
  void begin() {
    now = -5;
    pressure = new MemoryPressure(() -> now);
  }

  @Test
  void withoutWaitsThereIsNone() {
    now += 1000 * SECOND;
    assertThat(pressure.figures(Kind.SOME)).isEqualTo(new Figures(0, 0, 0, 0));
    assertThat(pressure.toString().lines())
        .containsExactly(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0",
            "full avg10=0.00 avg60=0.00 avg300=0.00 total=0");
  }

  /// By hand: 2048 * (1 - 1677/2048) * 100 / 2048 = 18.11 after the first 2 s.
  @Test
  void averagesMoveEveryTwoSeconds() {
    Mark stall = pressure.stall();
    now += 2 * SECOND - 1;
    assertThat(pressure.figures(Kind.SOME)).isEqualTo(new Figures(0, 0, 0, 2 * SECOND - 1));
    now++;
    Figures after = pressure.figures(Kind.SOME);
    assertThat(after.avg10()).isEqualTo(18.11);
    assertThat(after.avg60()).isEqualTo(3.27);
    assertThat(after.avg300()).isEqualTo(0.68);
    assertThat(after.totalNanos()).isEqualTo(2 * SECOND);
    stall.close();
    stall.close();
    now += 2 * SECOND;
    assertThat(pressure.figures(Kind.SOME).avg10()).isEqualTo(14.83);
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(2 * SECOND);
  }

  @Test
  void aWaitWithoutEndComesToAHundredAndARestToZero() {
    Mark stall = pressure.stall();
    now += 1_000_000 * SECOND;
    assertThat(pressure.figures(Kind.FULL))
        .isEqualTo(new Figures(100, 100, 100, 1_000_000 * SECOND));
    stall.close();
    now += 1_000_000 * SECOND;
    assertThat(pressure.figures(Kind.FULL)).isEqualTo(new Figures(0, 0, 0, 1_000_000 * SECOND));
  }

  @Test
  void fullIsWhenAllTasksWait() {
    Mark one = pressure.task();
    Mark two = pressure.task();
    Mark first = pressure.stall();
    now += 3;
    Mark second = pressure.stall();
    now += 5;
    first.close();
    now += 7;
    one.close();
    now += 11;
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(26);
    assertThat(pressure.figures(Kind.FULL).totalNanos()).isEqualTo(16);
    second.close();
    two.close();
    now += 100;
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(26);
  }

  @Test
  void aClockThatGoesBackDoesNoHarm() {
    Mark stall = pressure.stall();
    now += 10;
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(10);
    now -= 5;
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(10);
    now += 6;
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(11);
    stall.close();
  }

  // ---- the naive model

  /// Ticks of 0.1 s, averages with whole numbers as in the kernel's source, each period computed.
  private static final class Model {
    private static final long TICK = SECOND / 10;
    private static final long[] DECAY = {1677, 1981, 2034};
    private final long[] averages = new long[3];
    private long total;
    private long inPeriod;
    private long ticks;

    void tick(boolean isLost) {
      total += isLost ? TICK : 0;
      inPeriod += isLost ? TICK : 0;
      ticks++;
      if (ticks % 20 == 0) {
        long percent = inPeriod * 100 / (2 * SECOND) * 2048;
        for (int i = 0; i < 3; i++) {
          long load = averages[i] * DECAY[i] + percent * (2048 - DECAY[i]);
          if (percent >= averages[i]) {
            load += 2047;
          }
          averages[i] = load / 2048;
        }
        inPeriod = 0;
      }
    }

    Figures figures() {
      double[] shown = new double[3];
      for (int i = 0; i < 3; i++) {
        shown[i] = (averages[i] / 2048 * 100 + averages[i] % 2048 * 100 / 2048) / 100.0;
      }
      return new Figures(shown[0], shown[1], shown[2], total);
    }
  }

  @Property(tries = 300)
  void figuresAreExactlyThoseOfTheModel(@ForAll long seed) {
    begin();
    Random random = new Random(seed);
    Model some = new Model();
    Model full = new Model();
    List<Mark> stalls = new ArrayList<>();
    List<Mark> tasks = new ArrayList<>();
    for (int step = 0; step < 200; step++) {
      switch (random.nextInt(6)) {
        case 0 -> stalls.add(pressure.stall());
        case 1 -> tasks.add(pressure.task());
        case 2 -> closeOne(stalls, random);
        case 3 -> closeOne(tasks, random);
        default -> {
          int ticks = random.nextInt(random.nextInt(40) == 0 ? 100_000 : 60);
          for (int i = 0; i < ticks; i++) {
            some.tick(!stalls.isEmpty());
            full.tick(!stalls.isEmpty() && stalls.size() >= tasks.size());
          }
          now += ticks * Model.TICK;
        }
      }
      if (random.nextBoolean()) {
        assertThat(pressure.figures(Kind.SOME)).isEqualTo(some.figures());
        assertThat(pressure.figures(Kind.FULL)).isEqualTo(full.figures());
      }
    }
  }

  private static void closeOne(List<Mark> marks, Random random) {
    if (!marks.isEmpty()) {
      marks.remove(random.nextInt(marks.size())).close();
    }
  }

  // ---- triggers

  private final AtomicInteger calls = new AtomicInteger();

  private Mark trigger(int thresholdMillis) {
    return pressure.addTrigger(
        Kind.SOME,
        Duration.ofMillis(thresholdMillis),
        Duration.ofSeconds(1),
        calls::incrementAndGet);
  }

  @Test
  void aTriggerIsCalledOnceAWindow() {
    trigger(300);
    Mark stall = pressure.stall();
    for (int i = 1; i <= 50; i++) {
      now += SECOND / 10;
      pressure.poll();
      assertThat(calls).as("%d", i).hasValue(i < 3 ? 0 : 1 + (i - 3) / 10);
    }
    stall.close();
    now += 10 * SECOND;
    calls.set(0);
    pressure.poll();
    assertThat(calls).hasValue(0);
  }

  @Test
  void aTriggerNeedsItsThresholdWithinTheWindow() {
    trigger(300);
    for (int i = 0; i < 100; i++) {
      Mark stall = pressure.stall();
      now += SECOND / 5;
      stall.close();
      now += SECOND;
    }
    pressure.poll();
    assertThat(calls).hasValue(0);
    Mark stall = pressure.stall();
    now += SECOND / 2;
    stall.close();
    assertThat(calls).hasValue(1);
  }

  @Test
  void aLongWaitSeenLateIsSeen() {
    trigger(1000);
    Mark stall = pressure.stall();
    now += 100 * SECOND;
    stall.close();
    assertThat(calls).hasValue(1);
  }

  @Test
  void aTriggerThatIsClosedOrThrowsDoesNoHarm() {
    Mark trigger = trigger(1);
    pressure.addTrigger(
        Kind.SOME,
        Duration.ofMillis(1),
        Duration.ofSeconds(1),
        () -> {
          throw new IllegalStateException("oops");
        });
    trigger.close();
    Mark stall = pressure.stall();
    now += SECOND;
    stall.close();
    assertThat(calls).hasValue(0);
    assertThat(pressure.figures(Kind.SOME).totalNanos()).isEqualTo(SECOND);
  }

  @Test
  void badTriggersAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> trigger(0))
        .withMessage(
            "not in the order 0 < threshold <= window <= 1 h: threshold=PT0S, window=PT1S");
    assertThatIllegalArgumentException().isThrownBy(() -> trigger(1001));
  }
}
