package dev.octavo.allocator;

import dev.octavo.allocator.internal.reclaim.WaitingRoom;
import dev.octavo.allocator.internal.request.Requests;
import dev.octavo.allocator.reclaim.Watermarks;
import java.util.List;

/// The text about requests that wait for pages: for what, since when and why, and what is free; a
/// line each.
record WaitersText(String name, Failures failures, Watermarks.Pages marks) {

  String of(List<WaitingRoom.Waiting> line, BuddyInfo info) {
    StringBuilder text = new StringBuilder("requests wait for memory: name=");
    text.append(name).append(", waiters=").append(line.size());
    if (!line.isEmpty()) {
      Requests.demandOf(line.getFirst())
          .map(demand -> failures.shortage(info, demand, marks.min()))
          .ifPresent(why -> text.append(", why=").append(Failures.rule(why)));
    }
    line.forEach(waiting -> text.append(System.lineSeparator()).append("  ").append(waiting));
    return text.append(System.lineSeparator())
        .append(
            "  freePages=%d, largestFreeRun=%d".formatted(info.freePages(), info.largestFreeRun()))
        .append(", min=%d, low=%d, high=%d".formatted(marks.min(), marks.low(), marks.high()))
        .append(System.lineSeparator())
        .append("  ")
        .append(info.toBuddyinfoLine())
        .toString();
  }
}
