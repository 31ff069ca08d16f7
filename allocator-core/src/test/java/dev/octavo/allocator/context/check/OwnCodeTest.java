package dev.octavo.allocator.context.check;

import dev.octavo.allocator.PageAllocator;
import java.net.URISyntaxException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// The allocator's own code never sleeps, waits for a lock or closes a shared arena, but for what
/// is named here. An exception that is not needed any more fails the check.
class OwnCodeTest {

  private static final String ROOT = "dev.octavo.allocator.";

  private static final String FULL = "the grade FULL takes short locks";

  private static final String STOCKS =
      "only of charges about to be refused, and of those that look at accounts as a whole";

  private static final String REPORT = "a short lock, when a violation is reported";

  private static SleepCheck check() throws URISyntaxException {
    return SleepCheck.ofPaths(
            Path.of(
                PageAllocator.class.getProtectionDomain().getCodeSource().getLocation().toURI()))
        .alsoSleeping("java.lang.foreign.Arena.close")
        .alsoMonitors();
  }

  @Test
  void freeNeverSleeps() throws URISyntaxException {
    check()
        .alsoAtomic(ROOT + "PageAllocator.free*")
        .except(ROOT + "internal.checks.Quarantine.*", FULL)
        .except(ROOT + "internal.checks.FreedPages.*", FULL)
        .except(ROOT + "context.SiteLimits.*", REPORT)
        .except(ROOT + "internal.threads.Handshake.withAllThreads", STOCKS)
        .check();
  }

  @Test
  void theInsideNeverSleeps() throws URISyntaxException {
    check()
        .alsoAtomic(ROOT + "internal.*")
        .except(
            ROOT + "internal.threads.Handshake.withAllThreads",
            "only of calls about to fail, and of those that look at the region as a whole")
        .except(ROOT + "internal.checks.Quarantine.*", FULL)
        .except(ROOT + "internal.checks.FreedPages.*", FULL)
        .except(ROOT + "context.SiteLimits.*", REPORT)
        .except(ROOT + "internal.threads.Callbacks$Worker.await", "as the next one")
        .except(ROOT + "internal.region.OpenRegion.end", "ends an allocator or an account")
        .except(ROOT + "internal.region.Zeros.<clinit>", "the global arena takes no lock")
        .except(ROOT + "internal.request.Payers.open", "opens an account's allocator")
        .except(ROOT + "internal.request.Payers.close*", "ends an allocator or an account")
        .except(ROOT + "internal.request.Payers.endSessions", "ends an allocator")
        .except(ROOT + "internal.request.Payers.shut", "ends an allocator")
        .except(ROOT + "internal.request.Payers.reap", "takes memory away from an account")
        .except(ROOT + "internal.request.InLine.beginStall", "only of requests that wait")
        .except(ROOT + "internal.request.InLine.end", "only of requests that wait")
        .except(
            ROOT + "internal.request.LastResort.*",
            "only of requests that wait, when somebody must give")
        .except(ROOT + "internal.reclaim.WaitClock$1.park", "the one place where requests wait")
        .except(ROOT + "internal.region.FileMapping.open", "opens a region")
        .except(ROOT + "internal.region.RegionMemory.ofArena", "opens a region")
        .except(ROOT + "internal.region.RegionMemory.close", "closes a region")
        .except(
            ROOT + "internal.region.NativeMemory.interleave",
            "a confined arena, as long as a system call")
        .except(
            ROOT + "internal.region.NativeMemory.call",
            "a confined arena, as long as a system call")
        .except(ROOT + "PurgeTimer.run", "a Runnable that the purge thread alone runs")
        .check();
  }
}
