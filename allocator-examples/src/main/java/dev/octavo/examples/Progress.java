package dev.octavo.examples;

import java.io.PrintWriter;

/// Says how far a phase is: one line that is overwritten on a terminal, else a line every quarter.
final class Progress {
  private static final long REDRAW_NANOS = 100_000_000L;
  private static final int PLAIN_STEPS = 4;

  private final PrintWriter err;
  private final boolean isLive;
  private String phase = "";
  private long total = 1;
  private long startNanos;
  private long redrawnNanos;
  private int stepsSaid;

  Progress(PrintWriter err, boolean isLive) {
    this.err = err;
    this.isLive = isLive;
  }

  /// Starts a phase of so many steps.
  void begin(String name, long steps) {
    phase = name;
    total = Math.max(1, steps);
    startNanos = System.nanoTime();
    redrawnNanos = startNanos - REDRAW_NANOS;
    stepsSaid = 0;
  }

  /// Says that so many steps are done.
  void at(long done) {
    if (isLive) {
      redraw(done);
    } else if (done * PLAIN_STEPS / total > stepsSaid) {
      stepsSaid = (int) (done * PLAIN_STEPS / total);
      err.println(text(done));
      err.flush();
    }
  }

  private void redraw(long done) {
    long now = System.nanoTime();
    boolean isLast = done >= total;
    if (isLast || now - redrawnNanos >= REDRAW_NANOS) {
      redrawnNanos = now;
      err.print('\r' + text(done) + (isLast ? System.lineSeparator() : ""));
      err.flush();
    }
  }

  private String text(long done) {
    double seconds = (System.nanoTime() - startNanos) / 1e9;
    double left = seconds * (total - done) / Math.max(1, done);
    return Text.format("%-28s %3d %%, %5.1f s left", phase, done * 100 / total, left);
  }
}
