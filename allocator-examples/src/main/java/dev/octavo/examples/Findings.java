package dev.octavo.examples;

import dev.octavo.allocator.Violation;
import java.util.List;

/// All that the demo has found out; the reports only write it down.
record Findings(Setup setup, Policies policies, List<SpeedTest.Speed> speeds, ExactTrim exactTrim) {
  /// The orders at which fragmentation is reported: 64 KiB and 2 MiB with pages of 4 KiB.
  static final int SMALL_ORDER = 4;

  static final int HUGE_ORDER = 9;

  /// The first fifth of a replay, while the region still fills, says little about fragmentation.
  static final double WARM_UP = 0.2;

  /// What was replayed, on how much memory.
  record Setup(Trace trace, double slackPercent, long pageCount) {}

  /// The same events on as many pages, by policy.
  ///
  /// @param octavo the stamped replay on real memory
  /// @param linux the kernel's own policy
  /// @param others further policies, for the figures only
  record Policies(RealRun octavo, Replay.Outcome linux, List<Replay.Outcome> others) {}

  /// The replay on real memory, and what the allocator said about itself.
  record RealRun(Replay.Outcome outcome, Stamps.Tally stamps, Laws laws) {}

  /// What must hold of an allocator whatever was asked of it.
  ///
  /// @param liveBlocks blocks that were live when the trace ended; they were freed afterwards
  /// @param violations of the audits with these blocks live and with none
  /// @param lineBefore the free blocks of the new allocator
  /// @param lineAfter the free blocks when everything had been freed again
  record Laws(int liveBlocks, List<Violation> violations, String lineBefore, String lineAfter) {
    boolean isFullyMerged() {
      return lineBefore.equals(lineAfter);
    }

    boolean allHold() {
      return violations.isEmpty() && isFullyMerged();
    }
  }

  Trace trace() {
    return setup.trace();
  }

  long regionBytes() {
    return setup.pageCount() * trace().pageSize();
  }

  Replay.Outcome octavo() {
    return policies.octavo().outcome();
  }

  Replay.Outcome linux() {
    return policies.linux();
  }

  Stamps.Tally stamps() {
    return policies.octavo().stamps();
  }

  Laws laws() {
    return policies.octavo().laws();
  }

  /// Says whether everything that must hold did.
  boolean isGood() {
    return octavo().failures() == 0 && stamps().broken() == 0 && laws().allHold();
  }
}
