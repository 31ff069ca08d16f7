package dev.octavo.allocator.oom;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// An entry of the audit, in a recording of the Flight Recorder.
@Name("dev.octavo.OomEpisode")
@Label("OOM Episode")
@Description("A step of an episode in which memory had run out")
@Category("Octavo")
@StackTrace(false)
final class OomEvent extends Event {

  @Label("Episode")
  long episode;

  @Label("Step")
  String step;

  @Label("Requester")
  String requester;

  @Label("Requested")
  @DataAmount
  long requested;

  @Label("Domain")
  String domain;

  @Label("Victim")
  String victim;

  @Label("Freed")
  @DataAmount
  long freed;

  @Label("Detail")
  String detail;

  OomEvent(OomAudit.Entry entry) {
    episode = entry.episode();
    step = entry.step().name();
    requester = entry.requester();
    requested = entry.requestByteSize();
    domain = entry.domain();
    victim = entry.victim();
    freed = entry.freedByteSize();
    detail = entry.detail();
  }
}
