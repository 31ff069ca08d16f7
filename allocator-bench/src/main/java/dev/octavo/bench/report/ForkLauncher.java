package dev.octavo.bench.report;

import java.nio.file.Path;

/// Runs one row of one build in a JVM of its own.
interface ForkLauncher {

  /// Returns what the fork measured: nanoseconds an operation takes one thread, above 0.
  ///
  /// @throws ReportException if the fork failed; the message ends with the last lines that it
  ///   printed
  double run(Path jar, BuildRow row) throws ReportException;
}
