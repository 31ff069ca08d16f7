package dev.octavo.examples;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.Violation;
import dev.octavo.allocator.reclaim.Watermarks;
import dev.octavo.bench.strategy.AddressOrderedBuddy;
import dev.octavo.bench.strategy.GroupedLinuxBuddy;
import dev.octavo.bench.strategy.LinuxBuddy;
import dev.octavo.bench.strategy.OctavoStrategy;
import dev.octavo.bench.strategy.PageStrategy;
import java.util.ArrayList;
import java.util.List;

/// Plays a trace on Octavo over real memory and on the baselines over none, and gathers the
/// findings.
final class Demo {
  private final Trace trace;
  private final double slackPercent;
  private final int pageCount;
  private final Progress progress;

  Demo(Trace trace, double slackPercent, Progress progress) {
    this.trace = trace;
    this.slackPercent = slackPercent;
    this.progress = progress;
    pageCount = (int) Math.ceil(trace.peakPages() * (1 + slackPercent / 100));
  }

  Findings run(int passes) throws TraceException {
    Findings.RealRun octavo = replayOnRealMemory();
    Findings.Policies policies =
        new Findings.Policies(
            octavo,
            baseline(new LinuxBuddy(pageCount)),
            List.of(
                baseline(new GroupedLinuxBuddy(pageCount)),
                baseline(new AddressOrderedBuddy(pageCount, LinuxBuddy.LINUX_MAX_ORDER))));
    return new Findings(
        new Findings.Setup(trace, slackPercent, pageCount),
        policies,
        new SpeedTest(trace, pageCount).run(passes, progress),
        ExactTrim.observe());
  }

  private Findings.RealRun replayOnRealMemory() throws TraceException {
    long byteSize = (long) pageCount * trace.pageSize();
    try (PageAllocator allocator =
        PageAllocator.builder()
            .watermarks(Watermarks.none())
            .capacity(byteSize)
            .pageSize(trace.pageSize())
            .name("replay")
            .build()) {
      return replay(allocator);
    } catch (OutOfMemoryError e) {
      throw new TraceException(
          trace.file(),
          0,
          "no memory for the region: byteSize=" + byteSize + ", cause=" + e.getMessage());
    }
  }

  private Findings.RealRun replay(PageAllocator allocator) {
    String lineBefore = allocator.buddyInfo().toBuddyinfoLine();
    Stamps stamps = new Stamps(allocator, progress);
    Replay replay = new Replay(trace, new OctavoStrategy(allocator), stamps);
    progress.begin("replay on real memory", trace.eventCount());
    Replay.Outcome outcome = replay.run();
    List<Violation> violations = new ArrayList<>(allocator.audit());
    int liveBlocks = replay.freeRest();
    violations.addAll(allocator.audit());
    String lineAfter = allocator.buddyInfo().toBuddyinfoLine();
    return new Findings.RealRun(
        outcome,
        stamps.tally(),
        new Findings.Laws(liveBlocks, List.copyOf(violations), lineBefore, lineAfter));
  }

  private Replay.Outcome baseline(PageStrategy strategy) {
    return new Replay(trace, strategy, new Replay.Watcher() {}).run();
  }
}
